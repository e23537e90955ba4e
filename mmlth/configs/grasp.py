# configs/_base_/lth/grasp.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('grasp')
