#!/bin/sh
# A search with Gaussian weights beside a deterministic one, on crops of objects, three seeds.
# Run it again after whatever stopped it; what docs/studies/bayesian has is not trained again.
#
#     nice -n 10 tools/study/bayesian.sh > bayesian.log 2>&1 &
set -e
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
tools/study/crops_hard.sh
search() {
    python tools/study/study.py configs/lth/resnet/resnet18_crops_$1.py --seeds 0 1 2 --by-seed \
        --work-dir work_dirs/study/bayesian/$2 --numbers docs/studies/bayesian/$2 \
        --sparsities .8 .9 .95 .98 .99 --levels .8 .9 .95 .98 .99 --methods $3
}
search study deterministic "random $*"
search bayesian bayesian "random $*"
