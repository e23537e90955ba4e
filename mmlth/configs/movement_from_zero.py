# configs/_base_/lth/movement_from_zero.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('movement_from_zero')
