"""Inputs with the outputs that other people's implementations gave: see golden/README.md."""

import json
from pathlib import Path

from safetensors.torch import load_file

FOLDER = Path(__file__).with_name('golden')


def tensors(name, prefix=''):
    """Tensors of a file by the rest of their names, of those that begin with ``prefix``."""
    loaded = load_file(FOLDER / f'{name}.safetensors')
    return {key.removeprefix(prefix): t for key, t in loaded.items() if key.startswith(prefix)}


def values(name):
    """What a file of names and numbers holds."""
    return json.loads((FOLDER / f'{name}.json').read_text())
