# configs/_base_/lth/imp.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('imp')
