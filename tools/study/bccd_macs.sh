#!/bin/sh
# Blocks of four outputs and a budget in multiply-adds beside global magnitude, on BCCD, three seeds.
# Run it again after whatever stopped it; what docs/studies/bccd_macs has is not trained again.
#
#     nice -n 10 tools/study/bccd_macs.sh > bccd_macs.log 2>&1 &
set -e
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
tools/study/nuclei_pretrain.sh
exec python tools/study/study.py configs/lth/rtmdet/rtmdet_tiny_bccd_study.py \
    --work-dir work_dirs/study/bccd_macs --numbers docs/studies/bccd_macs \
    --seeds 0 1 2 --sparsities .8 .9 .95 --levels .8 .9 .95 \
    --methods four_by_one macs macs_quarter macs_each --by-seed "$@"
