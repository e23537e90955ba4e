"""The config of the networks that a soup is made of."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmlth.engine.configs import differences, plain_settings, read_config
from mmlth.engine.errors import LotteryError
from mmlth.engine.state import state_file_of
from mmlth.engine.tickets import config_of

_DECISIVE = ('model', 'data_preprocessor', 'train_dataloader', 'default_scope')
"""Keys on which model and running statistics depend; trainings of a soup may differ in others."""


def config_of_soup(
    paths: Sequence[Path],
    infos: Sequence[Mapping[str, Any]],
    given: str | Path | Config | None,
    cfg_options: Mapping[str, Any] | None,
) -> Config:
    """The config that is given; else that of the tickets' searches; else the model they tell.

    Args:
        paths: The files of the tickets.
        infos: What each of them says of itself.
        given: The config, as for `soup`, as is the next.
        cfg_options: Changes of it by dotted key.

    Raises:
        LotteryError: If there is none, or several differ in model or training data.
    """
    if given is not None:
        return read_config(given, cfg_options)
    states = [state for path in paths if (state := state_file_of(path)) is not None]
    configs = {str(state.parent): read_config(state, cfg_options) for state in states} or {
        str(path): read_config(config_of(info), cfg_options) for path, info in zip(paths, infos)
    }
    (first, config), *others = configs.items()
    compared = [(name, _decisive(config), _decisive(other)) for name, other in others]
    # What tickets tell of themselves, too: a file may lie beside the search of another.
    told = [(str(path), info['config']) for path, info in zip(paths, infos) if 'config' in info]
    for name, settings in told[1:]:
        shared = settings.keys() & told[0][1].keys() & set(_DECISIVE)
        ours, theirs = ({key: each[key] for key in shared} for each in (told[0][1], settings))
        compared.append((name, ours, theirs))
    for name, ours, theirs in compared:
        if changed := differences(ours, theirs):
            raise LotteryError(
                f'{first} and {name} tell different models or training data: '
                f'{"; ".join(changed[:4])}; give the one that the soup is to have by config '
                '(--config)'
            )
    return config


def _decisive(config: Config) -> dict[str, Any]:
    return {key: plain_settings(config.get(key)) for key in _DECISIVE}
