# configs/_base_/lth/four_by_one.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('four_by_one')
