"""A page in a real browser, Debian's chromium."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which('chromium')
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")

# Told by the title, which is the one thing that a browser without a window prints of a page. No
# window of chromium is narrower than 500 pixels, but a frame in it is. The theme of the site lets
# what it calls content scroll by itself.
PROBE = """<script>
window.addEventListener('load', () => {
  const images = [...document.images];
  const hidden = [...document.querySelectorAll('details')];
  hidden.forEach(each => { each.open = true; });
  const told = JSON.stringify({
    images: images.map(i => [i.complete, i.naturalWidth > 0, i.alt.length > 0]),
    requests: performance.getEntriesByType('resource').map(e => e.name)
      .filter(name => !name.startsWith('data:')),
    overflow: Math.max(...[document.documentElement, ...document.querySelectorAll('.content')]
      .map(each => each.scrollWidth - each.clientWidth)),
    width: window.innerWidth,
    paper: getComputedStyle(document.body).backgroundColor,
    ink: getComputedStyle(document.body).color,
  });
  document.title = told;
  if (window.parent !== window) window.parent.postMessage(told, '*');
});
</script>"""
FRAME = """<!DOCTYPE html><title></title><script>
window.addEventListener('message', event => {{ document.title = event.data; }});
</script><iframe src="{page}" style="width: {width}px; height: 800px; border: 0"></iframe>"""


def browse(page: Path, *options: str, width: int | None = None) -> tuple[dict[str, Any], str]:
    """What the probe says of a page, and what the browser logs.

    Args:
        page: An HTML file.
        *options: Of chromium.
        width: In pixels, of a frame that the page is shown in; None: a window.
    """
    probed = page.with_name('probed.html')
    probed.write_text(page.read_text(encoding='utf-8').replace('</body>', f'{PROBE}</body>'))
    if width is not None:
        frame = page.with_name('frame.html')
        frame.write_text(FRAME.format(page=probed.name, width=width))
        probed = frame
    done = subprocess.run(  # noqa: S603
        [
            *(str(CHROMIUM), '--headless=new', '--no-sandbox', '--disable-gpu'),
            *('--enable-logging=stderr', f'--user-data-dir={page.parent}/user', '--dump-dom'),
            *('--virtual-time-budget=20000', *options, probed.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    title = re.search('<title>(.*?)</title>', done.stdout, re.DOTALL)
    if title is None or not title[1]:
        raise AssertionError(f'the page told nothing: {done.stdout[:500]} {done.stderr[:500]}')
    return json.loads(title[1].replace('&quot;', '"')), done.stderr
