# configs/_base_/lth/short_rounds.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('short_rounds')
