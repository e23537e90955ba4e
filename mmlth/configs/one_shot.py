# configs/_base_/lth/one_shot.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('one_shot')
