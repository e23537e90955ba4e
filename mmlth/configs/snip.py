# configs/_base_/lth/snip.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('snip')
