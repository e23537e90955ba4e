# configs/_base_/lth/synflow.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('synflow')
