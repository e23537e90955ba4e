"""Trains what one model gives another: its ticket, its mask or its weights, and keeps the numbers.

    python tools/study/train_ticket.py work_dirs/crops/tickets/round_02.safetensors TARGET_CONFIG \
        --work-dir work_dirs/transferred --values initial

The work_dir gets the transferred ticket, its training as by ``mmlth train --ticket``, and at the
end ``training.json``. Such a training takes minutes; one that was stopped begins anew.
"""

import argparse
import json
import shutil
from pathlib import Path

from mmengine.config import DictAction
from numbers_kept import TRAINING

import mmlth
from mmlth.ticket import write_bytes

TICKET = 'transferred.safetensors'
NOT_METRICS = ('step', 'time', 'data_time')
"""What MMEngine logs beside the metrics of a validation."""


def train(
    source: Path,
    config: str,
    work_dir: Path,
    values: str = 'trained',
    sparsity: float | None = None,
    changes: dict[str, object] | None = None,
    any_input: bool = False,
) -> None:
    """Transfers and trains; writes the ticket and ``training.json`` to ``work_dir``.

    Args:
        source: A ticket.
        config: Of the target.
        work_dir: Where to.
        values: Whose weights, as for `mmlth.transfer`.
        sparsity: Of a mask in one shot over the source's backbone, in place of the source's mask.
        changes: Of the target's config, by dotted key.
        any_input: Whether the source may have been trained on other images.
    """
    done = mmlth.transfer(
        source,
        config,
        values=values,
        sparsity=sparsity,
        any_input=any_input,
        cfg_options=changes,
    )
    ticket, folder = work_dir / TICKET, work_dir / 'training'
    shutil.rmtree(folder, ignore_errors=True)
    mmlth.save_ticket(done.ticket, ticket)
    mmlth.search(config, work_dir=folder, cfg_options=changes, ticket=str(ticket))
    mask = done.ticket.mask
    numbers = {
        'source': source.name,
        'values': values,
        'sparsity': mask.sparsity,
        'network_sparsity': mask.network_sparsity(done.weights(done.parameters)),
        'metrics': last_metrics(folder),
    }
    write_bytes(work_dir / TRAINING, f'{json.dumps(numbers, indent=1)}\n'.encode())


def last_metrics(work_dir: Path) -> dict[str, float]:
    """What the last validation of a training measured, from the scalars that MMEngine logs.

    Raises:
        ValueError: If nothing was validated.
    """
    metrics: dict[str, float] = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text(encoding='utf-8').splitlines():
            row = json.loads(line)
            if 'lr' not in row:  # of a validation
                metrics = {key: value for key, value in row.items() if key not in NOT_METRICS}
    if not metrics:
        raise ValueError(f'no validation is logged below {work_dir}')
    return metrics


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('source', type=Path, help='a ticket')
    parser.add_argument('config', help='of the target')
    parser.add_argument('--work-dir', type=Path, required=True)
    parser.add_argument('--values', choices=('trained', 'initial', 'target'), default='trained')
    parser.add_argument('--sparsity', type=float, help='of a mask in one shot, instead of its own')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE')
    parser.add_argument('--any-input', action='store_true', help='of whatever images')
    options = vars(parser.parse_args())
    train(changes=options.pop('cfg_options'), **options)


if __name__ == '__main__':
    main()
