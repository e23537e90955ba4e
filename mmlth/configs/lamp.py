# configs/_base_/lth/lamp.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('lamp')
