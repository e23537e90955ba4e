"""Classes and sizes in groups: how well the dense model does on each, and what a ticket changes.

Girish et al., *The Lottery Ticket Hypothesis for Object Recognition* (CVPR 2021,
https://arxiv.org/abs/2012.04643), section 5. The AP of a group is the mean over its classes; its
change in % is that of this mean.

In a resample, a class without an object is left out of the mean. Of a dense AP below `LEAST_AP`,
which prints as 0.000, there is no change in %: a ticket that finds a little would change it by
thousands. Such a resample is left out of the interval. The objects of a group may all be in one
image; then nothing tells how they vary, and no interval is given.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmlth.analysis.detection.bootstrap import Estimate, estimate
from mmlth.analysis.detection.scores import Scores
from mmlth.messages import join_names

RANKS = ('rarest', 'middle', 'most frequent')
DIFFICULTIES = ('hardest', 'middle', 'easiest')
LEAST_AP = 0.0005
"""The dense AP from which on there are changes in % and difficulties; less prints as 0.000."""
LVIS_FREQUENCIES = {'r': 'rare', 'c': 'common', 'f': 'frequent'}


@dataclass(frozen=True)
class Result:
    """How a model does on a group.

    Attributes:
        ap: Average precision, in [0, 1].
        difference: To the dense model's; None of the dense model itself.
        change: The same in % of the dense model's AP; None of the dense model itself. It has
            no value where that AP is below `LEAST_AP`.
    """

    ap: Estimate
    difference: Estimate | None = None
    change: Estimate | None = None


@dataclass(frozen=True)
class Group:
    """Some classes and sizes.

    Attributes:
        name: What they have in common.
        classes: Their names; of those only that have such objects.
        objects: How many the ground truth has, without crowds.
        images: How many images these are in.
        models: The results by name of the model, the dense model first.
        training: Objects of these classes in the training set, if that is known.
    """

    name: str
    classes: tuple[str, ...]
    objects: int
    images: int
    models: dict[str, Result]
    training: int | None = None


def all_objects(scores: Scores) -> Group:
    """All classes and sizes."""
    return _group(scores, 'all', range(len(scores.categories)))


def by_size(scores: Scores) -> tuple[Group, ...]:
    """Ranges of area of the objects, of all classes."""
    borders = scores.borders
    if not borders:
        return ()
    between = [f'{low:g}² to {high:g}²' for low, high in itertools.pairwise(borders)]
    names = [f'below {borders[0]:g}²', *between, f'above {borders[-1]:g}²']
    if len(names) == 3:
        names = [': '.join(pair) for pair in zip(('small', 'medium', 'large'), names)]
    every = range(len(scores.categories))
    return tuple(_group(scores, name, every, size) for size, name in enumerate(names, start=1))


def by_class(scores: Scores, training: Mapping[str, int] | None = None) -> tuple[Group, ...]:
    """Each class that has objects, in the data set's order.

    Args:
        scores: The scores of the models.
        training: The number of objects in the training set, by class.
    """
    return tuple(_group(scores, _name(scores, k), [k], 0, training) for k in _present(scores))


def by_frequency(
    scores: Scores, training: Mapping[str, int], names: Sequence[str] = RANKS
) -> tuple[Group, ...]:
    """Classes by the number of their objects in the training set, in groups of equal size.

    Classes are ranked by that number. A data set of one class has no groups.

    Args:
        scores: The scores of the models.
        training: The number of objects in the training set, by class.
        names: The names of the groups, from the rarest.

    Raises:
        ValueError: If a class has no count.
    """
    present = _present(scores)
    lacking = [name for k in present if (name := _name(scores, k)) not in training]
    if lacking:
        raise ValueError(
            f'there is no training count of {join_names(lacking)}: give the number of objects '
            'that each class has in the training set, or leave out the frequency'
        )
    counts = {k: training[_name(scores, k)] for k in present}
    parts = _parts(sorted(present, key=counts.__getitem__), names)
    ranges = [_range(f'{counts[k]:,}' for k in part) for _, part in parts]
    return tuple(
        _group(scores, f'{name}: {each} in training', part, 0, training)
        for (name, part), each in zip(parts, ranges)
    )


def by_lvis_frequency(scores: Scores) -> tuple[Group, ...]:
    """LVIS's rare, common and frequent classes.

    They are marked (``frequency``: r, c, f), or the number of their training images is known
    (``image_count``: up to 10, up to 100, more). Other data sets have none of these groups.
    """
    marks = {k: _lvis_mark(scores.categories[k]) for k in _present(scores)}
    return tuple(
        _group(scores, name, [k for k in marks if marks[k] == mark])
        for mark, name in LVIS_FREQUENCIES.items()
        if mark in marks.values()
    )


def by_difficulty(scores: Scores, names: Sequence[str] = DIFFICULTIES) -> tuple[Group, ...]:
    """Classes by the dense model's AP, in groups of equal size, from `LEAST_AP` on.

    They are ranked once, by all images. What ranks them is also what is compared: the dense AP of
    the easiest is high by luck, too, so that a little of their loss, and of the hardest ones' gain,
    is chance.

    Args:
        scores: The scores of the models.
        names: The names of the groups, from the hardest.
    """
    dense = next(iter(scores.values.values()))[:, 0]
    order = sorted(
        (k for k in _present(scores) if dense[k] >= LEAST_AP), key=lambda k: float(dense[k])
    )
    return tuple(
        _group(scores, f'{name}: AP {_range(f"{dense[k]:.3f}" for k in part)}', part)
        for name, part in _parts(order, names)
    )


def changed_most(
    classes: Sequence[Group], model: str, most: int = 5
) -> tuple[list[Group], list[Group]]:
    """The classes that gain and that lose most, in AP.

    Args:
        classes: One class each.
        model: The name of the one to compare with the dense model.
        most: How many classes of either kind.

    Returns:
        Those that gain, from the largest gain, and those that lose, from the largest loss.
    """
    changes = [
        (result.difference.value, group)
        for group in classes
        if (result := group.models[model]).difference is not None
        and result.difference.value is not None
    ]
    ordered = [(value, group) for value, group in sorted(changes, key=lambda each: each[0])]
    gains = [group for value, group in reversed(ordered) if value > 0]
    losses = [group for value, group in ordered if value < 0]
    return gains[:most], losses[:most]


def _present(scores: Scores) -> list[int]:
    return [k for k, sizes in enumerate(scores.objects) if len(sizes[0])]


def _name(scores: Scores, k: int) -> str:
    return str(scores.categories[k]['name'])


def _lvis_mark(category: Mapping[str, object]) -> str | None:
    if 'frequency' in category:
        return str(category['frequency'])
    count = category.get('image_count')
    if not isinstance(count, int):
        return None
    return 'r' if count <= 10 else 'c' if count <= 100 else 'f'


def _parts(ordered: list[int], names: Sequence[str]) -> list[tuple[str, list[int]]]:
    """Cuts a ranking into parts of equal size, the first of them larger by one where need be."""
    number = min(len(ordered), len(names))
    if number < 2:
        return []
    chosen = np.linspace(0, len(names) - 1, number).round().astype(int)
    parts = np.array_split(ordered, number)
    return [(names[index], part.tolist()) for index, part in zip(chosen, parts)]


def _range(texts: Iterable[str]) -> str:
    first, *_, last = [*texts] * 2
    return first if first == last else f'{first} to {last}'


def _group(
    scores: Scores,
    name: str,
    members: Sequence[int],
    size: int = 0,
    training: Mapping[str, int] | None = None,
) -> Group:
    members = [k for k in members if len(scores.objects[k][size])]
    names = tuple(_name(scores, k) for k in members)
    objects = np.concatenate([np.zeros(0, int), *(scores.objects[k][size] for k in members)])
    images = len(np.unique(objects))
    results: dict[str, Result] = {}
    dense: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    for model, values in scores.values.items():
        value = _mean(values[members, size])
        rows = _mean(scores.replicates[model][:, members, size])
        if images < 2:
            rows = rows[:0]
        if dense is None:
            dense = value, rows
            results[model] = Result(_estimate(value, rows))
        else:
            results[model] = Result(
                _estimate(value, rows),
                _estimate(value - dense[0], rows - dense[1]),
                _estimate(_percent(value, dense[0]), _percent(rows, dense[1])),
            )
    known = training is not None and all(each in training for each in names)
    count = sum(training[each] for each in names) if training is not None and known else None
    return Group(name, names, len(objects), images, results, count)


def _estimate(value: NDArray[np.float64], rows: NDArray[np.float64]) -> Estimate:
    return estimate(float(value), rows)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis without NaN; NaN where there is nothing else."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _percent(ticket: NDArray[np.float64], dense: NDArray[np.float64]) -> NDArray[np.float64]:
    known = dense >= LEAST_AP
    return np.where(known, 100 * (ticket - dense) / np.where(known, dense, 1), np.nan)
