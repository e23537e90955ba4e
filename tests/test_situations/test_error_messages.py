"""All one-line errors and warnings of mmlth, listed from its code, and what must hold of each."""

import argparse
import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

import mmlth
from mmlth.engine.settings import Settings
from mmlth_cli.main import COMMANDS

ROOT = Path(mmlth.__file__).parents[1]
PACKAGES = ('mmlth', 'mmlth_cli', 'mmlth_common')
TOLD_BY = {'warning', 'ArgumentError', 'ArgumentTypeError'}
OWN = {'LotteryError', 'TargetError', 'OSError', 'FileNotFoundError', 'URLError'}
"""What tells its cause by itself; `OWN_ENDS` too."""
OWN_ENDS = ('TicketError', 'MismatchError', 'CheckpointError')
UNSAFE = re.compile('weights_only|safe_globals|add_safe|torch[.]load|unpickl', re.IGNORECASE)
OPTION = re.compile(r'(?<![\w-])--[a-z][a-z-]+')


@dataclass(frozen=True)
class Message:
    """A text that users may get to see, ``{…}`` where code fills something in."""

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f'{self.path.relative_to(ROOT)}:{self.line}: {self.text:.60}'


class Module:
    """The messages of a file: what is raised or warned of, with the texts that names stand for."""

    def __init__(self, path: Path) -> None:
        self.path, self.tree = path, ast.parse(path.read_text())
        self.texts: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    self.texts.setdefault(ast.unparse(target), []).append(node.value)
            elif isinstance(node, ast.FunctionDef):
                result = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value]
                self.texts.setdefault(node.name, []).extend(result)

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    def messages(self) -> Iterator[Message]:
        for node in ast.walk(self.tree):
            call = node.exc if isinstance(node, ast.Raise) else node
            if not isinstance(call, ast.Call):
                continue
            name = ast.unparse(call.func).split('.')[-1]
            if isinstance(node, ast.Raise) or name in TOLD_BY:
                for argument in call.args:
                    for text in self.read(argument):
                        if len(text.split()) > 1:
                            yield Message(self.path, node.lineno, text)

    def read(self, node: ast.expr, depth: int = 0) -> list[str]:
        """The texts that an expression may be, those behind names of this file included."""
        if isinstance(node, ast.Constant):
            return [node.value if isinstance(node.value, str) else '{}']
        if isinstance(node, ast.IfExp):
            return self.read(node.body, depth) + self.read(node.orelse, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            parts = [self.read(node.left, depth), self.read(node.right, depth)]
            return [left + right for left in parts[0] for right in parts[1]]
        if isinstance(node, ast.JoinedStr):
            texts = ['']
            for value in node.values:
                inner = value.value if isinstance(value, ast.FormattedValue) else value
                few = self.read(inner, depth)[:4]
                texts = [text + one for text in texts for one in few]
            return texts
        called = isinstance(node, ast.Call)
        name = ast.unparse(node.func).split('.')[-1] if called else ast.unparse(node)
        if name in self.texts and depth < 3:
            return [t for value in self.texts[name] for t in self.read(value, depth + 1)] or ['{}']
        return [f'{{{ast.unparse(node)}}}']


MODULES = [Module(path) for package in PACKAGES for path in sorted((ROOT / package).rglob('*.py'))]
MESSAGES = sorted({m for module in MODULES for m in module.messages()}, key=str)


def options_of(command: str) -> set[str]:
    parser = argparse.ArgumentParser()
    COMMANDS[command].add_arguments(parser)
    return set(parser._option_string_actions)


OPTIONS = {command: options_of(command) for command in COMMANDS}
"""By command."""


def test_there_are_all_that_one_knows():
    texts = [message.text for message in MESSAGES]
    assert len(texts) > 350
    for known in (
        'does not exist (seen from {Path.cwd()})',
        'trains nothing; give 1 or more',
        'is no checkpoint: neither',
        'and drop_last=True leaves out a batch',
        'is for tickets of a search, not for',
        'the search is finished at sparsity',
    ):
        assert any(known in text for text in texts), known


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_messages_are_one_line_of_safe_advice(module):
    for message in module.messages():
        last = message.text.split()[-1]
        assert '\n' not in message.text, message
        assert not last.endswith('.') or '=' in last, message
        assert not UNSAFE.search(message.text), message


@pytest.mark.parametrize('module', MODULES, ids=str)
def test_options_that_they_name_are_there_for_whoever_reads_them(module):
    """A command's own messages name its options; others are read in Python, too."""
    for message in module.messages():
        if OPTION.search(message.text):
            check_options(message)


def check_options(message):
    names = OPTION.findall(message.text)
    command = message.path.stem
    if message.path.parent == ROOT / 'mmlth/commands' and command in COMMANDS:
        assert set(names) <= OPTIONS[command], message
        return
    assert set(names) <= set.union(*OPTIONS.values()), message
    for name in names:
        in_python = f'{name}[^(;,]*\\([a-z_]+|[a-z_]\\w*[^(;]*\\([^)]*{name}'
        assert re.search(in_python, message.text), message


@pytest.mark.parametrize('package', ['mmdet', 'mmpose'])
def test_options_of_training_are_those_of_the_stock_scripts(package):
    folder = Path(importlib.util.find_spec(package).origin).parent
    script = (folder / '.mim/tools/train.py').read_text()
    for name in ('--resume', '--work-dir', '--cfg-options', '--launcher'):
        assert f"'{name}'" in script
        assert name in OPTIONS['train']


def test_keys_that_they_name_exist():
    keys = {field.name for field in fields(Settings)}
    named = [(m, key) for m in MESSAGES for key in re.findall(r'lottery\.([a-z_]+)', m.text)]
    assert len(named) > 50
    assert not [(str(message), key) for message, key in named if key not in keys]


def caught(handler: ast.ExceptHandler) -> list[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return [ast.unparse(kind).split('.')[-1] for kind in kinds if kind is not None]


@pytest.mark.parametrize(
    'module',
    [m for m in MODULES if m.path.parent.name != 'data'],  # whose errors are all its own
    ids=str,
)
def test_errors_of_others_are_passed_on_by_reason_alone(module):
    """Their text may be empty, or several lines."""
    for handler in ast.walk(module.tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        if all(kind in OWN or kind.endswith(OWN_ENDS) for kind in caught(handler)):
            continue
        raised = [n.exc for n in ast.walk(handler) if isinstance(n, ast.Raise) and n.exc]
        texts = [n for n in ast.walk(handler) if isinstance(n, ast.FormattedValue)]
        for node in (n for text in (*raised, *texts) for n in ast.walk(text)):
            called = isinstance(node, ast.Call) and ast.unparse(node.func) in ('str', 'repr')
            if called or isinstance(node, ast.FormattedValue):
                shown = node.args[0] if called else node.value
                assert ast.unparse(shown) != handler.name, handler.lineno
