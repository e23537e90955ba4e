"""``KEY=VALUE`` on the command line, read as MMEngine reads it once MMEngine is loaded anyway."""

import argparse
from collections.abc import Sequence
from typing import Any


class KeyValues(argparse.Action):
    """Keeps ``KEY=VALUE`` as it is typed; `read_key_values` turns it into a dict."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Adds what follows the option to what followed it before."""
        before: list[Typed] = getattr(namespace, self.dest) or []
        texts = [str(value) for value in values or ()]
        setattr(namespace, self.dest, [*before, Typed(str(option_string), texts)])


class Typed:
    """What was typed after an option.

    Args:
        option: The option.
        texts: What followed it.
    """

    def __init__(self, option: str, texts: list[str]) -> None:
        self.option, self.texts = option, texts


def read_key_values(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Replaces what was typed as ``KEY=VALUE`` by dicts, in place.

    What cannot be read ends the process with the parser's own error.

    Args:
        parser: The parser of the command.
        options: What it has parsed.
    """
    for name, value in vars(options).items():
        if isinstance(value, list) and value and isinstance(value[0], Typed):
            setattr(options, name, _settings(parser, value))


def _settings(parser: argparse.ArgumentParser, given: list[Typed]) -> dict[str, Any]:
    from mmengine.config import DictAction

    settings = argparse.Namespace(all={})
    for typed in given:
        try:
            DictAction([typed.option], 'all')(parser, settings, typed.texts, typed.option)
        except (ValueError, AssertionError):
            parser.error(
                f'argument {typed.option}: expected KEY=VALUE, with brackets in pairs, got '
                f'{" ".join(typed.texts)!r}'
            )
    return dict(settings.all)
