# configs/_base_/lth/random.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('random')
