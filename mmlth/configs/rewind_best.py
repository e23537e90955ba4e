# configs/_base_/lth/rewind_best.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('rewind_best')
