"""What a users' page tells its readers to run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from mmlth_cli.main import main


def blocks(text: str) -> list[tuple[str, str]]:
    """The language and the text of all blocks of code, in order."""
    return re.findall(r'^```(\w+)\n(.*?)^```', text, re.M | re.S)


def commands(script: str) -> Iterator[list[str]]:
    """The commands of a block in sh, each as its words."""
    for line in script.replace('\\\n', ' ').splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def run_page(page: Path, text: str) -> None:
    """Runs all blocks in sh, which call mmlth alone, and in Python, in the current folder.

    Args:
        page: The file, for messages.
        text: What is run of it.
    """
    namespace: dict = {}
    for language, block in blocks(text):
        if language == 'python':
            exec(compile(block, str(page), 'exec'), namespace)  # noqa: S102
        elif language == 'sh':
            for words in commands(block):
                assert words[0] == 'mmlth', words
                try:
                    code = main(words[1:])
                except SystemExit as ended:  # as --version ends
                    code = ended.code
                assert not code, words
