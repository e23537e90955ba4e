"""The choice of prunable weights as a table."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from torch import nn

from mmlth.messages import join_names
from mmlth.pruning import Target, computed_weights, count_parameters


def target_table(
    model: nn.Module,
    targets: Sequence[Target],
    misfits: Sequence[Target] = (),
    dense: Mapping[str, Sequence[Target]] | None = None,
) -> str:
    """The prunable weights by module and role, with their share, as plain text.

    Args:
        model: The model.
        targets: Its weights that may be pruned.
        misfits: Its weights that might be, but for the shape in which weights are removed.
        dense: Its other weights of two dimensions or more, by the reason why they may not.
    """
    parameters = count_parameters(model)
    total = sum(target.numel for target in targets)
    groups: dict[tuple[str, str], list[Target]] = {}
    for target in targets:
        module = '.'.join(target.name.split('.')[:-1][:2])
        groups.setdefault((module, target.role), []).append(target)
    title = f'Prunable weights: {total / parameters:.1%} of the {parameters:,} parameters'
    table = Table(title=title, title_justify='left', show_footer=True)
    table.add_column('module', 'all')
    table.add_column('role')
    table.add_column('types')
    table.add_column('tensors', str(len(targets)), justify='right')
    table.add_column('weights', f'{total:,}', justify='right')
    table.add_column('share', '100.0 %', justify='right')
    for (module, role), group in groups.items():
        count = sum(target.numel for target in group)
        types = ', '.join(dict.fromkeys(target.module_type for target in group))
        table.add_row(
            module,
            role,
            types,
            str(len(group)),
            f'{count:,}',
            f'{count / total:.1%}'.replace('%', ' %'),
        )
    console = Console(width=110, no_color=True)
    with console.capture() as capture:
        console.print(table)
    notes = _misfits_note(misfits) + _computed_weights_note(model)
    return capture.get() + _dense_table(dense or {}, parameters) + notes


def _dense_table(dense: Mapping[str, Sequence[Target]], parameters: int) -> str:
    """What is not pruned though it has two dimensions or more; empty if there is nothing."""
    if not dense:
        return ''
    total = sum(target.numel for group in dense.values() for target in group)
    title = f'Left out: {total / parameters:.1%} of the parameters, beside biases and norms'
    table = Table(title=title, title_justify='left')
    table.add_column('why')
    table.add_column('types')
    table.add_column('tensors', justify='right')
    table.add_column('weights', justify='right')
    table.add_column('of all', justify='right')
    table.add_column('such as')
    for why, group in dense.items():
        count = sum(target.numel for target in group)
        table.add_row(
            why,
            join_names(dict.fromkeys(target.module_type for target in group), 2),
            str(len(group)),
            f'{count:,}',
            f'{count / parameters:.1%}'.replace('%', ' %'),
            group[0].name,
        )
    console = Console(width=130, no_color=True)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def _misfits_note(misfits: Sequence[Target]) -> str:
    """Says which weights ``lottery.pattern`` leaves dense; empty if there are none."""
    if not misfits:
        return ''
    return (
        f'{len(misfits)} weights ({sum(t.numel for t in misfits):,} in all: '
        f'{join_names((t.name for t in misfits), 3)}) stay dense, since lottery.pattern does not '
        'fit their input channels\n'
    )


def _computed_weights_note(model: nn.Module) -> str:
    """Says which layers stay dense because they compute their weights; empty if none do."""
    computed = computed_weights(model)
    if not computed:
        return ''
    types = ', '.join(dict.fromkeys(target.module_type for target in computed))
    return (
        f'{len(computed)} weights of {types} ({sum(t.numel for t in computed):,} in all, from '
        f'{computed[0].name} to {computed[-1].name}) stay dense: these layers standardize or '
        'parametrize their weights, so that a pruned one would not be zero in the forward pass\n'
    )
