"""The sections on layers, masks and cost, of real searches and of tickets of real models."""

import json
import re
import shutil
import statistics

import pytest
import torch
from kit import csv_rows, record
from mmengine.runner import Runner
from repository import ROOT
from rich.table import Table
from sections import column, texts
from toy import toy_config

import mmlth
from mmlth import Mask, Ticket, load_ticket, save_ticket
from mmlth.analysis.cost import TicketCost, sizes, sum_by_module, ticket_cost
from mmlth.analysis.cost.model_macs import model_macs
from mmlth.analysis.masks import Survival, layers, similarity
from mmlth.engine import read_config
from mmlth.engine.models.building import stock_model
from mmlth.pruning import find_targets, masked
from mmlth.pruning.distance import hamming, iou
from mmlth.report.cost.cost_table import write_cost_csv
from mmlth.report.cost.costs import count_costs
from mmlth.report.cost.section import cost_section
from mmlth.report.masks.density_map import plot_density_map
from mmlth.report.masks.layers_section import layers_section
from mmlth.report.masks.noise_table import write_noise_csv
from mmlth.report.masks.noisy_tickets import noisy_tickets
from mmlth.report.masks.section import compared_lines, masks_section
from mmlth.report.masks.similarity_table import write_similarity_csv
from mmlth.report.masks.survival_table import survival_of, write_survival_csv
from mmlth.report.masks.zeros_table import write_zeros_csv
from mmlth.report.page import Details, Figure, write_page
from mmlth.report.searches import (
    read_search,
    read_searches,
    round_tickets,
)
from mmlth.report.searches import (
    tickets as tickets_module,
)


@pytest.fixture(scope='module')
def searches(tmp_path_factory):
    """Two seeds with mask noise; the first also with more of it, and with a random mask."""
    folders = []
    for seed, shares in ((0, (0.1, 0.3)), (1, (0.1,))):
        work_dir = tmp_path_factory.mktemp('searches') / f'seed_{seed}'
        Runner.from_cfg(toy_config(work_dir, **{'randomness.seed': seed})).train()
        for share in shares:
            control = {'type': 'noise', 'share': share}
            mmlth.branch(work_dir, control, name=f'noise_{share}', label='noise', tickets=[2])
        folders.append(work_dir)
    mmlth.branch(folders[0], 'random', tickets=[2])
    return folders


@pytest.fixture(scope='module')
def detector(tmp_path_factory):
    """The folder of a search whose tickets are of a small Mask R-CNN: dense, and half of it."""
    work_dir = tmp_path_factory.mktemp('detector')
    (work_dir / 'tickets').mkdir()
    config = read_config(ROOT / 'configs/lth/mask_rcnn/mask_rcnn_tiny_shapes_imp.py')
    model = stock_model(config)
    rounds = []
    for index, every in enumerate((1, 2)):
        mask = Mask(
            {
                target.name: torch.arange(target.numel).reshape(target.parameter.shape) % every == 0
                for target in find_targets(model)
            }
        )
        ticket = Ticket(mask, masked(model.state_dict(), mask), {'config': config.to_dict()})
        name = f'tickets/round_{index:02d}.safetensors'
        save_ticket(ticket, work_dir / name)
        shares = {'sparsity': mask.sparsity, 'network_sparsity': mask.sparsity / 2}
        counts = {'round': index, 'prunable': mask.total, 'kept': mask.kept, 'parameters': 1}
        metrics = {'coco/bbox_mAP': 0.5 - index / 10}
        rounds.append({**counts, **shares, 'metrics': metrics, 'seconds': 1.0, 'ticket': name})
    (work_dir / 'search.json').write_text(json.dumps({'rounds': rounds}))
    return work_dir


def prose(section):
    return ' '.join(texts(section))


def zero_share(mask, module, kind):
    """Kernels, rows or columns of a module (or of all) that keep no weight, in per cent."""
    others = {'kernels': (2, 3), 'outputs': (1, 2, 3), 'inputs': (0, 2, 3)}[kind]
    kept = [
        weight.amax([axis for axis in others if axis < weight.dim()]).flatten()
        for name, weight in mask.items()
        if name.startswith(module) or module == 'all'
        if kind != 'kernels' or weight.dim() == 4
    ]
    return 100 * float((~torch.cat(kept)).double().mean()) if kept else float('nan')


def test_a_page_of_all_three(searches, tmp_path, drawn):
    read = read_searches(searches)
    sections = [layers_section(read), masks_section(read), cost_section(read)]
    assert [section.title for section in sections] == ['Layers', 'Masks', 'Cost']
    page = write_page('toy', sections, tmp_path).read_text()
    names = ['layers', 'zero_parts', 'mask_similarity', 'mask_noise', 'cost']
    for name in names:
        assert (tmp_path / f'{name}.png').is_file()
        assert (tmp_path / f'{name}.svg').read_text().startswith('<?xml')
    figures = dict(zip(names, drawn[::2]))  # each as PNG and as SVG
    layers_, bar = figures['layers'].axes
    assert layers_.images[0].get_array().shape == (1 + 3 * 3, 3)  # all, and gap, module, layer
    assert bar.get_xlabel() == 'density: weights kept (%)'
    masks = [load_ticket(ticket.path).mask for ticket in round_tickets(read_search(searches[0]))]
    for axes, kind in zip(figures['zero_parts'].axes, ('kernels', 'outputs', 'inputs')):
        lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
        assert list(lines) == ['conv', 'depthwise', 'fc', 'all', 'all, by chance']
        for name, shares in lines.items():
            if name != 'all, by chance':
                expected = [zero_share(mask, name, kind) for mask in masks]
                assert shares == pytest.approx(expected, nan_ok=True)
    assert any(zero_share(masks[-1], 'all', kind) for kind in ('kernels', 'outputs', 'inputs'))
    heat = figures['mask_similarity'].axes[0]
    assert [image.get_array().shape for image in heat.images] == [(8, 8)] * 2
    assert heat.images[0].get_array()[0, 1] == 0.5  # nested: 25 % of 50 %
    assert [each.get_array().count() for each in heat.images] == [28, 28]  # above, and below
    noise = figures['mask_noise'].axes[0]
    assert noise.get_ylabel() == 'toy/accuracy'
    assert len(noise.containers[0].lines[0].get_xdata()) == 3  # the ticket, 10 % and 30 %
    assert len(figures['cost'].axes) == 2
    assert '25.00% of the prunable weights are left in round 2' in page
    assert 'MACs are not counted: the pipeline of val_dataloader does not resize' in page


def test_densities_are_those_of_the_masks(searches, tmp_path):
    tickets = round_tickets(read_search(searches[0]))
    write_survival_csv(tickets, tmp_path / 'layers.csv')
    result = {(row['ticket'], row['layer']): row for row in csv_rows(tmp_path / 'layers.csv')}
    for index, ticket in enumerate(tickets):
        mask = load_ticket(ticket.path).mask
        for name, kept in mask.items():
            row = result[f'round {index}', name]
            assert float(row['density']) == kept.double().mean().item()
            assert float(row['relative_density']) == pytest.approx(
                float(row['density']) / mask.density
            )
    assert len(result) == 3 * 3
    assert result['round 1', 'fc.weight']['zero_kernels'] == ''
    assert result['round 1', 'conv.weight']['kernels'] == '24'
    module_table = layers_section(read_searches([searches[0]])).parts[1]
    assert column(module_table, 'round 2')[-1] == '25.00%'


def test_zero_parts_sum_up_over_modules(searches, tmp_path):
    write_zeros_csv(round_tickets(read_search(searches[0])), tmp_path / 'zeros.csv')
    rows = [row for row in csv_rows(tmp_path / 'zeros.csv') if row['ticket'] == 'round 2']
    for kind, of in (('kernels', 24 + 8), ('outputs', 8 + 8 + 2), ('inputs', 3 + 1 + 8)):
        whole, *parts = [row for row in rows if row['kind'] == kind]
        assert whole['module'] == 'all'
        assert int(whole['of']) == of == sum(int(row['of']) for row in parts)
        for count in ('zero', 'chance'):
            total = sum(float(row[count]) for row in parts)
            assert float(whole[count]) == pytest.approx(total)


def test_masks_of_searches_and_branches_beside_each_other(searches):
    result = [
        [(t.search, t.name) for t in line] for line in compared_lines(read_searches(searches))
    ]
    assert result == [
        [('seed_0', 'round 1'), ('seed_0', 'round 2')],
        [('seed_1', 'round 1'), ('seed_1', 'round 2')],
        # They share a label in the first search, and change its round 2.
        [('seed_0', 'noise_0.1 round 2')],
        [('seed_0', 'noise_0.3 round 2')],
        [('seed_0', 'random round 2')],
        [('seed_1', 'noise_0.1 round 2')],
    ]
    tables = [
        part
        for part in masks_section(read_searches(searches[:1])).parts
        if isinstance(part, Details)
    ]
    assert column(tables[1].part, 'round 1')[0].startswith('0.500\n')  # nested: 25 % of 50 %


def test_similarities_as_csv(searches, tmp_path):
    tickets = round_tickets(read_search(searches[0])) + round_tickets(read_search(searches[1]))[1:]
    names = ['a', 'b', 'c', 'd', 'e']
    result = similarity([ticket.profile for ticket in tickets])
    write_similarity_csv(result, names, tmp_path / 'similarity.csv')
    rows = {(row['first'], row['second']): row for row in csv_rows(tmp_path / 'similarity.csv')}
    assert len(rows) == 10
    first, second = (load_ticket(ticket.path).mask for ticket in (tickets[1], tickets[4]))
    assert float(rows['b', 'e']['iou']) == iou(first, second)
    assert float(rows['b', 'e']['hamming']) == hamming(first, second)


def test_noise_is_measured_from_the_masks(searches, tmp_path):
    result = noisy_tickets(read_searches(searches))
    folders = dict(zip(('seed_0', 'seed_1'), searches))
    assert len(result) == 3
    for each in result:
        masks = [
            load_ticket(folder / entry['ticket']).mask
            for folder, entry in (
                (folders[each.search], each.ticket),
                (folders[each.search] / f'branches/noise_{each.share}', each.noisy),
            )
        ]
        assert each.flips.all == hamming(*masks)
        assert each.matched
        assert each.flips.kept == pytest.approx(each.share, abs=0.03)
    write_noise_csv(result, 'toy/accuracy', tmp_path / 'noise.csv')
    rows = csv_rows(tmp_path / 'noise.csv')
    assert {row['search'] for row in rows} == {'seed_0', 'seed_1'}
    table = masks_section(read_searches(searches)).parts[-2]
    assert isinstance(table, Table)
    assert column(table, 'ticket') == ['round 2'] * 3
    _, joined, single = column(table, 'toy/accuracy')
    values = [float(row['value']) for row in rows if float(row['flipped_of_kept']) < 0.2]
    assert joined == f'{statistics.fmean(values):.3f} ± {statistics.stdev(values):.3f}'
    assert '±' not in single


def test_tickets_are_read_once_and_again_when_they_change(searches, tmp_path, monkeypatch):
    work_dir = tmp_path / 'copy'
    shutil.copytree(searches[0], work_dir)
    read = []
    load = tickets_module.load_mask
    monkeypatch.setattr(tickets_module, 'load_mask', lambda path: read.append(path) or load(path))
    for _ in range(2):
        layers_section(read_searches([work_dir]))
    assert len(read) == 3
    path = work_dir / 'tickets/round_02.safetensors'
    whole = load_ticket(path)
    save_ticket(Ticket(Mask.dense(whole.mask), whole.weights, whole.info), path)
    assert '100.00%' in column(layers_section(read_searches([work_dir])).parts[1], 'round 2')[-1]
    assert len(read) == 4


def test_tickets_that_are_gone_are_named(searches, tmp_path):
    work_dir = tmp_path / 'copy'
    shutil.copytree(searches[0], work_dir)
    (work_dir / 'tickets/round_01.safetensors').unlink()
    assert 'for want of a ticket that this mmlth can read: round 1.' in prose(
        layers_section(read_searches([work_dir]))
    )
    assert 'for want of a ticket that this mmlth can read: round 1.' in prose(
        cost_section(read_searches([work_dir]))
    )
    assert len(noisy_tickets(read_searches([work_dir]))) == 2
    for index in (0, 2):
        (work_dir / f'tickets/round_{index:02d}.safetensors').unlink()
    assert noisy_tickets(read_searches([work_dir])) == []
    assert (
        layers_section(read_searches([work_dir]))
        is masks_section(read_searches([work_dir]))
        is cost_section(read_searches([work_dir]))
        is None
    )


def test_a_search_that_just_began(searches, tmp_path):
    shutil.copytree(searches[0], tmp_path / 'copy')
    state = record(searches[0])
    for count, there in ((0, False), (1, True)):
        path = tmp_path / 'copy/search.json'
        path.write_text(json.dumps({**state, 'rounds': state['rounds'][:count]}))
        assert masks_section(read_searches([path.parent])) is None
        sections = [
            layers_section(read_searches([path.parent])),
            cost_section(read_searches([path.parent])),
        ]
        assert [section is not None for section in sections] == [there, there]
    assert 'Nothing is pruned yet.' in prose(sections[0])
    write_page('toy', sections, tmp_path / 'report')


def test_costs_are_those_that_inspect_finds(detector, tmp_path, drawn):
    generator = torch.get_rng_state()
    result = count_costs(round_tickets(read_search(detector)))
    assert torch.equal(torch.get_rng_state(), generator)
    assert (result.reason, result.macs.image) == (None, (128, 128))
    tickets = [load_ticket(ticket.path) for ticket in round_tickets(read_search(detector))]
    expected = model_macs(tickets[0], 128, 128).macs
    for ticket, row in zip(tickets, result.rows):
        assert row.sizes == sizes(ticket.mask, ticket.weights)
        assert list(row.works) == sum_by_module(expected.layers(ticket.mask))
        assert (row.macs.dense, row.macs.sparse) == (expected.dense, expected.sparse(ticket.mask))
    write_cost_csv(result, ['coco/bbox_mAP'], tmp_path / 'cost.csv')
    dense, half = csv_rows(tmp_path / 'cost.csv')
    assert int(dense['sparse_macs']) == expected.dense
    assert int(half['sparse_macs_backbone']) == result.rows[1].works[0].sparse
    assert [row['coco/bbox_mAP'] for row in (dense, half)] == ['0.5', '0.4']
    assert int(half['bitmask']) == result.rows[1].sizes.bitmask
    section = cost_section(read_searches([detector]))
    assert '128 × 128 pixels, to which validated images are resized at most' in prose(section)
    assert 'The second stage ran on 50 regions' in prose(section)
    (figure,) = [part for part in section.parts if isinstance(part, Figure)]
    figure.draw(tmp_path / 'cost.png')
    size, macs, metric_by_size, metric_by_macs = drawn[-1].axes
    assert size.get_ylabel() == metric_by_size.get_xlabel() == 'size on disk (MB)'
    assert macs.get_ylabel() == metric_by_macs.get_xlabel() == 'MACs an image (millions)'
    lines = {line.get_label(): list(line.get_ydata()) for line in macs.lines}
    assert lines['all'] == [row.macs.sparse / 1e6 for row in result.rows]
    assert lines['all, with dense weights'][0] == expected.dense / 1e6 == lines['all'][0]
    assert lines['backbone'] == [row.works[0].sparse / 1e6 for row in result.rows]
    (line,) = [each.lines[0] for each in metric_by_macs.containers]
    assert (list(line.get_xdata()), list(line.get_ydata())) == (lines['all'], [0.5, 0.4])
    assert '64 × 64 pixels;' in prose(cost_section(read_searches([detector]), (64, 64)))


def test_costs_of_a_ticket_without_weights_and_of_nothing():
    result = ticket_cost(layers({'a.w': torch.arange(4) < 1}), 7, None, None)
    assert (result.sparsity, result.macs, result.works) == (0.75, None, None)
    assert TicketCost(0, 1, None, ()).macs.dense == 0


@pytest.mark.parametrize('count', [1, 130])  # in one column, and in two
def test_the_heat_map_names_all_layers_and_modules(tmp_path, count):
    names = tuple(f'{"backbone" if i < 0.6 * count else "head"}.{i}.weight' for i in range(count))
    modules = tuple(dict.fromkeys(name.partition('.')[0] for name in names))
    kept = torch.linspace(0, 1, count * 4).reshape(count, 4).double().numpy()
    result = Survival(names, (9,) * count, kept, kept.mean(0))
    summed = Survival(modules, (9,) * len(modules), kept[: len(modules)], kept.mean(0))
    plot_density_map(result, summed, list('abcd'), tmp_path / 'map.svg')
    labels = set(re.findall('<!-- (.*?) -->', (tmp_path / 'map.svg').read_text()))
    short = {name.partition('.')[2].removesuffix('.weight') for name in names}
    assert short | set(modules) | set('abcd') | {'all prunable weights'} <= labels
    assert ('backbone (continued)' in labels) == (count > 1)


def test_densities_of_a_module_are_of_all_its_weights(detector):
    tickets = round_tickets(read_search(detector))
    result = survival_of(tickets, by_module=True)
    mask = load_ticket(tickets[1].path).mask
    for name, density in zip(result.names, result.parts[:, 1]):
        part = [kept.flatten() for key, kept in mask.items() if key.startswith(f'{name}.')]
        assert density == pytest.approx(torch.cat(part).double().mean().item())
