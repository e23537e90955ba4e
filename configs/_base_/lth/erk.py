# Erdos-Renyi-Kernel (Evci et al., ICML 2020): small layers keep a larger share than large ones.
_base_ = './imp.py'

lottery = dict(allocation='erk')
