# configs/_base_/lth/magnitude_increase.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('magnitude_increase')
