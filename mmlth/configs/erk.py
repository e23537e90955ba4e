# configs/_base_/lth/erk.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('erk')
