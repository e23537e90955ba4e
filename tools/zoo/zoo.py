#!/usr/bin/env python
"""Checks the laws of masks on a model of every family of MMDetection's and MMPose's zoos."""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from page import page
from representatives import REPRESENTATIVES, SAMPLE, Representative
from rich.progress import track

from mmlth.ticket import write_bytes

WORKS = 'works'


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    options = parse_options(argv)
    if options.one:
        print('\n' + json.dumps(check(options.one)))
        return 0
    chosen = [r for r in (SAMPLE if options.sample else REPRESENTATIVES) if options.match in r.name]
    results = read(options.results)
    for representative in track(chosen, 'Models', refresh_per_second=1):
        done = results.get(representative.name)
        if done is None or (options.again and done['verdict'] != WORKS):
            results[representative.name] = in_own_process(representative, options.timeout)
            write_bytes(options.results, json.dumps(results, indent=1).encode())
    ours = {r.name: results[r.name] for r in chosen if r.name in results}
    for name, result in ours.items():
        if result['verdict'] != WORKS:
            print(f'{name}: {result["verdict"]}')
    print(f'{sum(r["verdict"] == WORKS for r in ours.values())} of {len(ours)} models work')
    if options.page:
        everything = [(r, results[r.name]) for r in REPRESENTATIVES if r.name in results]
        write_bytes(options.page, page(everything, versions()).encode())
    return 0


def check(name: str) -> dict[str, Any]:
    """The verdict on one model, as JSON values."""
    from laws import LawError, check_model

    try:
        verdict = check_model(name)
    except LawError as error:
        return {'verdict': f'a law breaks: {error}'}
    except Exception as error:  # whatever a model raises is the reason
        return {'verdict': reason(error)}
    return {'verdict': WORKS, **vars(verdict)}


def reason(error: BaseException) -> str:
    """An error in one line."""
    text = ' '.join(str(error).split())[:200]
    kind = type(error).__name__
    return text if kind == 'LotteryError' else f'{kind}: {text}'


def in_own_process(representative: Representative, timeout: int) -> dict[str, Any]:
    """Checks a model where a crash, or memory it does not give back, harms no other."""
    command = [sys.executable, '-W', 'ignore', __file__, '--one', representative.name]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return {'verdict': f'takes more than {timeout} s'}
    if done.returncode:
        return {'verdict': f'the process ended with {done.returncode}: {done.stderr[-200:]}'}
    return json.loads(done.stdout.strip().splitlines()[-1])


def read(path: Path) -> dict[str, Any]:
    """Results of an earlier run."""
    return json.loads(path.read_text()) if path.exists() else {}


def versions() -> dict[str, str]:
    """Versions of the stack, by the name of the distribution."""
    names = ('torch', 'mmengine', 'mmcv', 'mmdet', 'mmpose', 'onedl-mmengine', 'onedl-mmdetection')
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description='Masks, trains, prunes and copies one model of each family of both zoos on '
        'random data, and writes what works into a page. A second run goes on where one stopped.'
    )
    parser.add_argument('--match', default='', metavar='TEXT', help='only names that contain it')
    parser.add_argument('--sample', action='store_true', help='only the sample of the tests')
    parser.add_argument('--again', action='store_true', help='repeat those that did not work')
    parser.add_argument('--timeout', type=int, default=300, metavar='SECONDS', help='a model (300)')
    parser.add_argument('--results', type=Path, default='work_dirs/zoo.json', metavar='FILE')
    parser.add_argument('--page', type=Path, metavar='FILE', help='write the page, docs/zoo.md')
    parser.add_argument('--one', metavar='NAME', help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == '__main__':
    sys.exit(main())
