#!/bin/sh
# The weights that studies on BCCD start from: RTMDet-tiny on nuclei, about seven minutes.
set -e
cd "$(dirname "$0")/../.."
folder=work_dirs/study/nuclei_pretrain
[ ! -f $folder/epoch_24.pth ] || exit 0
# MMEngine's checkpoints are more than weights; those in this folder are of this very training.
TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 \
    mim train mmdet configs/lth/rtmdet/rtmdet_tiny_nuclei.py --work-dir $folder --resume
