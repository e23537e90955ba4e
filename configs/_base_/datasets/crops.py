# What MMPretrain needs to know of data/crops, which tools/dataset_converters/crops.py cuts out of
# data/bccd, data/coco128, data/mouse and data/nuclei: 900 pictures to train on, 559 to validate.
metainfo = dict(
    classes=(
        'bccd/Platelets',
        'bccd/RBC',
        'bccd/WBC',
        'coco128/chair',
        'coco128/cup',
        'coco128/person',
        'mouse/mouse',
        'nuclei/nucleus',
    )
)
