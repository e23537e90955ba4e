# configs/_base_/lth/fine_tuning.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('fine_tuning')
