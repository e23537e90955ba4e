"""What a study compares: each method as branches of a search, all with the same dense round."""

from collections.abc import Sequence

CONTROLS = ('random', 'permuted', 'reinit')
ONE_SHOT = 'one_shot'
ITERATIVE = {
    'learning_rate': ['--rewind-what', 'learning_rate'],
    'fine_tuning': ['--rewind-what', 'nothing'],
    'four_by_one': ['--pattern', '4x1'],
    'macs': ['--budget', 'macs'],
    'macs_quarter': ['--budget', 'macs,power=0.25'],
    'macs_score_alone': ['--budget', 'macs,power=0'],
    'macs_erk': ['--budget', 'macs', '--allocation', 'erk'],
}
LONG_DENSE = 'long_dense'
METHODS = (*CONTROLS, ONE_SHOT, *ITERATIVE, LONG_DENSE)
DEFAULT = tuple(name for name in METHODS if not name.startswith(('four_by_one', 'macs')))


def branches(
    sparsities: Sequence[float], levels: Sequence[float], methods: Sequence[str] = DEFAULT
) -> dict[str, list[str]]:
    """The options of ``mmlth branch`` by the name of the branch.

    Args:
        sparsities: The sparsity after each round of the search.
        levels: The sparsities at which methods are compared that train each sparsity by itself.
        methods: Some of `METHODS`.

    Raises:
        ValueError: If a level is no sparsity of the search.
    """
    tickets = []
    for level in levels:
        if level not in sparsities:
            raise ValueError(f'the level {level} is none of the sparsities {list(sparsities)}')
        tickets.append(str(list(sparsities).index(level) + 1))
    options = {name: [name, '--tickets', *tickets] for name in CONTROLS if name in methods}
    if ONE_SHOT in methods:
        for level in levels:
            options[f'one_shot_{level}'] = ['--label', ONE_SHOT, '--sparsities', str(level)]
    options |= {name: given for name, given in ITERATIVE.items() if name in methods}
    if LONG_DENSE in methods:
        options[LONG_DENSE] = [LONG_DENSE]
    return options
