"""Searches on a segmenter of MMSegmentation, with real Runners."""

import copy
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from kit import csv_rows, record, search_by, tickets_of
from mmengine.runner import Runner
from segments import segments_config, segments_file

import mmlth
import mmlth_cli.main
from mmlth import LotteryError
from mmlth.analysis.cost import model_macs
from mmlth.engine import build_model, read_config
from mmlth.engine.configs import check_data
from mmlth.engine.evaluation.validation_loss import ValidationLoss
from mmlth.engine.tickets import config_of
from mmlth.report.searches import main_metrics
from mmlth.ticket import load_rewind_weights

pytest.importorskip('mmseg', reason='mmsegmentation is not installed')
from mmseg.apis import inference_model, init_model


@pytest.fixture(scope='module')
def searched(segments, tmp_path_factory):
    """The config and the record of a search, its loss on the validation data included."""
    folder = tmp_path_factory.mktemp('searched')
    config = segments_config(segments, folder, lottery={'validation_loss': True})
    return config, search_by(config)


def test_rounds_start_from_the_masked_weights_of_the_rewind_step(searched):
    work_dir = Path(searched[0].work_dir)
    rewind = load_rewind_weights(work_dir / 'rewind.safetensors')
    tickets = tickets_of(work_dir)
    assert len(tickets) == 3
    for before, after in itertools.pairwise(tickets):
        assert not any((after.mask[name] & ~before.mask[name]).any() for name in after.mask)
    assert tickets[-1].mask.sparsity == pytest.approx(0.75, abs=1e-4)
    for name, kept in tickets[-1].mask.items():
        assert name in rewind
        assert not tickets[-1].weights[name][~kept].any()


def test_auxiliary_heads_are_pruned_and_final_predictors_are_not(searched):
    names = {target['name'] for target in searched[1]['targets']}
    assert {'decode_head.convs.0.conv.weight', 'auxiliary_head.convs.0.conv.weight'} <= names
    assert not [name for name in names if 'conv_seg' in name]


def test_the_report_judges_by_the_mean_overlap(searched):
    work_dir = Path(searched[0].work_dir)
    rows = csv_rows(work_dir / 'report/results.csv')
    assert {'aAcc', 'mIoU', 'mAcc'} <= rows[0].keys()
    for entry in searched[1]['rounds']:
        assert 0 < entry['metrics']['mIoU'] < 100
    assert main_metrics(searched[1]['rounds']) == ['mIoU']


def test_the_loss_is_computed_on_labels_that_are_resized_with_the_images(searched):
    config = searched[0]
    scalars = Path(config.work_dir).glob('round_02/*/vis_data/scalars.json')
    assert '"val/loss"' in next(scalars).read_text()

    model = build_model(config)
    model.load_state_dict(tickets_of(Path(config.work_dir))[-1].state_dict())
    result = ValidationLoss(config)(model)
    assert {'loss', 'decode.loss_ce', 'aux.loss_ce'} <= result.keys()
    loader = copy.deepcopy(config.val_dataloader)
    resize, annotations = loader.dataset.pipeline[1:3]
    loader.dataset.pipeline[1:3] = [annotations, resize]
    model.eval()
    losses = []
    with torch.no_grad():
        for batch in Runner.build_dataloader(loader):
            of_batch = model(**model.data_preprocessor(batch, False), mode='loss')
            losses.append(float(model.parse_losses(of_batch)[0]))
    assert result['loss'] == pytest.approx(sum(losses) / len(losses), rel=1e-5)


def test_a_ticket_needs_no_config_to_be_counted(searched):
    ticket = tickets_of(Path(searched[0].work_dir))[-1]
    assert 'mmseg' in ticket.info['versions']
    counted = model_macs(ticket, 64, 64)
    assert counted.model == 'EncoderDecoder'
    assert counted.left_out is None
    # The last convolution, 1 × 1 on maps of stride 32; the auxiliary head is of training alone.
    assert counted.macs.weights['decode_head.conv_seg.weight'] == 4 * 8 * 2 * 2
    assert 'auxiliary_head.convs.0.conv.weight' in counted.macs.unused
    # Configs of the newer style name classes by where they are.
    info = copy.deepcopy(ticket.info)
    info['config']['model']['type'] = 'mmseg.models.segmentors.encoder_decoder.EncoderDecoder'
    assert type(build_model(config_of(info))).__name__ == 'EncoderDecoder'


def test_a_ticket_goes_where_a_checkpoint_goes(searched, segments):
    config = searched[0]
    work_dir = Path(config.work_dir)
    image = next((segments / 'images').iterdir())
    predictions = []
    for weights in ('tickets/round_02.safetensors', 'round_02/iter_6.pth'):
        model = init_model(copy.deepcopy(config), str(work_dir / weights), device='cpu')
        assert model.dataset_meta['classes'] == config.data.metainfo.classes
        predictions.append(inference_model(model, str(image)).seg_logits.data)
    assert torch.equal(*predictions)
    assert predictions[0].std() > 0


def test_predictions_are_not_analysed_and_the_line_says_so(searched, capsys):
    config = searched[0]
    work_dir = Path(config.work_dir)
    ticket = work_dir / record(work_dir)['rounds'][-1]['ticket']
    path = work_dir.parent / 'segments.py'
    assert mmlth_cli.main.main(['analyze', str(path), str(ticket)]) == 1
    line = capsys.readouterr().err
    assert 'evaluates no boxes, masks or keypoints but IoUMetric' in line
    assert line.count('\n') == 1


def test_a_budget_in_multiply_adds_names_what_only_training_uses(segments, tmp_path):
    config = segments_config(segments, tmp_path, lottery={'budget': 'macs'})
    with pytest.raises(LotteryError, match='auxiliary_head') as raised:
        Runner.from_cfg(config).train()
    assert 'lottery.targets.exclude' in str(raised.value)

    targets = {'exclude': ['auxiliary_head']}
    changed = segments_config(
        segments, tmp_path, lottery={'budget': 'macs', 'targets': targets, 'rounds': 1}
    )
    state = search_by(changed)
    names = {target['name'] for target in state['targets']}
    assert not [name for name in names if name.startswith('auxiliary_head')]


def test_the_dense_round_teaches_the_pixels(segments, tmp_path):
    lottery = {'distil': 0.5, 'rounds': 1}
    config = segments_config(segments, tmp_path, lottery=lottery)
    search_by(config)
    logs = [next(Path(config.work_dir).glob(f'round_0{i}/*/vis_data/scalars.json')) for i in (0, 1)]
    taught = ['"loss_distil"' in log.read_text() for log in logs]
    assert taught == [False, True]


def test_configs_that_count_iterations_are_told_to(segments, tmp_path):
    config = segments_config(segments, tmp_path, lottery={'rewind': '1ep'})
    config.train_cfg.max_iters = 40
    with pytest.raises(LotteryError, match="give iterations, as in '2it'"):
        Runner.from_cfg(config).train()


@pytest.mark.parametrize('folder', ['images', 'labels'])
def test_missing_folders_are_named(segments, tmp_path, folder):
    (tmp_path / 'data').mkdir()
    for path in segments.iterdir():
        if path.name != folder:
            (tmp_path / 'data' / path.name).symlink_to(path)
    config = segments_config(tmp_path / 'data', tmp_path)
    key = {'images': 'img_path', 'labels': 'seg_map_path'}[folder]
    with pytest.raises(LotteryError, match=f'train_dataloader.dataset.data_prefix.{key} does not'):
        check_data(config)


def test_other_labels_are_another_search(segments, tmp_path):
    for name in ('one', 'other'):
        (tmp_path / name).mkdir()
        for path in segments.iterdir():
            (tmp_path / name / path.name).symlink_to(path)
    config = segments_config(tmp_path / 'one', tmp_path, lottery={'rounds': 1})
    search_by(config)
    labels = tmp_path / 'other/labels'
    labels.unlink()
    labels.mkdir()
    for path in sorted((segments / 'labels').iterdir())[1:]:
        (labels / path.name).symlink_to(path)
    more = {'rounds': 2, 'target_sparsity': 0.9}
    changed = segments_config(tmp_path / 'other', tmp_path, lottery=more, resume=True)
    with pytest.raises(LotteryError, match='train_dataloader'):
        Runner.from_cfg(changed).train()
    # The same labels elsewhere are the same.
    labels.rename(tmp_path / 'away')
    labels.symlink_to(segments / 'labels')
    same = segments_config(tmp_path / 'other', tmp_path, lottery=more, resume=True)
    assert len(search_by(same)['rounds']) == 3


def test_mim_train_mmseg_searches(segments, tmp_path):
    config = segments_file(
        segments, tmp_path, "default_hooks['checkpoint']['save_best'] = 'mIoU'\n"
    )
    mim = Path(sys.executable).with_name('mim')
    path = f'{mim.parent}{os.pathsep}{os.environ["PATH"]}'
    options = ['--work-dir', 'work', '--cfg-options', 'lottery.rounds=1', 'lottery.rewind=best']
    done = subprocess.run(  # noqa: S603
        [mim, 'train', 'mmseg', config, *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, 'PATH': path, 'OMP_NUM_THREADS': '1'},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert 'search: round 1 of 1' in done.stdout + done.stderr
    rounds = record(tmp_path / 'work')['rounds']
    assert [entry['sparsity'] for entry in rounds] == pytest.approx([0, 0.75], abs=1e-4)
    page = (tmp_path / 'work/report/report.md').read_text()
    table = next(line for line in page.splitlines() if line.startswith('| round'))
    assert 'mIoU' in table
    assert 'Acc' not in table


def test_targets_of_a_config_of_the_zoo(capsys):
    config = 'mmseg::fastscnn/fast_scnn_8xb4-160k_cityscapes-512x1024'
    assert mmlth_cli.main.main(['targets', config]) == 0
    assert 'auxiliary_head' in capsys.readouterr().out


def test_the_config_of_the_study_is_that_of_its_search():
    one, other = (
        read_config(f'mmlth::lth/sem_fpn/sem_fpn_r18_nuclei_{name}.py').to_dict()
        for name in ('imp', 'study')
    )
    lottery = one.pop('lottery'), other.pop('lottery')
    assert one == other
    assert {k for k in lottery[0] if lottery[0][k] != lottery[1].get(k)} == {
        'target_sparsity',
        'rounds',
    }
    assert mmlth.engine.parse_settings(lottery[1]).sparsities == (0.5, 0.8, 0.9, 0.95, 0.98)
