# The small Mask R-CNN on nuclei for comparisons over several seeds: crops of 128 × 128, by which 16
# epochs take about 4 minutes on one core. tools/study/study.py runs it; docs/results.md has what
# came out.
_base_ = './mask_rcnn_tiny_nuclei_imp.py'

epochs = 16

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True, poly2mask=True),
            dict(type='RandomCrop', crop_size=(128, 128)),
            dict(type='FilterAnnotations', min_gt_bbox_wh=(4, 4)),
            dict(
                type='RandomFlip',
                prob=[0.25, 0.25, 0.25],
                direction=['horizontal', 'vertical', 'diagonal'],
            ),
            dict(type='PackDetInputs'),
        ],
    ),
)

train_cfg = dict(max_epochs=epochs, val_interval=epochs)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=72),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=epochs,
        T_max=epochs,
        eta_min=1e-5,
        convert_to_iter_based=True,
    ),
]
default_hooks = dict(checkpoint=dict(interval=4), logger=dict(interval=72))

# The list of sparsities is the study's, at which methods are compared.
lottery = dict(target_sparsity=0.98, rounds=None, sparsities=[0.5, 0.8, 0.9, 0.95, 0.98])
