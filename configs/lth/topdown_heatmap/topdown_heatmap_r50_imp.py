# Top-down heatmap pose estimation with a ResNet-50 on COCO keypoints, rewound to 5 % of training.
_base_ = [
    'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
    '../../_base_/lth/imp.py',
]

lottery = dict(target_sparsity=0.8, rounds=8, rewind='10ep')
