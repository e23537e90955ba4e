# Semantic segmentation of nuclei for comparisons over several seeds.
# tools/study/nuclei_semantic.sh runs them.
_base_ = './sem_fpn_r18_nuclei_imp.py'

# The list of sparsities is the study's, at which methods are compared.
lottery = dict(target_sparsity=0.98, rounds=None, sparsities=[0.5, 0.8, 0.9, 0.95, 0.98])
