# configs/_base_/lth/taylor.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('taylor')
