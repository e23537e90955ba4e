# What MMPretrain needs to know of data/crops: eight classes of objects.
# tools/dataset_converters/crops.py cuts them out of data/bccd, data/coco128, data/mouse and
# data/nuclei: 900 pictures to train on, 559 to validate.
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
