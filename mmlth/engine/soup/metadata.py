"""What a soup says of where it comes from, beside the tickets that it is made of."""

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from mmlth.engine.tickets import provenance
from mmlth.pruning import Mask
from mmlth.ticket import to_json

_WHOLE = ('model', 'data_preprocessor')
_SHARED = ('rewind', 'parent_sha256', 'dataset_meta', 'module_versions')


def shared_metadata(
    infos: Sequence[Mapping[str, Any]], mask: Mask, parameters: int
) -> dict[str, Any]:
    """What all tickets say of themselves alike, but not of how their trainings ended.

    Settings in which they differ, such as the seed of a branch, are left out of the config;
    model and preprocessor are given as a whole or not at all.

    Args:
        infos: What each of the tickets says of itself.
        mask: Their mask.
        parameters: Number of parameters of the model, prunable or not.
    """
    configs = [info['config'] if isinstance(info.get('config'), dict) else {} for info in infos]
    config = reduce(_common, configs)
    for key in _WHOLE:
        if config.get(key) != configs[0].get(key):
            config.pop(key, None)
    seeds = {json.dumps(to_json(info.get('seed'))) for info in infos}
    seed = infos[0].get('seed') if len(seeds) == 1 else None
    metadata = provenance(mask, parameters, seed, config)
    for key in _SHARED:
        values = [info.get(key) for info in infos]
        if len({json.dumps(to_json(value), sort_keys=True) for value in values}) == 1:
            metadata[key] = values[0]
    return {key: value for key, value in metadata.items() if value is not None}


def _common(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The settings that two configs share."""
    shared = {}
    for key in first:
        ours, theirs = first[key], second.get(key)
        if ours == theirs:
            shared[key] = ours
        elif isinstance(ours, dict) and isinstance(theirs, dict):
            shared[key] = _common(ours, theirs)
    return shared
