"""Notes on what the multiply-adds of a table leave out."""

from mmlth.analysis.cost.model_macs import ModelMacs
from mmlth.analysis.masks import module_of
from mmlth.messages import join_names


def left_out_notes(counted: ModelMacs) -> list[str]:
    """What was not counted, and what the count depends on, a line each."""
    macs = counted.macs
    notes = []
    if counted.left_out is not None:
        heads = ', '.join(dict.fromkeys(module_of(name) for name in macs.unused))
        notes.append(
            f'Only extract_feat is counted, because {counted.left_out}; left out: '
            f'{heads or "heads"}.'
        )
    elif macs.unused:
        notes.append(f'Not called, so not counted: {join_names(macs.unused)}.')
    if macs.uncounted:
        layers = [f'{name} ({kind})' for name, kind in macs.uncounted.items()]
        notes.append(
            f'Not counted, since the counter does not know their operator: {join_names(layers)}.'
        )
    if counted.regions is not None:
        notes.append(
            f'The second stage ran on {counted.regions} regions; its MACs are in proportion to '
            'them.'
        )
    return notes
