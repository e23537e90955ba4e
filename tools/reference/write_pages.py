#!/usr/bin/env python
"""Writes the reference pages that repeat what the code declares; a test compares them.

They are kept in the repository, not made with the site: so they read without a site, a change of
what users call shows in a review, and the site is built where there is no torch.
"""

from pathlib import Path

import api_page
import command_page
import lottery_page
import registries_page
import search_file_page

FOLDER = Path(__file__).parents[2] / 'docs/en/reference'
PAGES = {
    module.NAME: module.page
    for module in (lottery_page, command_page, registries_page, api_page, search_file_page)
}
"""The functions that make a page, by the name of its file."""

if __name__ == '__main__':
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
