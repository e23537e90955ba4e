"""What a person sees on a terminal."""

import re

_PARTS = re.compile(r'\x1b\[\??([\d;]*)([A-Za-z])|(.)', re.DOTALL)


def screen(written: str) -> str:
    """The lines that are left of what was written to a terminal, without colours.

    Of the codes those are known that rich's displays use: up a line, erase a line, colours.

    Args:
        written: All that was written, codes included.
    """
    lines, row, column = [''], 0, 0
    for number, code, letter in _PARTS.findall(written):
        if code == 'A':
            row -= int(number or 1)
        elif code == 'K':
            lines[row] = ''
        elif letter == '\r':
            column = 0
        elif letter == '\n':
            row, column = row + 1, 0
            lines += [''] * (row + 1 - len(lines))
        elif letter:
            line = lines[row].ljust(column)
            lines[row], column = line[:column] + letter + line[column + 1 :], column + 1
        elif code != 'm':
            raise ValueError(f'unknown code {code!r}')
    return '\n'.join(line.rstrip() for line in lines)
