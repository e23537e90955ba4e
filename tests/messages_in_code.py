"""The texts that stand in the code, with … for what is filled in while it runs."""

import ast
from collections.abc import Iterator

from repository import ROOT

PACKAGES = ('mmlth', 'mmlth_cli', 'mmlth_common')


def texts() -> set[str]:
    """All texts in the code but its docstrings."""
    found: set[str] = set()
    for _, tree in _modules():
        skipped = set(_docstrings(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                skipped.update(map(id, node.values))
            if id(node) not in skipped and (text := _text(node)):
                found.add(text)
    return found


def modules_with_errors() -> set[str]:
    """The dotted names of all modules that raise an error with a message of their own."""
    return {name for name, tree in _modules() if any(map(_raises, ast.walk(tree)))}


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob('*.py')):
            name = '.'.join(path.relative_to(ROOT).with_suffix('').parts)
            yield name.removesuffix('.__init__'), ast.parse(path.read_text(encoding='utf-8'))


def _docstrings(tree: ast.Module) -> Iterator[int]:
    """Strings that are a statement by themselves."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return ''.join(_text(part) or '…' for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else (left or '…') + (right or '…')
    return None


def _raises(node: ast.AST) -> bool:
    call = node.exc if isinstance(node, ast.Raise) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func).endswith('Error')
