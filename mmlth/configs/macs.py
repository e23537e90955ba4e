# configs/_base_/lth/macs.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('macs')
