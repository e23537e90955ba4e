#!/usr/bin/env python
"""Writes model-index.yml, and the metafile and the table of each folder of configs.

    python tools/reference/model_index.py

By the index, ``mim search mmlth`` lists the configs. What the files say comes from the configs and
from what was measured by them; nothing is typed in but what a family is.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml
from measured import ROOT, Row, measured
from mmengine.config import Config

from mmlth.commands.shipped_configs import ShippedConfig, shipped_configs
from mmlth.engine import parse_settings
from mmlth_common.lottery import DEFAULT_TARGET

CONFIGS = ROOT / 'configs/lth'
WRITTEN_BY = 'Written by tools/reference/model_index.py; run it after a change.'
NONE = '–'


class Family(NamedTuple):
    """What a folder of configs holds: the model's name, its task as in the zoos, its paper."""

    name: str
    task: str
    paper: str


FAMILIES = {
    'deeplabv3plus': Family('DeepLabV3+', 'Semantic Segmentation', '1802.02611'),
    'faster_rcnn': Family('Faster R-CNN', 'Object Detection', '1506.01497'),
    'mask_rcnn': Family('Mask R-CNN', 'Instance Segmentation', '1703.06870'),
    'mocov2': Family('MoCo v2', 'Self-supervised Pre-training', '2003.04297'),
    'resnet': Family('ResNet', 'Image Classification', '1512.03385'),
    'rtmdet': Family('RTMDet', 'Object Detection', '2212.07784'),
    'rtmpose': Family('RTMPose', '2D Keypoint', '2303.07399'),
    'sem_fpn': Family('Semantic FPN', 'Semantic Segmentation', '1901.02446'),
    'topdown_heatmap': Family('Top-down heatmaps', '2D Keypoint', '1804.06208'),
    'yolov3': Family('YOLOv3', 'Object Detection', '1804.02767'),
}
DATA = {'VOCdevkit': 'VOC', 'bccd': 'BCCD', 'coco': 'COCO', 'coco128': 'COCO128'}
"""Data sets by their folder in ``data/``, where they are called otherwise."""


def index_files() -> dict[Path, str]:
    """What all files say, by where they lie."""
    rows = measured()
    files: dict[Path, str] = {}
    for folder, members in _families().items():
        place, family = CONFIGS / folder, FAMILIES[folder]
        numbers = {each.name: rows.get(f'{folder}/{each.name}.py', []) for each in members}
        files[place / 'metafile.yml'] = _yaml(_metafile(folder, family, members, numbers))
        files[place / 'README.md'] = _readme(family, members, numbers)
    imports = [path.relative_to(ROOT).as_posix() for path in files if path.suffix == '.yml']
    files[ROOT / 'model-index.yml'] = _yaml({'Import': sorted(imports)})
    return files


def _families() -> dict[str, list[ShippedConfig]]:
    families: dict[str, list[ShippedConfig]] = {}
    for config in shipped_configs():
        if config.package is not None:
            families.setdefault(config.group, []).append(config)
    return families


def _metafile(
    folder: str,
    family: Family,
    members: Sequence[ShippedConfig],
    numbers: Mapping[str, Sequence[Row]],
) -> dict[str, Any]:
    collection = {
        'Name': family.name,
        'Metadata': {'Training Techniques': ['Lottery tickets']},
        'Paper': f'https://arxiv.org/abs/{family.paper}',
        'README': f'configs/lth/{folder}/README.md',
    }
    models = [_model(family, each, numbers[each.name]) for each in members]
    return {'Collections': [collection], 'Models': models}


def _model(family: Family, config: ShippedConfig, rows: Sequence[Row]) -> dict[str, Any]:
    data, target = _data(config.path), _target(config.path)
    metadata: dict[str, Any] = {'Training Data': data, 'Package': config.package}
    if target is not None:
        metadata['Target Sparsity'] = round(target, 4)
    model = {
        'Name': config.name,
        'In Collection': family.name,
        'Config': f'configs/{config.file}',
        'Metadata': metadata,
    }
    published = [row for row in rows if row.source == rows[0].source]  # results before studies
    if published:
        metadata['Seeds'] = min(row.seeds for row in published)
        metrics = _metrics(published)
        model['Results'] = [{'Task': family.task, 'Dataset': data, 'Metrics': metrics}]
    return model


def _metrics(rows: Sequence[Row]) -> dict[str, float]:
    """The means, of one source: ``mim search`` shows one number a name."""
    return {
        f'{name} {f"at {_percent(row.sparsity)}" if row.sparsity else "dense"}': _mean(text)
        for row in rows
        for name, text in row.metrics.items()
    }


def _readme(
    family: Family, members: Sequence[ShippedConfig], numbers: Mapping[str, Sequence[Row]]
) -> str:
    metrics = dict.fromkeys(
        name for rows in numbers.values() for row in rows for name in row.metrics
    )
    names = list(metrics) or ['AP']
    header = ['config', 'seeds', 'sparsity', *names, 'MACs', 'ticket', 'numbers', 'command']
    table = [header, ['---', *['---:'] * (len(header) - 3), '---', '---']]
    for config in members:
        table += _table_rows(config, numbers[config.name], names)
    return '\n'.join(
        [
            f'# {family.name}',
            '',
            f'<!-- {WRITTEN_BY} -->',
            '',
            f'Lottery tickets of [{family.name}](https://arxiv.org/abs/{family.paper}).',
            '',
            *(f'- [{each.name}]({each.name}.py): {each.summary}' for each in members),
            '',
            *(f'| {" | ".join(row)} |' for row in table),
            '',
            'Sparsity is of the prunable weights, 0 % the dense model. Several seeds: mean ± '
            'standard deviation. MACs are those of one image through the network. '
            f'{NONE}: not among the numbers that were kept.',
            '',
        ]
    )


def _table_rows(
    config: ShippedConfig, rows: Sequence[Row], names: Sequence[str]
) -> Iterator[list[str]]:
    """A row a sparsity; what the row above says as well is left out."""
    training = f'`mim train {config.package} configs/{config.file}`'
    name = f'[{config.name}]({config.name}.py)'
    if not rows:
        target = _target(config.path)
        wanted = NONE if target is None else f'to {_share(target)}'
        yield [name, NONE, wanted, *[NONE] * (len(names) + 3), training]
    for above, row in zip([None, *rows], rows):
        known = above is not None and above.source == row.source
        yield [
            '' if above else name,
            str(row.seeds),
            _share(row.sparsity),
            *(row.metrics.get(metric, NONE) for metric in names),
            NONE if row.macs is None else f'{row.macs / 1e6:.0f} M',
            NONE if row.ticket_bytes is None else f'{row.ticket_bytes / 1e6:.1f} MB',
            '' if known else f'[{_title(row.source)}](../../../{row.source})',
            '' if known else f'`{row.script}`' if row.script else training,
        ]


def _title(source: str) -> str:
    return PurePosixPath(source.partition('#')[0]).stem


@cache
def _read(path: Path) -> Config:
    return Config.fromfile(path)


def _data(config: Path) -> str:
    """The data set, by the first folder that the training data names."""
    folder = next(_data_roots(_read(config).train_dataloader))
    name = next(part for part in PurePosixPath(folder).parts if part not in ('work_dirs', 'data'))
    return DATA.get(name, name)


def _data_roots(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if 'data_root' in value:
            yield value['data_root']
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _data_roots(item)


def _target(config: Path) -> float | None:
    """The sparsity that a search by the config ends with; None where it does not search."""
    lottery = _read(config).get('lottery')
    if not lottery:
        return None
    return parse_settings(lottery).target_sparsity or DEFAULT_TARGET


def _share(value: float) -> str:
    return f'{_percent(value)} %'


def _percent(value: float) -> str:
    return f'{round(100 * value, 1):g}'


def _mean(text: str) -> float:
    return float(text.partition(' ± ')[0])


def _yaml(content: dict[str, Any]) -> str:
    return f'# {WRITTEN_BY}\n' + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


if __name__ == '__main__':
    for file, text in index_files().items():
        file.write_text(text)
