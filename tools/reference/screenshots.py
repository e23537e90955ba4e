#!/usr/bin/env python
"""Takes the pictures of a report for the users' pages, by Debian's chromium.

    python tools/reference/screenshots.py work_dirs/shapes/report/report.html

The report is that of docs/en/get_started.md. Each picture shows one section of it, as on a screen
of 1,000 pixels, in few colours so that the file is small.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from mmlth.ticket import write_bytes

IMAGES = Path(__file__).resolve().parents[2] / 'docs/images'
WIDTH, COLORS = 1000, 128
SHOTS = {
    'report_answer': ('answer', 900),
    'report_layers': ('layers', 1300),
}
"""What is taken: the name of the file, the anchor of the section, the height in pixels."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n')[0])
    parser.add_argument('report', type=Path, help='report.html of a search')
    parser.add_argument('--out', type=Path, default=IMAGES, help='default: docs/images')
    options = parser.parse_args(argv)
    chromium = shutil.which('chromium')
    if chromium is None:
        print('screenshots: there is no chromium; run tools/setup/chromium.sh', file=sys.stderr)
        return 1
    text = options.report.read_text(encoding='utf-8')
    for name, (anchor, height) in SHOTS.items():
        if f'<section id="{anchor}"' not in text:
            print(f'screenshots: {options.report} has no section {anchor!r}', file=sys.stderr)
            return 1
        path = options.out / f'{name}.png'
        write_bytes(path, in_few_colors(screenshot(chromium, alone(text, anchor), height)))
        print(f'{path}: {path.stat().st_size:,} bytes')
    return 0


def alone(page: str, anchor: str) -> str:
    """The page with one of its sections, below title and contents where it is the first.

    Args:
        page: The HTML of a report.
        anchor: The section's id.
    """
    style = f'main > section:not(#{anchor}) {{ display: none }}'
    if not page.partition('<section ')[2].startswith(f'id="{anchor}"'):
        style += ' header { display: none } main h2 { margin: 0; padding: 0; border: 0 }'
    return page.replace('</head>', f'<style>{style}</style></head>')


def screenshot(chromium: str, page: str, height: int) -> bytes:
    """The top of a page as PNG.

    Args:
        chromium: The browser.
        page: HTML that needs no other file.
        height: In pixels.
    """
    with tempfile.TemporaryDirectory() as folder:
        shown, taken = Path(folder, 'page.html'), Path(folder, 'page.png')
        shown.write_text(page, encoding='utf-8')
        subprocess.run(  # noqa: S603
            [
                *(chromium, '--headless=new', '--no-sandbox', '--disable-gpu'),
                *(f'--user-data-dir={folder}/user', f'--screenshot={taken}', '--hide-scrollbars'),
                *(f'--window-size={WIDTH},{height}', '--blink-settings=preferredColorScheme=1'),
                shown.as_uri(),
            ],
            capture_output=True,
            timeout=120,
            check=True,
        )
        return taken.read_bytes()


def in_few_colors(png: bytes) -> bytes:
    """The same picture with a palette."""
    picture = Image.open(io.BytesIO(png)).convert('RGB')
    small = io.BytesIO()
    picture.quantize(COLORS, dither=Image.Dither.NONE).save(small, 'PNG', optimize=True)
    return small.getvalue()


if __name__ == '__main__':
    sys.exit(main())
