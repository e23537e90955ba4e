# configs/_base_/lth/early_bird.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('early_bird')
