# configs/_base_/lth/s1_voc.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('s1_voc')
