"""The page of results, in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from representatives import Representative

WORKS = 'works'

_HEAD = """\
# Does mmlth work with my model?

{works} of {total} models work: one of each folder of the configs of MMDetection, MMPose and
MMSegmentation, more where a folder holds several architectures. This page is written by

```sh
python tools/zoo/zoo.py --page docs/en/reference/zoo.md
```

with {versions},
on a CPU, from random weights, on two random images of 128 × 128 pixels (pose models: at their own
input size, a quarter of it where that is 400 or more; MMSegmentation's transformers are built for
images of this size), with at most 16 regions an image for two-stage detectors. Nothing else of a
model is reduced. *Works* means that all this was checked:

- it builds, and its targets can be masked at 80 % (each layer's weights measured by their own
  scale, since initial weights of some heads are a hundred times smaller than others);
- the masked model has the names and shapes of the dense one and loads its checkpoint;
- it trains two steps with its config's own optimizer, at a learning rate of 1e-4; at each, pruned
  weights, their gradients and their moments are exactly zero, and other weights change;
- it is pruned again to 90 %, and the new mask lies within the old one;
- a deep copy carries the mask, trains under it, and leaves the original as it was;
- its weights load into a stock model, which has seen one batch, too, and then computes the same
  bit for bit.

The other verdicts are the reasons. `mmlth targets CONFIG` tries any other config in seconds.
"""


def page(results: Sequence[tuple[Representative, Mapping[str, Any]]], versions: Any) -> str:
    """The page.

    Args:
        results: Each representative and what was found of it.
        versions: Versions by package.
    """
    works = sum(result['verdict'] == WORKS for _, result in results)
    text = _HEAD.format(
        works=works,
        total=len(results),
        versions=', '.join(f'{name} {version}' for name, version in versions.items()),
    )
    titles = {'mmdet': 'MMDetection', 'mmpose': 'MMPose', 'mmseg': 'MMSegmentation'}
    for zoo, title in titles.items():
        text += f'\n## {title}\n\n'
        text += '| family | config | parameters | prunable | verdict |\n|---|---|---:|---:|---|\n'
        for representative, result in results:
            if representative.name.startswith(f'{zoo}::'):
                text += _row(representative, result)
    return text


def _row(representative: Representative, result: Mapping[str, Any]) -> str:
    config = representative.name.rpartition('/')[2].removesuffix('.py')
    size, share = '', ''
    if 'parameters' in result:
        size = f'{result["parameters"] / 1e6:.1f} M'
        share = f'{result["prunable"] / result["parameters"]:.1%}'.replace('%', ' %')
    verdict = '; '.join(filter(None, [str(result['verdict']), result.get('note')]))
    verdict = verdict.replace('|', '\\|').replace('<', '&lt;')
    return f'| {representative.family} | `{config}` | {size} | {share} | {verdict} |\n'
