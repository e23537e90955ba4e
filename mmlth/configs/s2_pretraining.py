# configs/_base_/lth/s2_pretraining.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('s2_pretraining')
