# The command of the README, kept short: mask_rcnn/mask_rcnn_r50_imp.py says it all.
_base_ = './mask_rcnn/mask_rcnn_r50_imp.py'
