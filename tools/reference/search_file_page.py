"""The reference page of search.json, from the class that writes it."""

from docstring_parts import docstring_of
from reference_text import as_row

from mmlth.engine.configs import STATE_FORMAT
from mmlth.engine.state import SearchState

NAME = 'search-json.md'
_INTRODUCTION = """# search.json

<!-- Written by tools/reference/write_pages.py from SearchState and its own tables. -->

The state and the results of a search, in its `work_dir`: enough to continue the search and to
report on it. It is written anew after each round, whole or not at all.

```python
import json

state = json.load(open('work_dirs/my_search/search.json'))
for entry in state['rounds']:
    print(entry['round'], entry['sparsity'], entry['metrics'])
```

`mmlth.search` and `mmlth.branch` return the same list. `report/results.csv` has it as a table. Read
the file, but do not edit it: a search that is resumed compares its settings with those in it.
"""
_TABLES = {
    'Each of `rounds`': {
        'round': 'Its number; 0 is the dense model.',
        'prunable': 'Number of weights that may be pruned.',
        'kept': 'Number of them that are kept.',
        'parameters': 'Number of parameters of the model.',
        'sparsity': 'Share of the prunable weights that is removed.',
        'network_sparsity': 'Share of all parameters that is removed.',
        'metrics': 'What its last validation gave, by name.',
        'seconds': 'How long it trained; of a round that was resumed, all parts together.',
        'iter': 'Iterations at its end, as MMEngine counts them.',
        'epoch': 'Epochs at its end, as MMEngine counts them.',
        'learning_rates': 'The learning rates that it ended with.',
        'ticket': 'Its ticket, seen from the `work_dir`.',
        'prunable_macs': 'Where multiply-adds are counted: those of all prunable weights.',
        'kept_macs': 'Where multiply-adds are counted: those of the kept weights.',
        'unmoved': 'Of round 0: prunable weights that its training left as they were.',
        'iterations': 'Of rounds of a length of their own: iterations trained.',
        'epochs': 'The same in epochs, where the loop has them.',
        'saved_iterations': 'Of rounds that early-bird may stop: iterations that were left.',
        'saved_epochs': 'The same in epochs, where the loop has them.',
        'of_round': 'Of a control: the round of the parent search whose ticket it changes.',
    },
    '`rewind`': {
        'step': "As the config gives it, such as `'1ep'`.",
        'iteration': 'The same in iterations.',
        'what': '`lottery.rewind_what`.',
        'after': '`lottery.after_rewind`.',
        'sha256': 'The hash of `rewind.safetensors`, once it is written.',
        'weights_sha256': 'The hash of the weights in it alone, which tickets repeat.',
    },
    'Each of `targets`': {
        'name': 'Of the parameter.',
        'type': 'The class of the layer that has it.',
        'weights': 'Their number.',
    },
    '`branch`': {
        'control': 'What is compared, a name or a dict with options; null: other settings.',
        'seed': 'Of what the control draws.',
        'label': 'Its line in reports.',
        'tickets': 'Of a control: the rounds of the parent search that it trains again.',
        'length': 'How many times as long its rounds train, where that was given.',
    },
}


def page() -> str:
    """The page as Markdown."""
    first = {
        'format': f'`{STATE_FORMAT}`.',
        'version': 'Of the format.',
        **docstring_of(SearchState).items['Attributes'],
    }
    tables = {'Keys': first, **_TABLES}
    return '\n'.join([_INTRODUCTION, *(_table(title, keys) for title, keys in tables.items())])


def _table(title: str, keys: dict[str, str]) -> str:
    rows = [as_row(f'`{key}`', meaning) for key, meaning in keys.items()]
    return '\n'.join([f'## {title}', '', '| key | meaning |', '|---|---|', *rows, ''])
