"""Searches with several seeds, and what they are compared with: resumes where it stopped.

    python tools/study/study.py configs/lth/rtmdet/rtmdet_tiny_bccd_study.py --seeds 0 1 2 --jobs 2

For each seed a search, then its branches: random and permuted masks, new weights, one-shot pruning,
learning-rate rewinding, fine-tuning, and the dense model trained as long as the search; blocks of
four outputs and a budget in multiply-adds where ``--methods`` names them. Every training is a
process of its own with a log; two of them run at a time (``--jobs``), seed after seed with
``--by-seed``. Stopped by Ctrl-C, SIGTERM or ``--minutes``, the same command goes on where it was;
``kill -STOP -PID`` of its process group pauses all of it. At the end, and by ``--only-report`` at
any time, the methods are compared.

``--numbers FOLDER`` copies what a finished search or branch measured there. What that folder has
is not trained again, so that a study goes on without the work_dir it began in.
"""

import argparse
import sys
from pathlib import Path

from methods import DEFAULT, METHODS, branches, search_and_branches
from tasks import AGAIN, Task, console, run

import mmlth_cli.main

SPARSITIES = (0.5, 0.8, 0.9, 0.95, 0.98)
LEVELS = (0.8, 0.9, 0.95, 0.98)


def tasks(options: argparse.Namespace) -> list[Task]:
    """All searches, then all branches, method by method; by seed: all of a seed, then the next."""
    sparsities = ','.join(map(str, options.sparsities))
    of_method = branches(options.sparsities, options.levels, options.methods)
    by_seed = []
    for seed in options.seeds:
        folder = options.work_dir / f'seed_{seed}'
        changes = ['--cfg-options', f'randomness.seed={seed}', *options.cfg_options]
        search = [options.config, '--sparsities', sparsities, *changes]
        numbers = options.numbers and options.numbers / folder.name
        by_seed.append(search_and_branches(f'seed {seed}', folder, numbers, search, of_method))
    groups = by_seed if options.by_seed else zip(*by_seed)
    return [task for group in groups for task in group]


def main() -> int:
    """Runs the study, then compares; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='whose search and branches are run')
    parser.add_argument('--work-dir', type=Path, help='default: work_dirs/study/CONFIG')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--sparsities', type=float, nargs='+', default=list(SPARSITIES))
    parser.add_argument('--levels', type=float, nargs='+', default=list(LEVELS))
    parser.add_argument('--methods', nargs='*', choices=METHODS, default=DEFAULT)
    parser.add_argument('--jobs', type=int, default=2, help='trainings at a time, one core each')
    parser.add_argument('--by-seed', action='store_true', help='all of a seed before the next one')
    parser.add_argument('--numbers', type=Path, help='where the numbers of what is done are kept')
    parser.add_argument('--minutes', type=float, help='stop after so long; go on another time')
    parser.add_argument('--only-report', action='store_true', help='compare what is there')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    options = parser.parse_args()
    options.work_dir = options.work_dir or Path('work_dirs/study', Path(options.config).stem)
    try:
        all_tasks = tasks(options)
    except ValueError as error:
        parser.error(str(error))
    complete = True
    if not options.only_report:
        complete = run(all_tasks, options.jobs, options.minutes)
    done = sum(task.done for task in all_tasks)
    console.print(f'{done} of {len(all_tasks)} searches and branches are done')
    with_results = [
        str(task.work_dir)
        for task in all_tasks
        if not task.after and (task.work_dir / 'search.json').exists()
    ]
    if with_results:
        report = ['report', *with_results, '--out', str(options.work_dir / 'report')]
        mmlth_cli.main.main(report)
    return 0 if complete else AGAIN


if __name__ == '__main__':
    sys.exit(main())
