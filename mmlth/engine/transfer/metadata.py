"""What a transferred ticket says of where it comes from."""

from collections.abc import Iterable, Mapping
from typing import Any

from mmlth.engine.configs import result_affecting_config
from mmlth.engine.tickets import provenance
from mmlth.engine.transfer.source import Source
from mmlth.engine.transfer.target import TargetModel
from mmlth.pruning import count_parameters
from mmlth.ticket import ImageInput, NameMap, Ticket, Transplant


def metadata_of(
    source: Source,
    names: NameMap,
    choices: Mapping[str, Any],
    counts: Mapping[str, Any],
    source_input: ImageInput | None,
) -> dict[str, Any]:
    """What is said of the transfer, as JSON values.

    Args:
        source: What was transferred.
        names: Which parameter is which.
        choices: How it was transferred, as the arguments of `transfer` say.
        counts: As `counts_of` gives them.
        source_input: What images the source was trained on, if that is known.
    """
    return {
        'source': dict(source.description),
        'rules': [str(rule) for rule in names.rules],
        **choices,
        **counts,
        'input': source_input and str(source_input),
    }


def transferred_ticket(
    target: TargetModel, transplanted: Transplant, metadata: Mapping[str, Any]
) -> Ticket:
    """The ticket of the target model.

    Args:
        target: The target model.
        transplanted: Its mask and weights.
        metadata: What the ticket says of the transfer.
    """
    parameters, config = count_parameters(target.model), target.config
    settings = result_affecting_config(config, dict(config.get('lottery') or {}))
    versions = getattr(target.model.state_dict(), '_metadata', {})
    info = {
        **provenance(transplanted.mask, parameters, target.seed, settings),
        'transfer': dict(metadata),
        'module_versions': {name: each.get('version') for name, each in versions.items()},
    }
    return Ticket(transplanted.mask, transplanted.weights, info)


def counts_of(
    names: NameMap, transplanted: Transplant, sizes: Mapping[str, int]
) -> dict[str, dict[str, int] | int]:
    """How many parameters, and weights in them, were matched, masked and so on.

    Args:
        names: Which parameter is which.
        transplanted: Which masks were transferred.
        sizes: Number of weights of each parameter of the target by name.
    """

    def count(chosen: Iterable[str]) -> dict[str, int]:
        weights = [sizes[name] for name in chosen if name in sizes]
        return {'parameters': len(weights), 'weights': sum(weights)}

    return {
        'matched': count(names.matched),
        'masked': count(transplanted.masked),
        'missing': count(names.missing),
        'left_out': count(names.left_out),
        'other_shapes': count(names.mismatched),
        'unused': len(names.unused),
    }
