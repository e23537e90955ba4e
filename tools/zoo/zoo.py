#!/usr/bin/env python
"""Checks the laws of masks on a model of every family of the zoos of OpenMMLab."""

import argparse
import contextlib
import json
import re
import sys
import warnings
from collections.abc import Sequence
from importlib import metadata
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import mmdet.models  # noqa: F401, once rather than in every child
import mmpose.models  # noqa: F401
import torch
from laws import LawError, check_model
from page import page
from representatives import REPRESENTATIVES, SAMPLE
from rich.progress import track

from mmlth.ticket import write_bytes

with contextlib.suppress(ImportError):  # it is no part of every stack
    import mmseg.models  # noqa: F401

WORKS = 'works'
FORK = get_context('fork')
REASONS = {
    r'(\w+?)_forward_impl: implementation for device cpu not found': r'mmcv has no \1 for the CPU',
    'install fairscale': 'needs the packages fairscale and transformers and downloads BERT',
    'install transformers': 'needs the package transformers and downloads BERT',
    'requires timm': 'needs the package timm',
    'install Detectron2': 'needs the package detectron2',
    'eps must be positive': 'its batch norms have an eps of 0, which torch refuses',
    'mmpose/configs/.* not found': 'its config inherits from a folder that mmpose does not ship',
    "argument 'extra_mapping_labels'": 'its config gives PackPoseInputs an argument it lacks',
    'no training pipeline': 'its config has an empty training pipeline',
}
"""What is behind the errors of some models, by a pattern of their text."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line ``argv`` (default: the process's); returns the exit code."""
    options = parse_options(argv)
    torch.set_num_threads(1)  # children that are forked cannot use the parent's threads
    chosen = [
        representative
        for representative in (SAMPLE if options.sample else REPRESENTATIVES)
        if options.match in representative.name and shipped(representative.name)
    ]
    results = read(options.results)
    for representative in track(chosen, 'Models', auto_refresh=False):
        done = results.get(representative.name)
        if done is None or (options.again and done['verdict'] != WORKS):
            results[representative.name] = in_own_process(representative.name, options.timeout)
            write_bytes(options.results, json.dumps(results, indent=1).encode())
    ours = {r.name: results[r.name] for r in chosen if r.name in results}
    for name, result in ours.items():
        if result['verdict'] != WORKS:
            print(f'{name}: {result["verdict"]}')
    print(f'{sum(r["verdict"] == WORKS for r in ours.values())} of {len(ours)} models work')
    if options.page:
        everything = [
            (r, results[r.name]) for r in REPRESENTATIVES if r.name in results and shipped(r.name)
        ]
        write_bytes(options.page, page(everything, versions()).encode())
    return 0


def shipped(name: str) -> bool:
    """Whether the installed stack has this config; the forks have more than the others."""
    package, _, path = name.partition('::')
    if package not in sys.modules:
        return False
    folder = Path(sys.modules[package].__file__ or '').parent
    return (folder / '.mim' / 'configs' / path).exists()


def check(name: str) -> dict[str, Any]:
    """The verdict on one model, as JSON values."""
    warnings.simplefilter('ignore')
    try:
        verdict = check_model(name)
    except LawError as error:
        return {'verdict': f'a law breaks: {error}'}
    except Exception as error:  # whatever a model raises is the reason
        return {'verdict': reason(error)}
    return {'verdict': WORKS, **vars(verdict)}


def reason(error: BaseException) -> str:
    """An error in one line: what lies behind it where that is known, else its own words."""
    text = ' '.join(str(error).split())
    for pattern, known in REASONS.items():
        if match := re.search(pattern, text):
            return match.expand(known)
    text = re.sub(r'\S*/site-packages/', '', text)[:200]  # whose folders say nothing to others
    kind = type(error).__name__
    return text if kind == 'LotteryError' else f'{kind}: {text}'


def in_own_process(name: str, timeout: int) -> dict[str, Any]:
    """Checks a model where a crash, or memory it does not give back, harms no other."""
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=lambda: sender.send(check(name)))
    process.start()
    sender.close()
    try:
        if receiver.poll(timeout):
            return receiver.recv()
        return {'verdict': f'takes more than {timeout} s'}
    except EOFError:
        process.join()
        return {'verdict': f'the process ended with {process.exitcode}'}
    finally:
        process.kill()
        process.join()


def read(path: Path) -> dict[str, Any]:
    """Results of an earlier run."""
    return json.loads(path.read_text()) if path.exists() else {}


def versions() -> dict[str, str]:
    """Versions of the stack, by the name of the distribution."""
    names = (
        *('torch', 'mmengine', 'mmcv', 'mmdet', 'mmpose', 'mmsegmentation'),
        *('onedl-mmengine', 'onedl-mmdetection', 'onedl-mmsegmentation'),
    )
    versions = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def parse_options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        description='Masks, trains, prunes and copies one model of each family of the zoos on '
        'random data, and writes what works into a page. A second run goes on where one stopped.'
    )
    parser.add_argument('--match', default='', metavar='TEXT', help='only names that contain it')
    parser.add_argument('--sample', action='store_true', help='only the sample of the tests')
    parser.add_argument('--again', action='store_true', help='repeat those that did not work')
    parser.add_argument('--timeout', type=int, default=300, metavar='SECONDS', help='a model (300)')
    parser.add_argument('--results', type=Path, default='work_dirs/zoo.json', metavar='FILE')
    parser.add_argument('--page', type=Path, metavar='FILE', help='write the page of verdicts')
    return parser.parse_args(argv)


if __name__ == '__main__':
    sys.exit(main())
