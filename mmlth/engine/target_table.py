"""The choice of prunable weights as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from torch import nn

from mmlth.pruning import Target, computed_weights, count_parameters


def target_table(model: nn.Module, targets: Sequence[Target]) -> str:
    """The prunable weights by module, with their share, as plain text.

    Args:
        model: The model.
        targets: Which of its weights may be pruned.
    """
    parameters = count_parameters(model)
    total = sum(target.numel for target in targets)
    groups: dict[str, list[Target]] = {}
    for target in targets:
        groups.setdefault('.'.join(target.name.split('.')[:-1][:2]), []).append(target)
    table = Table(title='Prunable weights', title_justify='left', show_footer=True)
    table.add_column('module', 'all')
    table.add_column('types', f'{total / parameters:.1%} of the {parameters:,} parameters')
    table.add_column('tensors', str(len(targets)), justify='right')
    table.add_column('weights', f'{total:,}', justify='right')
    table.add_column('share', '100.0 %', justify='right')
    for module, group in groups.items():
        count = sum(target.numel for target in group)
        types = ', '.join(dict.fromkeys(target.module_type for target in group))
        table.add_row(
            module, types, str(len(group)), f'{count:,}', f'{count / total:.1%}'.replace('%', ' %')
        )
    console = Console(width=110, no_color=True)
    with console.capture() as capture:
        console.print(table)
    return capture.get() + _computed_weights_note(model)


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
