#!/bin/sh
# What cheaper ways to a ticket give up, on BCCD, three seeds: see docs/en/results.md.
# Run it again after whatever stopped it; what docs/studies/bccd_cheap has is not trained again.
# SEEDS="1 2" runs these alone, beside another process with the others.
#
#     nice -n 10 tools/study/bccd_cheap.sh > bccd_cheap.log 2>&1 &
set -e
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
study=work_dirs/study/bccd_cheap numbers=docs/studies/bccd_cheap
tools/study/nuclei_pretrain.sh
run() {
    seed=$1 methods=$2
    shift 2
    python tools/study/study.py configs/lth/rtmdet/rtmdet_tiny_bccd_study.py \
        --work-dir $study --numbers $numbers --seeds $seed \
        --sparsities .5 .8 .9 .95 --levels .8 .9 .95 --methods $methods "$@"
}
for seed in ${SEEDS:-0 1 2}; do
    run $seed 'data_order data_order_1' "$@"
    [ -f $numbers/seed_$seed/soups.json ] || # while the tickets are there
        python tools/study/soups.py $study/seed_$seed $numbers/seed_$seed
    run $seed 'learning_rate one_shot gradual gradual_1.4 short_25 learning_rate_short early_bird
        rigl set ac_dc distilled short_50 one_shot_double gradual_long' "$@"
done
python tools/study/cost_table.py $numbers --plot docs/images/bccd_cheap.png
