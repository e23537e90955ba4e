"""The configs that come with mmlth."""

from mmlth_common.configs import configs_folder

BASES = '_base_/lth'
"""The folder of the pruning base configs."""


def base_config(name: str = 'imp') -> str:
    """The path of a config of mmlth, for the ``_base_`` of a config in any repository.

    MMEngine evaluates ``_base_``, so a config can say::

        _base_ = ['mmdet::yolox/yolox_tiny_8xb8-300e_coco.py', __import__('mmlth').base_config()]

    Args:
        name: The NAME in ``configs/_base_/lth/NAME.py``; or the path of any other config below
            ``configs/``, such as ``'lth/mask_rcnn/mask_rcnn_r50_imp.py'``.

    Raises:
        ValueError: If there is no such config; the message lists the base configs there are.
    """
    folder = configs_folder()
    path = folder / name if name.endswith('.py') else folder / BASES / f'{name}.py'
    if not path.is_file():
        known = ', '.join(sorted(file.stem for file in (folder / BASES).glob('*.py')))
        raise ValueError(f'mmlth has no base config {name!r}; it has: {known}')
    return str(path)
