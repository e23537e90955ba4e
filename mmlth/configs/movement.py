# configs/_base_/lth/movement.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('movement')
