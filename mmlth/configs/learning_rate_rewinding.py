# configs/_base_/lth/learning_rate_rewinding.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('learning_rate_rewinding')
