"""Tickets that are exported."""

import pytest
from exports import masked_model, save

from mmlth.engine import read_config


@pytest.fixture(scope='package')
def tickets(tmp_path_factory):
    """Paths of tickets at 80 % by the config that they are made from."""
    folder = tmp_path_factory.mktemp('tickets')
    paths = {}

    def ticket(name):
        if name not in paths:
            config = read_config(name)
            paths[name] = folder / f'{len(paths)}.safetensors'
            save(masked_model(config), config, paths[name])
        return paths[name]

    return ticket
