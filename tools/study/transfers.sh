#!/bin/sh
# Tickets of pre-training and of other tasks on three tasks, with the controls of direct pruning,
# three seeds: see docs/en/results.md.
# Run it again after whatever stopped it; what docs/studies/transfers has is not trained again.
#
#     nice -n 10 tools/study/transfers.sh > transfers.log 2>&1 &
set -e
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
tools/study/crops_hard.sh
exec python tools/study/transfers.py --numbers docs/studies/transfers --seeds 0 1 2 \
    --methods dense_twice long_dense random permuted reinit one_shot learning_rate "$@"
