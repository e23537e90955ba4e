# configs/_base_/lth/uniform.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('uniform')
