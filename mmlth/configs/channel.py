# configs/_base_/lth/channel.py, for configs of the newer style.
lottery = __import__('mmlth').base_lottery('channel')
