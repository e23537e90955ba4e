# Iterative magnitude pruning with rewinding.
# Any MMDetection, MMPose or MMSegmentation config opts in by inheriting it beside its own base:
#
#     _base_ = ['mmdet::mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py', '../_base_/lth/imp.py']
#
# The only key set here is `lottery`, so nothing clashes with keys of the other base. mmlth is
# imported by the next line rather than by `custom_imports`, since MMEngine refuses a key that two
# bases set and lets a config replace those that it inherits; the search adds itself there.
__import__('mmlth')

lottery = dict(
    # target_sparsity=0.8 of the prunable weights after the last round is the default. It comes by
    # rounds=8, or rate=0.2: the share of the remaining weights pruned a round (the default), or
    # sparsities=[0.5, 0.8, 0.9], whose last is the target.
    rewind='1ep',  # '0', '500it', '1ep': where in round 0 the later rounds start
    rewind_what='weights',  # or 'learning_rate', 'nothing' (fine-tuning), 'reinit' (a control)
    targets=dict(  # or a string, which is its scope
        scope='all',  # 'backbone', 'neck+head', 'rpn+predictors', 's1_coco', 's2' …
        include=[],  # patterns: parameter names, parts of them, or module types; empty: everything
        exclude=[],
        predictors=False,  # whether final predictors may be pruned
        frozen=False,  # whether weights that are not trained may be pruned
    ),
    # These may be dicts as well, which MMEngine would not merge over a string given here:
    # score='magnitude', allocation='global', pattern='unstructured'
    floor=0.001,  # the smallest share of a layer that is kept; 0 lets layers die
)
