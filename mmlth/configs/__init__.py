"""Base configs for configs of MMEngine's newer style.

    with read_base():
        from mmlth.configs.imp import *

Each sets ``lottery`` to what the file of the same name in ``configs/_base_/lth`` says.
"""
