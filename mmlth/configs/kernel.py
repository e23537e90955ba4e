# configs/_base_/lth/kernel.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('kernel')
