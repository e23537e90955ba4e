"""Tickets of pre-training and of other tasks against direct pruning, with several seeds.

    python tools/study/transfers.py --seeds 0 1 2 --jobs 2 --numbers docs/studies/transfers

For each seed a ResNet-18 is pre-trained on crops of objects, with labels and without (MoCo v2), and
tickets of it are searched as both papers do. Then three tasks start from the pre-trained weights:
boxes of blood cells, masks of nuclei, keypoints of a mouse. Each is pruned directly, as a whole and
in its backbone alone, and trained with what is transferred to it, at equal sparsities of the whole
network. ``--methods`` adds branches of the direct search, as `study.py` has them. Stopped by
Ctrl-C, SIGTERM or ``--minutes``, the same command goes on where it was.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from methods import METHODS, branches, search_and_branches
from tasks import AGAIN, Task, console, run

LEVELS = (0.53, 0.85, 0.95)
"""Sparsities of the backbone at which tickets of pre-training are transferred."""
TICKETS = [str(number) for number, _ in enumerate(LEVELS, 1)]
"""The rounds of these."""
TRAIN = str(Path(__file__).with_name('train_ticket.py'))
PRETRAINED = 'model.backbone.init_cfg.checkpoint'
"""Where a target's config names the weights that it starts from."""
SUPERVISED = 'configs/lth/resnet/resnet18_crops_study.py'
MOCO = 'configs/lth/mocov2/mocov2_resnet18_crops_study.py'
SEARCHES = {
    'supervised': (SUPERVISED, ()),
    'supervised_end': (SUPERVISED, ('--rewind', '839it', '--after-rewind', 'full')),
    'moco_end': (MOCO, ('--rewind', '1299it', '--after-rewind', 'full')),
}
"""Searches of pre-training: rounds start from early weights, as S1's; or from those that dense
pre-training has before its last step, as S2's: 60 epochs of 14 steps, 100 of 13."""


@dataclass(frozen=True)
class Target:
    """A task.

    Args:
        config: Its config.
        prunable: Number of its prunable weights, of which the backbone has `BACKBONE`.
        from_tasks: Those whose tickets it is trained with.
    """

    config: str
    prunable: int
    from_tasks: tuple[str, ...] = ()

    @property
    def sparsities(self) -> list[float]:
        """Of all prunable weights, when as many are pruned as in a backbone at `LEVELS`."""
        return [round(level * BACKBONE / self.prunable, 4) for level in LEVELS]


BACKBONE = 2_794_080
"""Number of weights of the ResNet-18's convolutions, at half the width."""
TARGETS = {
    'boxes': Target(
        'configs/lth/faster_rcnn/faster_rcnn_r18_bccd_study.py', 2_959_968, ('masks', 'keypoints')
    ),
    'masks': Target('configs/lth/mask_rcnn/mask_rcnn_r18_nuclei_study.py', 2_982_496, ('boxes',)),
    'keypoints': Target(
        'configs/lth/topdown_heatmap/topdown_heatmap_r18_mouse_study.py', 2_957_920
    ),
}
BEYOND = (0.95, 0.98)
"""Sparsities that only direct pruning reaches, for the heads stay dense in a transfer."""


@dataclass(frozen=True)
class Line:
    """What a target is given.

    Args:
        source: The search whose tickets: one of `SEARCHES`, or a target's in its backbone.
        values: Whose weights: ``'trained'``, ``'initial'`` or ``'target'``.
        one_shot: Whether the mask is drawn from the dense weights of the source instead.
        dense: Whether the dense weights are given, without a mask.
    """

    source: str
    values: str = 'trained'
    one_shot: bool = False
    dense: bool = False


LINES = {
    'ticket': Line('supervised'),
    'ticket_initial': Line('supervised_end', 'initial'),
    'mask': Line('supervised', 'target', one_shot=True),
    'moco_dense': Line('moco_end', dense=True),
    'moco_initial': Line('moco_end', 'initial'),
}


def tasks(options: argparse.Namespace) -> list[Task]:
    """All of a seed, then the next: pre-training, then target after target."""
    return [task for seed in options.seeds for task in _of_seed(options, seed)]


def _of_seed(options: argparse.Namespace, seed: int) -> Iterator[Task]:
    def folders(name: str) -> tuple[Path, Path | None]:
        """The work_dir of a search, and where its numbers are kept."""
        place = Path(name, f'seed_{seed}')
        return options.work_dir / place, options.numbers and options.numbers / place

    changes = ['--cfg-options', f'randomness.seed={seed}']
    for name in options.sources:
        config, given = SEARCHES[name]
        search = [config, '--sparsities', _listed(LEVELS), *given, *changes]
        chance = {'random': ['random', '--tickets', *TICKETS]} if name == 'supervised' else {}
        yield from search_and_branches(f'seed {seed}: {name}', *folders(name), search, chance)

    pretrained, _ = folders('supervised')
    changes.append(f'{PRETRAINED}={_ticket(pretrained, 0)}')
    for name in options.targets:
        target, title = TARGETS[name], f'seed {seed}: {name}'
        sparsities = [*target.sparsities, *BEYOND]
        search = [target.config, '--sparsities', _listed(sparsities), *changes]
        chosen = [method for method in options.methods if method != 'random']
        controls = branches(sparsities, sparsities[1:4], chosen)
        if 'random' in options.methods:
            controls |= branches(sparsities, sparsities[:4], ['random'])
        yield from search_and_branches(title, *folders(name), search, controls, [pretrained])
        search = [target.config, '--sparsities', _listed(LEVELS), *changes]
        search.append("lottery.targets.include=['backbone']")
        alone = f'{name}_backbone'
        chance = {'backbone_random': ['random', '--tickets', *TICKETS]}
        yield from search_and_branches(
            f'seed {seed}: {alone}', *folders(alone), search, chance, [pretrained]
        )
        tasks = [task for task in target.from_tasks if task in options.targets]
        lines = {key: line for key, line in LINES.items() if line.source in options.sources}
        # Whole tickets of other tasks have pruned heads, too, which no task can take from another.
        lines |= {f'from_{task}': Line(f'{task}_backbone') for task in tasks}
        for line_name, line in lines.items():
            source, _ = folders(line.source)
            work_dir, numbers = folders(f'{name}_{line_name}')
            for number, level in [(0, 0.0)] if line.dense else list(enumerate(LEVELS, 1)):
                command = [TRAIN, str(_ticket(source, 0 if line.one_shot else number))]
                command += [target.config, '--values', line.values]
                command += ['--sparsity', str(level)] if line.one_shot else []
                place = f'round_{number:02}'
                command += ['--work-dir', str(work_dir / place), *changes]
                yield Task(
                    f'{title}: {line_name}, {level:.1%} of the backbone',
                    work_dir / place,
                    tuple(command),
                    tuple(dict.fromkeys((source, pretrained))),
                    numbers and numbers / place,
                )


def _ticket(search: Path, number: int) -> Path:
    return search / f'tickets/round_{number:02}.safetensors'


def _listed(sparsities: Sequence[float]) -> str:
    return ','.join(map(str, sparsities))


def main() -> int:
    """Runs the study; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/study/transfers'))
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2])
    parser.add_argument('--sources', nargs='+', choices=SEARCHES, default=list(SEARCHES))
    parser.add_argument('--targets', nargs='*', choices=TARGETS, default=list(TARGETS))
    parser.add_argument('--methods', nargs='*', choices=METHODS, default=['random'])
    parser.add_argument('--jobs', type=int, default=2, help='trainings at a time, one core each')
    parser.add_argument('--numbers', type=Path, help='where the numbers of what is done are kept')
    parser.add_argument('--minutes', type=float, help='stop after so long; go on another time')
    options = parser.parse_args()
    all_tasks = tasks(options)
    complete = run(all_tasks, options.jobs, options.minutes)
    done = sum(task.done for task in all_tasks)
    console.print(f'{done} of {len(all_tasks)} searches, branches and trainings are done')
    return 0 if complete else AGAIN


if __name__ == '__main__':
    sys.exit(main())
