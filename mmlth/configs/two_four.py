# configs/_base_/lth/two_four.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('two_four')
