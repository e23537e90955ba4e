"""The stack that the tests run in."""

from importlib import metadata


def mim_name():
    """What mim calls MMDetection in this stack."""
    try:
        metadata.distribution('onedl-mmdetection')
    except metadata.PackageNotFoundError:
        return 'mmdet'
    return 'mmdetection'
