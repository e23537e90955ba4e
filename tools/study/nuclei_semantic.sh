#!/bin/sh
# Tickets of a small segmenter beside random masks and one-shot pruning, on nuclei, three seeds.
# Run it again after whatever stopped it; what docs/studies/nuclei_semantic has is not trained again.
#
#     nice -n 10 tools/study/nuclei_semantic.sh > nuclei_semantic.log 2>&1 &
set -e
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
# The lists are written last.
[ -f data/nuclei_semantic/annotations/val.txt ] ||
    python tools/dataset_converters/semantic.py data/nuclei data/nuclei_semantic
exec python tools/study/study.py configs/lth/sem_fpn/sem_fpn_r18_nuclei_study.py \
    --work-dir work_dirs/study/nuclei_semantic --numbers docs/studies/nuclei_semantic \
    --seeds 0 1 2 --methods random one_shot --by-seed "$@"
