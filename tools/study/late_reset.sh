#!/bin/sh
# How far to rewind, layer by layer or over all layers, one shot or iteratively: Faster R-CNN on
# blood cells, three seeds, after the plots of S1.
# Rounds train the whole schedule after rewinding, so that all train as long. Run it again after
# whatever stopped it; what docs/studies/late_reset has is not trained again.
#
#     nice -n 10 tools/study/late_reset.sh > late_reset.log 2>&1 &
set -e
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
tools/study/crops_hard.sh
for seed in 0 1 2; do
    start=work_dirs/study/transfers/supervised/seed_$seed
    [ -f $start/tickets/round_00.safetensors ] ||
        python tools/study/transfers.py --seeds $seed --targets --sources supervised --methods
    for rewind in 1ep 0 4ep 8ep 12ep; do
        methods=
        [ $rewind != 1ep ] || methods='layerwise one_shot one_shot_equal'
        python tools/study/study.py configs/lth/faster_rcnn/faster_rcnn_r18_bccd_study.py \
            --work-dir work_dirs/study/late_reset/$rewind --numbers docs/studies/late_reset/$rewind \
            --seeds $seed --sparsities .5 .8 .9 .95 --levels .5 .8 .9 .95 --methods $methods "$@" \
            --cfg-options lottery.rewind=$rewind lottery.after_rewind=full \
            model.backbone.init_cfg.checkpoint=$start/tickets/round_00.safetensors
    done
done
