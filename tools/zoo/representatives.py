"""One config for each folder of the two zoos, more where architectures differ."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Representative:
    """A config that stands for its family.

    Attributes:
        name: As ``mmdet::…``, ``mmpose::…`` or ``mmseg::…``.
        kind: The kind of architecture that it stands for in the fast sample of the tests; empty
            for those that only the full run checks.
    """

    name: str
    kind: str = ''

    @property
    def family(self) -> str:
        """The folder of its zoo."""
        return self.name.partition('::')[2].rpartition('/')[0]


# For each folder of mmdet: the rest of the name, and the kind for the sample.
_MMDET = {
    'albu_example': [('mask-rcnn_r50_fpn_albu-1x_coco', '')],
    'atss': [('atss_r18_fpn_8xb8-amp-lsj-200e_coco', '')],
    'autoassign': [('autoassign_r50-caffe_fpn_1x_coco', '')],
    'boxinst': [('boxinst_r50_fpn_ms-90k_coco', '')],
    'bytetrack': [
        ('bytetrack_yolox_x_8xb4-amp-80e_crowdhuman-mot17halftrain_test-mot17halfval', '')
    ],
    'carafe': [('mask-rcnn_r50_fpn-carafe_1x_coco', '')],
    'cascade_rcnn': [('cascade-mask-rcnn_r50_fpn_1x_coco', '')],
    'cascade_rpn': [('cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco', '')],
    'centernet': [
        ('centernet_r18_8xb16-crop512-140e_coco', 'one-stage'),
        ('centernet-update_r18_fpn_8xb8-amp-lsj-200e_coco', ''),
    ],
    'centripetalnet': [('centripetalnet_hourglass104_16xb6-crop511-210e-mstest_coco', '')],
    'cityscapes': [('mask-rcnn_r50_fpn_1x_cityscapes', '')],
    'clrnet': [('clrnet', '')],  # of the fork only
    'condinst': [('condinst_r50_fpn_ms-poly-90k_coco_instance', 'instance')],
    'conditional_detr': [('conditional-detr_r50_8xb2-50e_coco', 'DETR')],
    'convnext': [('mask-rcnn_convnext-t-p4-w7_fpn_amp-ms-crop-3x_coco', 'backbone')],
    'cornernet': [('cornernet_hourglass104_8xb6-210e-mstest_coco', '')],
    'crowddet': [('crowddet-rcnn_refine_r50_fpn_8xb2-30e_crowdhuman', '')],
    'dab_detr': [('dab-detr_r50_8xb2-50e_coco', '')],
    'dcn': [('faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco', 'two-stage')],
    'dcnv2': [('mask-rcnn_r50-mdconv-c3-c5_fpn_1x_coco', 'two-stage')],
    'ddod': [('ddod_r50_fpn_1x_coco', '')],
    'ddq': [('ddq-detr-4scale_r50_8xb2-12e_coco', '')],
    'deepfashion': [('mask-rcnn_r50_fpn_15e_deepfashion', '')],
    'deepsort': [('deepsort_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval', '')],
    'deformable_detr': [('deformable-detr_r50_16xb2-50e_coco', '')],
    'detectors': [
        ('detectors_cascade-rcnn_r50_1x_coco', ''),
        ('cascade-rcnn_r50-rfp_1x_coco', ''),
    ],
    'detr': [('detr_r18_8xb2-500e_coco', 'DETR')],
    'dino': [('dino-4scale_r50_8xb2-12e_coco', '')],
    'double_heads': [('dh-faster-rcnn_r50_fpn_1x_coco', '')],
    'dsdl': [('coco_instance', '')],
    'dyhead': [('atss_r50_fpn_dyhead_1x_coco', '')],
    'dynamic_rcnn': [('dynamic-rcnn_r50_fpn_1x_coco', '')],
    'efficientnet': [('retinanet_effb3_fpn_8xb4-crop896-1x_coco', 'backbone')],
    'empirical_attention': [('faster-rcnn_r50-attn1111_fpn_1x_coco', '')],
    'fast_rcnn': [('fast-rcnn_r50_fpn_1x_coco', '')],
    'faster_rcnn': [('faster-rcnn_r18_fpn_8xb8-amp-lsj-200e_coco', 'two-stage')],
    'fcos': [
        (
            'fcos_r18_fpn_gn-head-center-normbbox-centeronreg-giou_8xb8-amp-lsj-200e_coco',
            'one-stage',
        )
    ],
    'foveabox': [('fovea_r50_fpn_4xb4-1x_coco', '')],
    'fpg': [('faster-rcnn_r50_fpg-chn128_crop640-50e_coco', '')],
    'free_anchor': [('freeanchor_r50_fpn_1x_coco', '')],
    'fsaf': [('fsaf_r50_fpn_1x_coco', '')],
    'gcnet': [('mask-rcnn_r50-gcb-r16-c3-c5_fpn_1x_coco', '')],
    'gfl': [('gfl_r50_fpn_1x_coco', 'one-stage')],
    'ghm': [('retinanet_r50_fpn_ghm-1x_coco', '')],
    'glip': [('glip_atss_swin-t_a_fpn_dyhead_pretrain_obj365', '')],
    'gn': [('mask-rcnn_r50_fpn_gn-all_2x_coco', '')],
    'gn+ws': [('faster-rcnn_r50_fpn_gn-ws-all_1x_coco', '')],
    'grid_rcnn': [('grid-rcnn_r50_fpn_gn-head_1x_coco', '')],
    'groie': [('mask-rcnn_r50_fpn_groie_1x_coco', '')],
    'grounding_dino': [('grounding_dino_r50_scratch_8xb2_1x_coco', '')],
    'guided_anchoring': [
        ('ga-faster-rcnn_r50_fpn_1x_coco', ''),
        ('ga-retinanet_r50_fpn_1x_coco', ''),
    ],
    'hrnet': [('faster-rcnn_hrnetv2p-w18-1x_coco', 'backbone')],
    'htc': [('htc_r50_fpn_1x_coco', '')],
    'instaboost': [('mask-rcnn_r50_fpn_instaboost-4x_coco', '')],
    'lad': [('lad_r50-paa-r101_fpn_2xb8_coco_1x', '')],
    'ld': [('ld_r18-gflv1-r101_fpn_1x_coco', '')],
    'legacy_1.x': [('faster-rcnn_r50_fpn_1x_coco_v1', '')],
    'libra_rcnn': [('libra-faster-rcnn_r50_fpn_1x_coco', '')],
    'lvis': [('mask-rcnn_r50_fpn_sample1e-3_ms-1x_lvis-v1', '')],
    'mask2former': [
        ('mask2former_r50_8xb2-lsj-50e_coco', ''),
        ('mask2former_r50_8xb2-lsj-50e_coco-panoptic', 'panoptic'),
    ],
    'mask2former_vis': [('mask2former_r50_8xb2-8e_youtubevis2019', '')],
    'mask_rcnn': [('mask-rcnn_r18_fpn_8xb8-amp-lsj-200e_coco', 'instance')],
    'maskformer': [('maskformer_r50_ms-16xb1-75e_coco', 'panoptic')],
    'masktrack_rcnn': [('masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019', '')],
    'misc': [('d2_mask-rcnn_r50-caffe_fpn_ms-90k_coco', '')],
    'mm_grounding_dino': [('grounding_dino_swin-t_pretrain_obj365', '')],
    'ms_rcnn': [('ms-rcnn_r50_fpn_1x_coco', '')],
    'nas_fcos': [('nas-fcos_r50-caffe_fpn_nashead-gn-head_4xb4-1x_coco', '')],
    'nas_fpn': [('retinanet_r50_nasfpn_crop640-50e_coco', '')],
    'objects365': [('retinanet_r50_fpn_1x_objects365v1', '')],
    'ocsort': [('ocsort_yolox_x_8xb4-amp-80e_crowdhuman-mot17halftrain_test-mot17halfval', '')],
    'openimages': [('ssd300_32xb8-36e_openimages', '')],
    'paa': [('paa_r50_fpn_1x_coco', '')],
    'pafpn': [('faster-rcnn_r50_pafpn_1x_coco', '')],
    'panoptic_fpn': [('panoptic-fpn_r50_fpn_1x_coco', 'panoptic')],
    'pascal_voc': [('faster-rcnn_r50_fpn_1x_voc0712', '')],
    'pisa': [('faster-rcnn_r50_fpn_pisa_1x_coco', ''), ('ssd300_pisa_coco', '')],
    'point_rend': [('point-rend_r50-caffe_fpn_ms-1x_coco', '')],
    'pvt': [
        ('retinanet_pvt-t_fpn_1x_coco', 'backbone'),
        ('retinanet_pvtv2-b0_fpn_1x_coco', 'backbone'),
    ],
    'qdtrack': [('qdtrack_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval', '')],
    'queryinst': [('queryinst_r50_fpn_1x_coco', '')],
    'regnet': [('mask-rcnn_regnetx-400MF_fpn_ms-poly-3x_coco', '')],
    'reid': [('reid_r50_8xb32-6e_mot17train80_test-mot17val20', '')],
    'reppoints': [('reppoints-moment_r50_fpn_1x_coco', '')],
    'res2net': [('faster-rcnn_res2net-101_fpn_2x_coco', '')],
    'resnest': [('faster-rcnn_s50_fpn_syncbn-backbone+head_ms-range-1x_coco', '')],
    'resnet_strikes_back': [('retinanet_r50-rsb-pre_fpn_1x_coco', '')],
    'retinanet': [('retinanet_r18_fpn_1x_coco', 'one-stage')],
    'rpn': [('rpn_r50_fpn_1x_coco', '')],
    'rtmdet': [
        ('rtmdet_tiny_8xb32-300e_coco', 'RTMDet'),
        ('rtmdet-ins_tiny_8xb32-300e_coco', 'RTMDet'),
        ('rtmdet_l_convnext_b_4xb32-100e_coco', ''),
    ],
    'sabl': [('sabl-faster-rcnn_r50_fpn_1x_coco', ''), ('sabl-retinanet_r50_fpn_1x_coco', '')],
    'scnet': [('scnet_r50_fpn_1x_coco', '')],
    'scratch': [('faster-rcnn_r50-scratch_fpn_gn-all_6x_coco', '')],
    'seesaw_loss': [('mask-rcnn_r50_fpn_seesaw-loss_random-ms-2x_lvis-v1', '')],
    'selfsup_pretrain': [('mask-rcnn_r50-mocov2-pre_fpn_1x_coco', '')],
    'simple_copy_paste': [
        ('mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_32xb2-ssj-90k_coco', '')
    ],
    'soft_teacher': [('soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.1-coco', '')],
    'solo': [
        ('solo_r18_fpn_8xb8-lsj-200e_coco', ''),
        ('decoupled-solo_r50_fpn_1x_coco', ''),
    ],
    'solov2': [('solov2-light_r18_fpn_ms-3x_coco', 'instance')],
    'sort': [('sort_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval', '')],
    'sparse_rcnn': [('sparse-rcnn_r50_fpn_1x_coco', '')],
    'ssd': [
        ('ssd300_coco', ''),
        ('ssdlite_mobilenetv2-scratch_8xb24-600e_coco', 'one-stage'),
    ],
    'strong_baselines': [('mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_lsj-100e_coco', '')],
    'strongsort': [('strongsort_yolox_x_8xb4-80e_crowdhuman-mot17halftrain_test-mot17halfval', '')],
    'swin': [('retinanet_swin-t-p4-w7_fpn_1x_coco', 'backbone')],
    'timm_example': [('retinanet_timm-efficientnet-b1_fpn_1x_coco', '')],
    'tood': [('tood_r50_fpn_1x_coco', '')],
    'tridentnet': [('tridentnet_r50-caffe_1x_coco', '')],
    'v3det': [('deformable-detr-refine-twostage_r50_8xb4_sample1e-3_v3det_50e', '')],
    'vfnet': [('vfnet_r50_fpn_1x_coco', '')],
    'wider_face': [('retinanet_r50_fpn_1x_widerface', '')],
    'yolact': [('yolact_r50_1xb8-55e_coco', '')],
    'yolo': [
        ('yolov3_mobilenetv2_8xb24-320-300e_coco', 'one-stage'),
        ('yolov3_d53_8xb8-320-273e_coco', ''),
    ],
    'yolof': [('yolof_r50-c5_8xb8-1x_coco', '')],
    'yolox': [
        ('yolox_nano_8xb8-300e_coco', 'YOLOX'),
        ('yolox_tiny_8xb8-300e_coco', 'YOLOX'),
    ],
}

_BODY = 'body_2d_keypoint'
_HEATMAP = f'{_BODY}/topdown_heatmap/coco'
_MMPOSE = [
    ('animal_2d_keypoint/rtmpose/ap10k/rtmpose-m_8xb64-210e_ap10k-256x256', ''),
    ('animal_2d_keypoint/topdown_heatmap/ap10k/td-hm_hrnet-w32_8xb64-210e_ap10k-256x256', ''),
    (f'{_BODY}/associative_embedding/coco/ae_hrnet-w32_8xb24-300e_coco-512x512', ''),
    (f'{_BODY}/cid/coco/cid_hrnet-w32_8xb20-140e_coco-512x512', 'bottom-up'),
    (f'{_BODY}/dekr/coco/dekr_hrnet-w32_8xb10-140e_coco-512x512', ''),
    (f'{_BODY}/edpose/coco/edpose_res50_8xb2-50e_coco-800x1333', ''),
    (f'{_BODY}/integral_regression/coco/ipr_res50_8xb64-210e_coco-256x256', ''),
    (f'{_BODY}/integral_regression/coco/ipr_res50_dsnt-8xb64-210e_coco-256x256', 'regression'),
    (f'{_BODY}/rtmo/coco/rtmo-s_8xb32-600e_coco-640x640', 'RTMO'),
    (f'{_BODY}/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192', 'RTMPose'),
    (f'{_BODY}/rtmpose/coco/rtmpose-s_8xb256-420e_coco-256x192', 'RTMPose'),
    (f'{_BODY}/simcc/coco/simcc_mobilenetv2_wo-deconv-8xb64-210e_coco-256x192', 'SimCC'),
    (f'{_BODY}/simcc/coco/simcc_vipnas-mbv3_8xb64-210e_coco-256x192', 'SimCC'),
    (f'{_HEATMAP}/cspnext-tiny_udp_8xb256-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_2xmspn50_8xb32-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_ViTPose-small-simple_8xb64-210e_coco-256x192', 'ViTPose'),
    (f'{_HEATMAP}/td-hm_ViTPose-small_8xb64-210e_coco-256x192', 'ViTPose'),
    (f'{_HEATMAP}/td-hm_alexnet_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_cpm_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_hourglass52_8xb32-210e_coco-256x256', ''),
    (f'{_HEATMAP}/td-hm_hrformer-small_8xb32-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_hrnet-w32_8xb64-210e_coco-256x192', 'heatmap'),
    (f'{_HEATMAP}/td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_litehrnet-18_8xb64-210e_coco-256x192', 'heatmap'),
    (f'{_HEATMAP}/td-hm_mobilenetv2_8xb64-210e_coco-256x192', 'heatmap'),
    (f'{_HEATMAP}/td-hm_pvt-s_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_pvtv2-b2_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_res50_8xb64-210e_coco-256x192', 'heatmap'),
    (f'{_HEATMAP}/td-hm_resnest50_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_resnetv1d50_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_resnext50_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_rsn18_8xb32-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_scnet50_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_seresnet50_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_shufflenetv1_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_shufflenetv2_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_swin-t-p4-w7_8xb32-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_vgg16-bn_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm_vipnas-mbv3_8xb64-210e_coco-256x192', ''),
    (f'{_HEATMAP}/td-hm-vis_res50_8xb64-210e_coco-aic-256x192-merge', ''),
    (f'{_BODY}/topdown_regression/coco/td-reg_res50_8xb64-210e_coco-256x192', 'regression'),
    (
        f'{_BODY}/topdown_regression/coco/'
        'td-reg_mobilenetv2_rle-pretrained-8xb64-210e_coco-256x192',
        'regression',
    ),
    (f'{_BODY}/yoloxpose/coco/yoloxpose_s_8xb32-300e_coco-640', ''),
    (f'{_BODY}/yoloxpose/coco/yoloxpose_tiny_4xb64-300e_coco-416', ''),
    ('body_3d_keypoint/image_pose_lift/h36m/image-pose-lift_tcn_8xb64-200e_h36m', ''),
    ('body_3d_keypoint/motionbert/h36m/motionbert_dstformer-243frm_8xb32-240e_h36m', ''),
    (
        'body_3d_keypoint/video_pose_lift/h36m/video-pose-lift_tcn-27frm-supv_8xb128-160e_h36m',
        '',
    ),
    (
        'body_3d_keypoint/video_pose_lift/h36m/video-pose-lift_tcn-27frm-semi-supv_8xb64-200e_h36m',
        '',
    ),
    ('face_2d_keypoint/rtmpose/wflw/rtmpose-m_8xb64-60e_wflw-256x256', ''),
    ('face_2d_keypoint/topdown_heatmap/wflw/td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256', ''),
    ('face_2d_keypoint/topdown_regression/wflw/td-reg_res50_8xb64-210e_wflw-256x256', ''),
    (
        'fashion_2d_keypoint/topdown_heatmap/deepfashion/'
        'td-hm_res50_8xb64-210e_deepfashion_upper-256x192',
        '',
    ),
    ('hand_2d_keypoint/rtmpose/hand5/rtmpose-m_8xb256-210e_hand5-256x256', ''),
    ('hand_2d_keypoint/topdown_heatmap/onehand10k/td-hm_res50_8xb32-210e_onehand10k-256x256', ''),
    (
        'hand_2d_keypoint/topdown_regression/onehand10k/td-reg_res50_8xb64-210e_onehand10k-256x256',
        '',
    ),
    ('hand_3d_keypoint/internet/interhand3d/internet_res50_4xb16-20e_interhand3d-256x256', ''),
    ('wholebody_2d_keypoint/dwpose/ubody/s1_dis/dwpose_l_dis_t_coco-ubody-256x192', ''),
    (
        'wholebody_2d_keypoint/rtmpose/cocktail14/rtmw-m_8xb1024-270e_cocktail14-256x192',
        '',
    ),
    (
        'wholebody_2d_keypoint/topdown_heatmap/coco-wholebody/'
        'td-hm_hrnet-w32_8xb64-210e_coco-wholebody-256x192',
        '',
    ),
]

_CITYSCAPES, _ADE = 'cityscapes-512x1024', 'ade20k-512x512'
_MMSEG = {
    'ann': [(f'ann_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'apcnet': [(f'apcnet_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'beit': [('beit-base_upernet_8xb2-160k_ade20k-640x640', '')],
    'bisenetv1': [('bisenetv1_r18-d32_4xb4-160k_cityscapes-1024x1024', '')],
    'bisenetv2': [('bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024', '')],
    'ccnet': [(f'ccnet_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'cgnet': [(f'cgnet_fcn_4xb8-60k_{_CITYSCAPES}', '')],
    'convnext': [(f'convnext-tiny_upernet_8xb2-amp-160k_{_ADE}', '')],
    'danet': [(f'danet_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'ddrnet': [('ddrnet_23-slim_in1k-pre_2xb6-120k_cityscapes-1024x1024', '')],
    'deeplabv3': [(f'deeplabv3_r18-d8_4xb2-80k_{_CITYSCAPES}', '')],
    'deeplabv3plus': [(f'deeplabv3plus_r18-d8_4xb2-80k_{_CITYSCAPES}', '')],
    'dmnet': [(f'dmnet_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'dnlnet': [(f'dnl_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'dpt': [(f'dpt_vit-b16_8xb2-160k_{_ADE}', '')],
    'dsdl': [('voc', '')],
    'emanet': [(f'emanet_r50-d8_4xb2-80k_{_CITYSCAPES}', '')],
    'encnet': [(f'encnet_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'erfnet': [(f'erfnet_fcn_4xb4-160k_{_CITYSCAPES}', '')],
    'fastfcn': [(f'fastfcn_r50-d32_jpu_aspp_4xb2-80k_{_CITYSCAPES}', '')],
    'fastscnn': [(f'fast_scnn_8xb4-160k_{_CITYSCAPES}', 'semantic')],
    'fcn': [(f'fcn_r18-d8_4xb2-80k_{_CITYSCAPES}', '')],
    'gcnet': [(f'gcnet_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'hrnet': [(f'fcn_hr18s_4xb2-40k_{_CITYSCAPES}', '')],
    'icnet': [('icnet_r18-d8_4xb2-80k_cityscapes-832x832', '')],
    'isanet': [(f'isanet_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'knet': [(f'knet-s3_r50-d8_fcn_8xb2-adamw-80k_{_ADE}', '')],
    'mae': [(f'mae-base_upernet_8xb2-amp-160k_{_ADE}', '')],
    'mask2former': [(f'mask2former_r50_8xb2-160k_{_ADE}', '')],
    'maskformer': [(f'maskformer_r50-d32_8xb2-160k_{_ADE}', '')],
    'mobilenet_v2': [(f'mobilenet-v2-d8_fcn_4xb2-80k_{_CITYSCAPES}', '')],
    'mobilenet_v3': [(f'mobilenet-v3-d8-s_lraspp_4xb4-320k_{_CITYSCAPES}', 'semantic')],
    'nonlocal_net': [(f'nonlocal_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'ocrnet': [(f'ocrnet_hr18s_4xb2-40k_{_CITYSCAPES}', '')],
    'pidnet': [('pidnet-s_2xb6-120k_1024x1024-cityscapes', '')],
    'point_rend': [(f'pointrend_r50_4xb2-80k_{_CITYSCAPES}', '')],
    'poolformer': [('fpn_poolformer_s12_8xb4-40k_ade20k-512x512', '')],
    'psanet': [(f'psanet_r50-d8_4xb2-40k_{_CITYSCAPES}', '')],
    'pspnet': [(f'pspnet_r18-d8_4xb2-80k_{_CITYSCAPES}', '')],
    'resnest': [(f'resnest_s101-d8_fcn_4xb2-80k_{_CITYSCAPES}', '')],
    'san': [('san-vit-b16_voc12aug-640x640', '')],
    'segformer': [(f'segformer_mit-b0_8xb2-160k_{_ADE}', 'semantic, transformer')],
    'segmenter': [
        (f'segmenter_vit-t_mask_8xb1-160k_{_ADE}', 'semantic, transformer'),
        (f'segmenter_vit-s_fcn_8xb1-160k_{_ADE}', ''),
    ],
    'segnext': [('segnext_mscan-t_1xb16-adamw-160k_ade20k-512x512', '')],
    'sem_fpn': [(f'fpn_r50_4xb2-80k_{_CITYSCAPES}', '')],
    'setr': [
        ('setr_vit-l_naive_8xb1-80k_cityscapes-768x768', ''),
        ('setr_vit-l_pup_8xb1-80k_cityscapes-768x768', ''),
        ('setr_vit-l_mla_8xb1-80k_cityscapes-768x768', ''),
    ],
    'stdc': [(f'stdc1_4xb12-80k_{_CITYSCAPES}', '')],
    'swin': [(f'swin-tiny-patch4-window7-in1k-pre_upernet_8xb2-160k_{_ADE}', '')],
    'twins': [
        (f'twins_pcpvt-s_fpn_fpnhead_8xb4-80k_{_ADE}', ''),
        (f'twins_svt-s_uperhead_8xb2-160k_{_ADE}', ''),
    ],
    'unet': [
        ('unet-s5-d16_fcn_4xb4-40k_drive-64x64', ''),
        ('unet-s5-d16_fcn_4xb4-ce-1.0-dice-3.0-40k_drive-64x64', ''),
    ],
    'upernet': [(f'upernet_r18_4xb2-40k_{_CITYSCAPES}', '')],
    'vit': [(f'vit_deit-s16_mln_upernet_8xb2-160k_{_ADE}', '')],
    'vpd': [('vpd_sd_4xb8-25k_nyu-480x480', '')],
}

REPRESENTATIVES = [
    *(
        Representative(f'mmdet::{folder}/{stem}.py', kind)
        for folder, configs in _MMDET.items()
        for stem, kind in configs
    ),
    *(Representative(f'mmpose::{stem}.py', kind) for stem, kind in _MMPOSE),
    *(
        Representative(f'mmseg::{folder}/{stem}.py', kind)
        for folder, configs in _MMSEG.items()
        for stem, kind in configs
    ),
]
SAMPLE = [representative for representative in REPRESENTATIVES if representative.kind]
