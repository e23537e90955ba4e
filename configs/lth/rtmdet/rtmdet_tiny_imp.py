# RTMDet-tiny on COCO, rewound to 5 % of training.
_base_ = ['mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', '../../_base_/lth/imp.py']

lottery = dict(target_sparsity=0.8, rounds=8, rewind='15ep')
