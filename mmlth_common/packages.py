"""What mmlth imports beside the standard library, and how to install it."""

INSTALL = {
    # what users bring in builds of their own
    'torch': 'see pytorch.org',
    'numpy': 'pip install numpy',
    'matplotlib': 'pip install matplotlib',
    'cv2': 'pip install opencv-python',
    'mmengine': 'mim install mmengine',
    'mmcv': 'mim install mmcv',
    'mmdet': 'mim install mmdet',
    'mmpose': 'mim install mmpose',
    'mmseg': 'mim install mmsegmentation',
    # what pip installs together with mmlth
    'safetensors': 'pip install safetensors',
    'zstandard': 'pip install zstandard',
    'rich': 'pip install rich',
    'jinja2': 'pip install jinja2',
    # what comes with an extra of mmlth
    'pycocotools': "pip install 'mmlth[analysis]'",
    'tidecv': "pip install 'mmlth[analysis]'",
    'onnx': "pip install 'mmlth[export]'",
    'onnxruntime': "pip install 'mmlth[export]'",
    'MNN': "pip install 'mmlth[mnn]'",
    'openvino': "pip install 'mmlth[bench]'",
    'argcomplete': "pip install 'mmlth[completion]'",
}
"""The command by the name that is imported."""


def missing_package(name: str, what: str) -> str:
    """Says in one line that a package is missing, who needs it, and how to install it.

    Args:
        name: A key of `INSTALL`.
        what: Who needs it, such as ``'TIDE'``.
    """
    return f'{what} needs the package {name}, which is not installed: {INSTALL[name]}'
