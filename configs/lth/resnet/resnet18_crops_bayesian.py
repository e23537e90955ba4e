# Supervised pre-training of a ResNet-18 with Gaussian weights, pruned by signal to noise.
# As Kuhn et al. (2026) do; tools/study/bayesian.sh runs it beside the deterministic search.
_base_ = './resnet18_crops_study.py'

custom_hooks = [dict(type='mmlth.BayesianHook', temperature=0.1)]
optim_wrapper = dict(optimizer=dict(weight_decay=0.0))  # the prior takes its place

lottery = dict(score='signal_to_noise')
