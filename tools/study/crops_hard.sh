#!/bin/sh
# The crops that studies pre-train on: half a minute.
set -e
cd "$(dirname "$0")/../.."
folder=work_dirs/data/crops_hard
[ ! -f $folder/annotations/val.txt ] || exit 0 # the lists are written last
python tools/dataset_converters/crops.py data/bccd data/nuclei data/mouse data/coco128 $folder \
    --least 5 --most 30 --size 40
