# Small crops of objects of 27 classes, of many of which a network sees few: harder than crops.py.
#     tools/study/crops_hard.sh
# 430 pictures to train on, 250 to validate, 40 × 40.
crops_root = 'work_dirs/data/crops_hard/'
crops_classes = crops_root + 'annotations/classes.txt'
crops_class_count = 27
