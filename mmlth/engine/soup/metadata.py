"""What a soup says of where it comes from, beside the tickets that it is made of."""

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from mmlth.engine.tickets import provenance
from mmlth.pruning import Mask
from mmlth.ticket import to_json

_SHARED = ('rewind', 'parent_sha256', 'dataset_meta', 'module_versions')


def shared_metadata(
    infos: Sequence[Mapping[str, Any]], mask: Mask, parameters: int
) -> dict[str, Any]:
    """What all tickets say of themselves alike, but not of how their trainings ended.

    Settings in which they differ, such as the seed of a branch, are left out of the config.

    Args:
        infos: What each of the tickets says of itself.
        mask: Their mask.
        parameters: Number of parameters of the model, prunable or not.
    """
    config = reduce(_common, [info.get('config') for info in infos])
    seeds = {json.dumps(to_json(info.get('seed'))) for info in infos}
    seed = infos[0].get('seed') if len(seeds) == 1 else None
    told = provenance(mask, parameters, seed, config if isinstance(config, dict) else {})
    for key in _SHARED:
        values = [info.get(key) for info in infos]
        if len({json.dumps(to_json(value), sort_keys=True) for value in values}) == 1:
            told[key] = values[0]
    return told


def _common(first: Any, second: Any) -> Any:
    """The settings that two configs share; None where they differ in a single value."""
    if isinstance(first, dict) and isinstance(second, dict):
        both = {key: _common(first[key], second[key]) for key in first if key in second}
        return {key: value for key, value in both.items() if value == first[key] or value}
    return first if first == second else None
