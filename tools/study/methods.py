"""What a study compares: each method as branches of a search, all with the same dense round."""

from collections.abc import Sequence

CONTROLS = ('random', 'permuted', 'reinit')


def branches(sparsities: Sequence[float], levels: Sequence[float]) -> dict[str, list[str]]:
    """The options of ``mmlth branch`` by the name of the branch.

    Args:
        sparsities: After each round of the search.
        levels: Those of them at which methods are compared that train each sparsity by itself.

    Raises:
        ValueError: If a level is no sparsity of the search.
    """
    tickets = []
    for level in levels:
        if level not in sparsities:
            raise ValueError(f'the level {level} is none of the sparsities {list(sparsities)}')
        tickets.append(str(list(sparsities).index(level) + 1))
    iterative = {
        'learning_rate': ['--rewind-what', 'learning_rate'],
        'fine_tuning': ['--rewind-what', 'nothing'],
    }
    one_shot = {
        f'one_shot_{level}': ['--label', 'one_shot', '--sparsities', str(level)] for level in levels
    }
    controls = {name: [name, '--tickets', *tickets] for name in CONTROLS}
    return {**controls, **one_shot, **iterative}
