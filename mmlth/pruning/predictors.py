"""Which layers are final predictors: those whose output is the prediction itself.

A final predictor is a layer with nothing learned after it: class logits, box deltas, objectness,
mask logits, heatmaps, coordinates. Layers that are supervised on the way (RPN, the decoder layers
of a DETR, earlier stages of a cascade) count as well. mmlth leaves them dense by default.

Where a prediction is the product of two learned factors (mask = kernel x features, class =
embedding x text), the factor that stands for an instance, class or coordinate is the predictor:
its outputs are the weights of a last layer. The feature map it is multiplied with is a feature
(``mask_feature`` of MaskFormer, ``protonet`` of YOLACT, ``MaskFeatModule``).
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from torch import nn

PREDICTORS: dict[str, tuple[str, ...]] = {
    # ---------------------------------------------------------------- mmdet: dense, anchor-based
    'AnchorHead': ('conv_cls', 'conv_reg'),
    'RPNHead': ('rpn_cls', 'rpn_reg'),  # and the stages of CascadeRPNHead
    'RetinaHead': ('retina_cls', 'retina_reg'),  # FSAF, FreeAnchor, PISA
    'RetinaSepBNHead': ('retina_cls', 'retina_reg'),
    'SABLRetinaHead': ('retina_cls', 'retina_bbox_cls', 'retina_bbox_reg'),
    'GuidedAnchorHead': ('conv_loc', 'conv_shape', 'conv_cls', 'conv_reg'),  # GARPN
    'GARetinaHead': ('conv_loc', 'conv_shape', 'retina_cls', 'retina_reg'),
    # No tower: each level's Sequential ends in the predictor.
    'SSDHead': ('cls_convs.*.-1', 'reg_convs.*.-1'),
    'YOLOV3Head': ('convs_pred',),
    'YOLOFHead': ('cls_score', 'bbox_pred', 'object_pred'),
    'ATSSHead': ('atss_cls', 'atss_reg', 'atss_centerness'),  # PAA, LAD
    'DDODHead': ('atss_cls', 'atss_reg', 'atss_iou'),
    'GFLHead': ('gfl_cls', 'gfl_reg'),  # LD
    # cls_prob and reg_offset adjust the two predictions without further weights.
    'TOODHead': ('tood_cls', 'tood_reg', 'cls_prob_module.-1', 'reg_offset_module.-1'),
    # ---------------------------------------------------------------- mmdet: dense, anchor-free
    'AnchorFreeHead': ('conv_cls', 'conv_reg'),  # FoveaBox, CenterNetUpdate
    'FCOSHead': ('conv_cls', 'conv_reg', 'conv_centerness'),  # NAS-FCOS, AutoAssign
    'VFNetHead': ('vfnet_cls', 'vfnet_reg', 'vfnet_reg_refine'),
    'RepPointsHead': (
        'reppoints_cls_out',
        'reppoints_pts_init_out',
        'reppoints_pts_refine_out',
    ),
    'YOLOXHead': ('multi_level_conv_cls', 'multi_level_conv_reg', 'multi_level_conv_obj'),
    'RTMDetHead': ('rtm_cls', 'rtm_reg', 'rtm_obj'),
    # ---------------------------------------------------------------- mmdet: corners and centers
    'CenterNetHead': ('heatmap_head.-1', 'wh_head.-1', 'offset_head.-1'),
    'CornerHead': (
        'tl_heat.*.-1',
        'br_heat.*.-1',
        'tl_off.*.-1',
        'br_off.*.-1',
        'tl_emb.*.-1',
        'br_emb.*.-1',
    ),
    'CentripetalHead': (
        'tl_heat.*.-1',
        'br_heat.*.-1',
        'tl_off.*.-1',
        'br_off.*.-1',
        'tl_emb.*.-1',
        'br_emb.*.-1',
        'tl_guiding_shift.*.-1',
        'br_guiding_shift.*.-1',
        'tl_centripetal_shift.*.-1',
        'br_centripetal_shift.*.-1',
    ),
    # ---------------------------------------------------------------- mmdet: one-stage masks
    'SOLOHead': ('conv_cls', 'conv_mask_list'),
    'DecoupledSOLOHead': ('conv_cls', 'conv_mask_list_x', 'conv_mask_list_y'),
    # These generate, per instance, the weights of the layers that output the mask logits.
    'SOLOV2Head': ('conv_cls', 'conv_kernel'),
    'CondInstBboxHead': ('conv_cls', 'conv_reg', 'conv_centerness', 'controller'),  # BoxInst
    'RTMDetInsHead': ('rtm_cls', 'rtm_reg', 'rtm_obj', 'rtm_kernel'),
    'YOLACTHead': ('conv_cls', 'conv_reg', 'conv_coeff'),
    'SegmentationModule': ('segm_conv',),  # semantic branch of YOLACTProtonet
    # ---------------------------------------------------------------- mmdet: DETR family
    'DETRHead': ('fc_cls', 'fc_reg'),  # Conditional DETR; reg_ffn is hidden
    'DABDETRHead': ('fc_cls', 'fc_reg.layers.-1'),  # fc_reg is an MLP
    # DINO, Grounding DINO (whose cls_branches own no matrix: they compare with the text).
    'DeformableDETRHead': ('cls_branches', 'reg_branches.*.-1'),
    'DDQDETRHead': (
        'cls_branches',
        'reg_branches.*.-1',
        'aux_cls_branches',
        'aux_reg_branches.*.-1',
    ),
    # Reference points are coordinates, to which the box head adds its deltas.
    'DeformableDETR': ('reference_points_fc',),
    'ConditionalDetrTransformerDecoder': ('ref_point_head.layers.-1',),
    # GLIP: the projected text is the classifier.
    'ATSSVLFusionHead': (
        'head.bbox_pred',
        'head.centerness',
        'head.dot_product_projection_text',
    ),
    # ---------------------------------------------------------------- mmdet: query masks
    'MaskFormerHead': ('cls_embed', 'mask_embed.-1'),  # Mask2Former, its tracking head
    # ---------------------------------------------------------------- mmdet: boxes of RoIs
    # ConvFC, Double Head, SCNet, and DIIHead of Sparse R-CNN and QueryInst.
    'BBoxHead': ('fc_cls', 'fc_reg'),
    'MultiInstanceBBoxHead': ('fc_cls', 'fc_reg', 'fc_cls_ref', 'fc_reg_ref'),  # CrowdDet
    'SABLHead': ('fc_cls', 'fc_reg_cls', 'fc_reg_offset'),
    'GridHead': ('deconv2',),  # Grid R-CNN: heatmaps of the grid points
    # ---------------------------------------------------------------- mmdet: masks of RoIs
    'FCNMaskHead': ('conv_logits',),  # HTC, SCNet, DynamicMaskHead of QueryInst
    'CoarseMaskHead': ('fc_logits',),  # PointRend
    'MaskPointHead': ('fc_logits',),
    'MaskIoUHead': ('fc_mask_iou',),
    # ---------------------------------------------------------------- mmdet: semantic, global
    'PanopticFPNHead': ('conv_logits',),
    'FusedSemanticHead': ('conv_logits',),  # HTC, SCNet
    'GlobalContextHead': ('fc',),  # SCNet: classes present in the image
    # ---------------------------------------------------------------- mmdet: tracking
    # Embeddings compared as they are. RoIEmbedHead (MaskTrack R-CNN) has no such layer: it
    # compares the features that leave its last ReLU.
    'QuasiDenseEmbedHead': ('fc_embed',),
    'LinearReIDHead': ('fc_out', 'classifier'),
    # ---------------------------------------------------------------- mmdet: onedl only
    'CLRHead': ('cls_layers', 'reg_layers', 'seg_decoder.conv'),
    # ---------------------------------------------------------------- mmpose: heatmaps
    'HeatmapHead': ('final_layer',),  # AssociativeEmbedding, ViPNAS, Heatmap3DHead
    'CPMHead': ('multi_final_layers',),
    # The pose refine machine (prm) of RSN acts on heatmaps: it has no hidden width.
    'MSPNHead': ('predict_layers.*.conv_layers.-1', 'predict_layers.*.prm'),
    'CIDHead': ('iia_module.keypoint_root_conv', 'gfd_module.heatmap_conv'),
    # The stages of InternetHead, whose third is a Heatmap3DHead.
    'Heatmap1DHead': ('fc.-1',),
    'MultilabelClassificationHead': ('fc.-1',),
    # Backbones that end in heatmaps, which their heads only pass on.
    'CPM': ('stem.-1', 'out_convs.*.-1'),
    'HourglassAENet': ('out_convs',),
    'V2VNet': ('output_layer',),
    # ---------------------------------------------------------------- mmpose: SimCC
    # final_layer makes one feature vector per keypoint, for the MLP or GAU that follows. (The
    # optional SimCCHead.deconv_head is a HeatmapHead and so keeps its own final_layer dense.)
    'SimCCHead': ('mlp_head_x', 'mlp_head_y'),
    'RTMCCHead': ('cls_x', 'cls_y'),
    'RTMWHead': ('cls_x', 'cls_y'),
    # ---------------------------------------------------------------- mmpose: one-stage
    'DEKRHead': ('heatmap_conv_layers.-1', 'displacement_conv_layers.-1', 'rescore_net.l3'),
    'YOLOXPoseHeadModule': ('out_cls', 'out_bbox', 'out_obj', 'out_kpt', 'out_kpt_vis'),
    # out_pose is a feature vector for the DCC, whose x_fc and y_fc generate the classifier of
    # the coordinate bins.
    'RTMOHeadModule': ('out_cls', 'out_bbox', 'out_kpt_reg', 'out_kpt_vis'),
    'DCC': ('x_fc', 'y_fc', 'sigma_fc.-1'),
    # The decoder shares these with the out_head, and is where their parameters are first named.
    'EDPoseDecoder': (
        'class_embed',
        'bbox_embed.*.layers.-1',
        'pose_embed.*.layers.-1',
        'pose_hw_embed.*.layers.-1',
    ),
    'EDPoseOutHead': (
        'class_embed',
        'bbox_embed.*.layers.-1',
        'pose_embed.*.layers.-1',
        'pose_hw_embed.*.layers.-1',
    ),
    'EDPoseHead': ('enc_out_class_embed', 'enc_out_bbox_embed.layers.-1'),
    'VisPredictHead': ('vis_head.-1',),
    # ---------------------------------------------------------------- mmpose: regression, 3D
    'RegressionHead': ('fc',),
    'RLEHead': ('fc',),
    'IntegralRegressionHead': ('final_layer',),  # DSNT; its simplebaseline_head: a HeatmapHead
    'TemporalRegressionHead': ('conv',),
    'TrajectoryRegressionHead': ('conv',),
    'MotionRegressionHead': ('fc',),
    # ---------------------------------------------------------------- mmseg: semantic segmentation
    # FCN, PSP, ASPP, UPer, OCR … and the heads of auxiliary losses; all stages of a cascade.
    # (MaskFormer and Mask2Former are MMDetection's.)
    'BaseDecodeHead': ('conv_seg',),
    'DAHead': ('conv_seg', 'pam_conv_seg', 'cam_conv_seg'),
    'DDRHead': ('conv_seg', 'aux_cls_seg'),
    'PIDHead': ('conv_seg', 'p_cls_seg', 'd_cls_seg'),  # the last: the boundaries of classes
    'EncHead': ('conv_seg', 'se_layer'),  # the latter: classes present in the image
    'PointHead': ('fc_seg',),  # PointRend
    # K-Net: a kernel for each class, after the conv_seg of the head that makes the first ones.
    'KernelUpdateHead': ('fc_mask',),
    # Segmenter: classes are vectors that those of patches are compared with.
    'SegmenterMaskTransformerHead': ('classes_proj',),
    'MLPMaskDecoder': ('query_mlp.layers.-1',),  # SAN; its classifier is the frozen text encoder
    'VPDDepthHead': ('depth_pred_layer.-1',),
    # ---------------------------------------------------------------- mmpretrain: classification
    'LinearClsHead': ('fc',),
    'MultiLabelLinearClsHead': ('fc',),
    'StackedLinearClsHead': ('layers.-1',),
    'VisionTransformerClsHead': ('layers.head',),
    'DeiTClsHead': ('layers.head', 'layers.head_dist'),
    'ConformerHead': ('conv_cls_head', 'trans_cls_head'),
    'EfficientFormerClsHead': ('head', 'dist_head'),
    'LeViTClsHead': ('head', 'head_dist'),
    'VigClsHead': ('fc2',),
    'ArcFaceClsHead': ('norm_product',),
    'CSRAClsHead': ('csra_heads',),
    # ---------------------------------------------------------------- mmpretrain: contrastive
    # Embeddings compared as they are. Where a predictor follows (BYOL, SimSiam, MoCo v3) or
    # prototypes do (SwAV), the projection is hidden.
    'MoCoV2Neck': ('mlp.-1',),
    'DenseCLNeck': ('mlp.-1', 'mlp2.-1'),
    'SimCLR': ('neck.-1',),
    'BarlowTwins': ('neck.-1',),
    'LatentPredictHead': ('predictor.-1',),  # BYOL, SimSiam
    'MoCoV3Head': ('predictor.-1',),
    # ---------------------------------------------------------------- mmpretrain: masked images
    'BEiTV1Head': ('cls_head',),
    'BEiTV2Head': ('cls_head',),
    'iTPNClipHead': ('cls_head',),
    'CAENeck': ('head',),
    'MaskFeat': ('neck.fc',),
    'MAEPretrainDecoder': ('decoder_pred',),  # MILAN, MixMIM, EVA
    'iTPNPretrainDecoder': ('decoder_pred',),
    'SimMIMLinearDecoder': ('decoder',),
    'SparKLightDecoder': ('proj',),
}
"""Final predictors by the class that owns them, as paths relative to it.

A class is named exactly. Subclasses inherit its entry, unless they have one of their own, which
then replaces it. A path is dotted; each component is an fnmatch pattern, and the whole path leads
to a module, all of which is the predictor. The component ``-1`` stands for the last child with a
weight, of whatever name; for a module that is a layer itself, it stands for that module.
"""


def is_predictor(name: str, ancestors: Sequence[tuple[str, nn.Module]]) -> bool:
    """Tells whether a parameter belongs to a final predictor.

    Args:
        name: Full name of the parameter, such as ``bbox_head.cls_branches.0.weight``.
        ancestors: Path and module of all that contains the parameter, from the root (whose path
            is empty) to its owner.
    """
    modules = dict(ancestors)
    return any(
        _leads_to(name, head, pattern, modules)
        for head, module in ancestors
        for pattern in _patterns(module)
    )


def _patterns(module: nn.Module) -> tuple[str, ...]:
    """The entry of the nearest of the module's classes that has one."""
    for cls in type(module).__mro__:
        if cls.__name__ in PREDICTORS:
            return PREDICTORS[cls.__name__]
    return ()


def _leads_to(name: str, head: str, pattern: str, modules: Mapping[str, nn.Module]) -> bool:
    """Whether ``pattern``, starting at the module ``head``, is on the way to ``name``."""
    parts = name.removeprefix(f'{head}.').split('.')
    components = pattern.split('.')
    path = head
    for i, component in enumerate(components):
        if component == '-1':
            if path not in modules:
                return False
            last = _last_layer(modules[path])
            if last is None:
                return i == len(components) - 1
            component = last
        if i >= len(parts) or not fnmatchcase(parts[i], component):
            return False
        path = f'{path}.{parts[i]}' if path else parts[i]
    return True


def _last_layer(module: nn.Module) -> str | None:
    """Name of the last child with a weight; None if the module has its own, or none has one."""
    if any(parameter.ndim >= 2 for parameter in module.parameters(recurse=False)):
        return None
    last = None
    for child_name, child in module.named_children():
        if any(parameter.ndim >= 2 for parameter in child.parameters()):
            last = child_name
    return last
