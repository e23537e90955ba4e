"""What a study compares: each method as branches of a search, all with the same dense round."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks import Task

CONTROLS = ('random', 'permuted', 'reinit')
ONE_SHOT = {
    'one_shot': [],
    'one_shot_double': ['--length', '2'],
    'one_shot_equal': ['--length', '{rounds}'],  # as long as all rounds to that sparsity
}
ITERATIVE = {
    'learning_rate': ['--rewind-what', 'learning_rate'],
    'fine_tuning': ['--rewind-what', 'nothing'],
    'layerwise': ['--allocation', 'uniform'],
    'distilled': ['--distil', '0.5'],
    'four_by_one': ['--pattern', '4x1'],
    'macs': ['--budget', 'macs'],
    'macs_quarter': ['--budget', 'macs,power=0.25'],
    'macs_each': ['--budget', 'macs,power=1'],
    'macs_erk': ['--budget', 'macs', '--allocation', 'erk'],
}
SHORT = {
    'early_bird': ['--cfg-options', 'lottery.early_bird.full_dense=True'],
    'short_25': ['--round-length', '0.25'],
    'short_50': ['--round-length', '0.5'],
    'learning_rate_short': ['--rewind-what', 'learning_rate', '--round-length', '0.25'],
}
WHILE_TRAINING = {
    **{name: [name] for name in ('gradual', 'rigl', 'set', 'ac_dc')},
    'gradual_1.4': ['gradual', '--length', '1.4'],  # half of a search in two rounds
    'gradual_long': ['gradual', '--length', 'search'],
}
ORDERS = {'data_order': [], 'data_order_1': ['--seed', '1']}
LONG_DENSE = {'dense_twice': ['--length', '2'], 'long_dense': []}
"""First, since the one tells whether the dense model has trained long enough."""
METHODS = (*LONG_DENSE, *CONTROLS, *ORDERS, *ONE_SHOT, *ITERATIVE, *SHORT, *WHILE_TRAINING)
DEFAULT = (*CONTROLS, 'one_shot', 'learning_rate', 'fine_tuning', 'long_dense')


def branches(
    sparsities: Sequence[float], levels: Sequence[float], methods: Sequence[str] = DEFAULT
) -> dict[str, list[str]]:
    """The options of ``mmlth branch`` by the name of the branch.

    Args:
        sparsities: The sparsity after each round of the search.
        levels: The sparsities at which methods are compared that train each sparsity by itself.
        methods: Some of `METHODS`, in the order in which they are trained.

    Raises:
        ValueError: If a level is no sparsity of the search.
    """
    tickets = []
    for level in levels:
        if level not in sparsities:
            raise ValueError(f'the level {level} is none of the sparsities {list(sparsities)}')
        tickets.append(str(list(sparsities).index(level) + 1))
    of_method = {name: {name: [name, '--tickets', *tickets]} for name in CONTROLS}
    of_method['reinit']['reinit'].insert(2, '0')  # the dense model from scratch, to tell by
    of_method |= {
        name: {name: ['data_order', '--tickets', *tickets, *given]}
        for name, given in ORDERS.items()
    }
    of_method |= {name: {name: given} for name, given in ITERATIVE.items()}
    of_method |= {
        name: {name: [*given, '--tickets', *tickets]} for name, given in WHILE_TRAINING.items()
    }
    for name, given in (ONE_SHOT | SHORT).items():
        of_method[name] = {}
        for level in levels:
            # Of short rounds the last one alone trains in full: each level is the end of a branch.
            until = [each for each in sparsities if each <= level]
            listed = ','.join(map(str, until if name in SHORT else [level]))
            of_method[name][f'{name}_{level}'] = [
                *('--label', name, '--sparsities', listed),
                *_of_equal_length(given, len(until)),
            ]
    of_method |= {name: {name: ['long_dense', *given]} for name, given in LONG_DENSE.items()}
    return {name: given for method in methods for name, given in of_method[method].items()}


def _of_equal_length(given: Sequence[str], rounds: int) -> list[str]:
    """Options with the number of rounds filled in; as long as one round is no option at all."""
    if rounds == 1 and '{rounds}' in given:
        return []
    return [option.format(rounds=rounds) for option in given]


def search_and_branches(
    name: str,
    folder: Path,
    numbers: Path | None,
    search: Sequence[str],
    branches: Mapping[str, Sequence[str]],
    after: Sequence[Path] = (),
) -> list[Task]:
    """A search and what branches off from it.

    Args:
        name: What is told of them.
        folder: The work_dir of the search.
        numbers: Where their numbers are kept.
        search: The config and the options of ``mmlth train``.
        branches: The options of ``mmlth branch`` by the name of the branch.
        after: The folders of the tasks whose files the search reads.
    """
    command = ('-m', 'mmlth', 'train', *search, '--work-dir', str(folder), '--resume')
    result = [Task(f'{name}: search', folder, command, tuple(after), numbers)]
    for branch, given in branches.items():
        place = Path('branches', branch)
        result.append(
            Task(
                f'{name}: {branch}',
                folder / place,
                ('-m', 'mmlth', 'branch', str(folder), *given, '--name', branch, '--resume'),
                (folder, *after),
                numbers and numbers / place,
            )
        )
    return result
