# Linear evaluation of a self-supervised ticket; not a search.
# A linear layer learns to classify crops from the features of a backbone that stays as it is,
# pruned weights included. So it is given the ticket and no `lottery`:
#
#     mim train mmpretrain configs/lth/resnet/resnet18_crops_linear.py \
#         --cfg-options model.backbone.init_cfg.checkpoint=TICKET.safetensors
_base_ = './resnet18_crops_imp.py'

model = dict(
    backbone=dict(
        frozen_stages=4,
        init_cfg=dict(type='Pretrained', checkpoint='', prefix='backbone.'),
    )
)
optim_wrapper = dict(optimizer=dict(lr=1.0, weight_decay=0.0))
custom_imports = dict(imports=['mmlth'], allow_failed_imports=False)

lottery = None
