"""Soups: weights of tickets that share a mask averaged, running statistics computed anew."""

import copy
import itertools

import pytest
import torch
from kit import bits
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner
from torch import nn
from toy import ToyDataset, ToyModel, toy_config

import mmlth
from mmlth import LotteryError
from mmlth.pruning import Mask, masked, prune
from mmlth.ticket import Ticket, load_ticket, save_ticket

NAMES = ('conv.weight', 'depthwise.weight', 'fc.weight')
STATISTICS = ('bn.running_mean', 'bn.running_var', 'bn.num_batches_tracked')
IMAGES = ToyDataset().images


@MODELS.register_module(force=True)
class QuietToy(ToyModel):
    """Draws no random numbers, so that what it computes can be compared."""

    def __init__(self) -> None:
        super().__init__(dropout=0.0)


@MODELS.register_module(force=True)
class FrozenToy(QuietToy):
    """Keeps its statistics, as ``norm_eval`` does."""

    def train(self, mode=True):
        super().train(mode)
        self.bn.eval()
        return self


@MODELS.register_module(force=True)
class GroupToy(QuietToy):
    """Has no running statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.GroupNorm(2, 8)


@MODELS.register_module(force=True)
class SpareToy(QuietToy):
    """Has a layer that no training batch reaches."""

    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.BatchNorm2d(2)


def config_of(folder, model='QuietToy'):
    """In order and without augmentation, so that the batches are known."""
    config = toy_config(folder, model={'type': model})
    config.train_dataloader.sampler.shuffle = False
    config.train_dataloader.dataset.augment = False
    return config


def made(folder, config, count=2, change=lambda number, state: None):
    """Tickets of one mask whose weights and statistics differ, as ordinary files."""
    paths, mask = [], None
    for number in range(count):
        torch.manual_seed(number)
        state = MODELS.build(copy.deepcopy(config.model)).state_dict()
        if 'bn.running_mean' in state:
            state['bn.running_mean'] += number
            state['bn.num_batches_tracked'] += 10 + number
        change(number, state)
        mask = mask or prune({name: state[name] for name in NAMES}, sparsity=0.5)
        info = {'config': config.to_dict(), 'seed': number, 'metrics': {'toy/accuracy': 0.5}}
        paths.append(folder / f'{number}.safetensors')
        save_ticket(Ticket(mask, masked(state, mask), info), paths[-1])
    return paths


def shared_statistics(number, state):
    for name in STATISTICS:
        state[name].fill_(3)


def test_weights_are_means_and_the_mask_is_theirs(tmp_path):
    config = config_of(tmp_path)
    paths = made(tmp_path, config, 3)
    soup = mmlth.soup(paths, config, batches=2)
    tickets = [load_ticket(path) for path in paths]
    assert soup.mask == tickets[0].mask
    for name in soup.weights.keys() - set(STATISTICS):
        mean = sum(ticket.weights[name].double() for ticket in tickets) / 3
        assert torch.equal(soup.weights[name], mean.float()), name
    for name, kept in soup.mask.items():
        assert not soup.weights[name][~kept].any()
    assert list(soup.weights) == list(tickets[0].weights)


def test_statistics_are_those_of_the_averaged_network_on_the_data(tmp_path):
    """As torch alone finds them: means over the batches of each one's mean and variance."""
    config = config_of(tmp_path)
    soup = mmlth.soup(made(tmp_path, config), config, batches=5)
    weights = soup.weights
    batches = IMAGES[: 5 * 4].split(4)
    seen = [
        nn.functional.conv2d(batch, weights['conv.weight'], weights['conv.bias'], padding=1)
        for batch in batches
    ]
    means = torch.stack([each.mean((0, 2, 3)) for each in seen]).mean(0)
    variances = torch.stack([each.var((0, 2, 3)) for each in seen]).mean(0)
    assert torch.allclose(weights['bn.running_mean'], means, atol=1e-6)
    assert torch.allclose(weights['bn.running_var'], variances, atol=1e-6)
    assert int(weights['bn.num_batches_tracked']) == 5
    soup_info = soup.info['soup']
    assert (soup_info['batches'], soup_info['recomputed'], soup_info['frozen']) == (5, 1, 0)


def test_equal_networks(tmp_path):
    config = config_of(tmp_path)
    state = MODELS.build(copy.deepcopy(config.model)).state_dict()
    paths = made(tmp_path, config, 3, lambda number, own: own.update(state))
    soup, alone = mmlth.soup(paths, config, batches=1), load_ticket(paths[1])
    assert soup.mask == alone.mask
    for name in alone.weights.keys() - set(STATISTICS):
        assert bits(soup.weights[name]) == bits(alone.weights[name]), name
    assert len(soup.info['soup']['tickets']) == 3


def test_a_ticket_that_is_named_twice_is_refused(tmp_path):
    config = config_of(tmp_path)
    paths = made(tmp_path, config)
    copied = tmp_path / 'copied.safetensors'
    copied.write_bytes(paths[0].read_bytes())
    with pytest.raises(LotteryError, match=r'are the same ticket, which would count twice'):
        mmlth.soup([*paths, copied], config)


@DATASETS.register_module(force=True)
class Shining(ToyDataset):
    """Images that are brighter by what its only step says."""

    def __init__(self, pipeline=(), **options):
        super().__init__(**options)
        self.pipeline = pipeline

    def __getitem__(self, index):
        return {**super().__getitem__(index), 'inputs': self.images[index] + self.pipeline[0]}


@pytest.mark.parametrize(('switch_epoch', 'light'), [(2, 7.0), (3, 0.0)])
def test_statistics_are_of_the_images_that_training_ends_with(tmp_path, switch_epoch, light):
    """A switch at the end of the training, which has three epochs, is none."""

    def soup_of(name, pipeline, hooks):
        config = config_of(tmp_path)
        config.train_dataloader.dataset.update(type='Shining', pipeline=pipeline)
        config.custom_hooks = hooks
        (tmp_path / name).mkdir()
        return mmlth.soup(made(tmp_path / name, config), config, batches=3)

    hook = {'type': 'mmdet.PipelineSwitchHook', 'switch_epoch': switch_epoch}
    switching = soup_of('switching', [0.0], [{**hook, 'switch_pipeline': [7.0]}])
    expected = soup_of('expected', [light], [])
    for name in STATISTICS:
        assert torch.equal(switching.weights[name], expected.weights[name])
    assert switching.info['soup']['train_dataloader']['dataset']['pipeline'] == [light]


def test_tickets_of_other_data_are_told_apart_by_what_they_say(tmp_path):
    """A ticket that was moved beside those of a search, say."""
    configs = [config_of(tmp_path) for _ in range(2)]
    configs[1].train_dataloader.batch_size = 2
    paths = []
    for number, config in enumerate(configs):
        (tmp_path / str(number)).mkdir()
        paths.append(made(tmp_path / str(number), config)[number])
    with pytest.raises(LotteryError, match=r'different models or training data: .*batch_size'):
        mmlth.soup(paths)
    assert mmlth.soup(paths, configs[0]).info['soup']['train_dataloader']['batch_size'] == 4


def test_the_order_of_the_tickets_is_no_matter(tmp_path):
    config = toy_config(tmp_path)  # with dropout, a shuffled order, and augmentations
    paths = made(tmp_path, config, 3)
    files = set()
    for number, order in enumerate(itertools.permutations(paths)):
        torch.manual_seed(number)  # nor is what was drawn before
        before = torch.get_rng_state()
        save_ticket(mmlth.soup(order, config, batches=2), tmp_path / 'soup.safetensors')
        assert torch.equal(torch.get_rng_state(), before)
        files.add((tmp_path / 'soup.safetensors').read_bytes())
    assert len(files) == 1


def test_what_a_soup_tells(tmp_path):
    config = config_of(tmp_path)
    (tmp_path / 'b').mkdir()
    paths = made(tmp_path, config)
    moved = paths[1].rename(tmp_path / 'b/other.safetensors')
    ticket = load_ticket(moved)
    ticket.info['config']['lottery'] = {**ticket.info['config']['lottery'], 'rounds': 5}
    save_ticket(ticket, moved)
    info = mmlth.soup([paths[0], moved], config, batches=1).info
    names = {each['name']: each['sha256'] for each in info['soup']['tickets']}
    assert names == {
        '0.safetensors': mmlth.engine.configs.sha256_of(paths[0]),
        'b/other.safetensors': mmlth.engine.configs.sha256_of(moved),
    }
    assert info.keys().isdisjoint({'metrics', 'seed'})  # of single trainings
    assert info['config']['model'] == {'type': 'QuietToy'}
    assert info['config']['lottery'] == {'target_sparsity': 0.75, 'rewind': '1ep'}
    assert (info['prunable'], info['kept'], info['parameters']) == (304, 152, 338)
    assert str(tmp_path) not in str(info['soup'])


@pytest.mark.parametrize(('model', 'frozen'), [('FrozenToy', 1), ('GroupToy', 0)])
def test_without_statistics_to_compute_no_data_are_read(tmp_path, model, frozen):
    config = config_of(tmp_path, model)
    share = shared_statistics if frozen else lambda number, state: None
    paths = made(tmp_path, config, change=share)
    config.train_dataloader.dataset.type = 'NoSuchDataset'
    soup = mmlth.soup(paths, config)
    soup_info = soup.info['soup']
    assert (soup_info['batches'], soup_info['recomputed'], soup_info['frozen']) == (0, 0, frozen)
    if frozen:
        assert soup.weights['bn.running_mean'].tolist() == [3] * 8
        assert int(soup.weights['bn.num_batches_tracked']) == 3
    again = mmlth.soup(paths)  # the model that they tell is enough
    assert all(bits(again.weights[name]) == bits(soup.weights[name]) for name in soup.weights)


def test_a_layer_that_no_batch_reaches(tmp_path):
    config = config_of(tmp_path, 'SpareToy')

    def trained(number, state):
        state['spare.running_mean'].fill_(5)

    soup = mmlth.soup(made(tmp_path, config, change=trained), config, batches=2)
    assert soup.weights['spare.running_mean'].tolist() == [5, 5]
    assert int(soup.weights['spare.num_batches_tracked']) == 0
    assert soup.info['soup']['recomputed'] == 1

    def differently(number, state):
        state['spare.running_mean'].fill_(number)

    paths = made(tmp_path, config, change=differently)
    with pytest.raises(LotteryError, match=r'none of 2 batches .* reaches spare, so'):
        mmlth.soup(paths, config, batches=2)


def counted(number, state):
    state['counter'] = torch.tensor(number)


@pytest.mark.parametrize(
    ('model', 'change', 'message'),
    [
        ('FrozenToy', lambda number, state: None, 'in bn.running_mean, .* average branches of one'),
        ('CountingToy', counted, 'differ in counter, which holds whole numbers'),
        ('QuietToy', counted, 'is a ticket of another model than QuietToy; .*lacks: counter'),
    ],
)
def test_what_differs_and_has_no_mean(tmp_path, model, change, message):
    class CountingToy(QuietToy):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer('counter', torch.tensor(0))

    MODELS.register_module(name='CountingToy', module=CountingToy, force=True)
    config = config_of(tmp_path, model)
    paths = made(tmp_path, config, change=change)
    with pytest.raises((LotteryError, mmlth.ticket.TicketError), match=message) as error:
        mmlth.soup(paths, config)
    assert '\n' not in str(error.value)


def test_one_line_says_what_is_wrong(tmp_path):
    config = config_of(tmp_path)
    paths = made(tmp_path, config)
    without_data = copy.deepcopy(config)
    without_data.train_dataloader = None
    empty = copy.deepcopy(config)
    empty.train_dataloader.update(batch_size=100, drop_last=True)
    broken = copy.deepcopy(config)
    broken.train_dataloader.dataset.type = 'NoSuchDataset'
    masks_alone = tmp_path / 'mask.safetensors'
    save_ticket(Ticket(load_ticket(paths[0]).mask, None), masks_alone)
    dense = tmp_path / 'dense.safetensors'
    weights = load_ticket(paths[0]).weights
    save_ticket(Ticket(Mask.dense({name: weights[name] for name in NAMES}), weights), dense)
    for tickets, given, options, message in [
        (paths[:1], config, {}, 'mean of two tickets or more, got 1'),
        ([paths[0], tmp_path / 'no.safetensors'], config, {}, 'no.safetensors does not exist or'),
        (paths, config, {'batches': 0}, r'batches \(--batches\) must be 1 or more, got 0'),
        ([paths[0], masks_alone], config, {}, 'mask.safetensors holds a mask without trained'),
        ([paths[0], dense], config, {}, '152 of 304 weights are kept by one of them alone'),
        (paths, None, {}, r'statistics of bn are to be .* give a config .* by config \(--con'),
        (paths, without_data, {}, 'needs training data'),
        (paths, empty, {}, 'these have no batch'),
        (paths, broken, {}, 'statistics cannot be computed anew: .*NoSuchDataset'),
    ]:
        with pytest.raises((LotteryError, mmlth.ticket.TicketError), match=message) as error:
            mmlth.soup(tickets, given, **options)
        assert '\n' not in str(error.value)


def test_overflowing_statistics(tmp_path):
    def large(number, state):
        state['conv.weight'].fill_(3e38)

    config = config_of(tmp_path)
    paths = made(tmp_path, config, change=large)
    with pytest.raises(LotteryError, match=r'the bn\.running_mean of the soup is not finite'):
        mmlth.soup(paths, config, batches=1)


def test_a_soup_loads_in_a_stock_runner(tmp_path):
    config = config_of(tmp_path)
    config.pop('lottery')
    path = tmp_path / 'soup.safetensors'
    soup = mmlth.soup(made(tmp_path, config), config, batches=6)
    save_ticket(soup, path)
    config.load_from = str(path)
    runner = Runner.from_cfg(config)
    assert 'toy/accuracy' in runner.val()
    runner.load_or_resume()
    state = runner.model.state_dict()
    assert state.keys() == soup.weights.keys()
    assert all(bits(state[name]) == bits(tensor) for name, tensor in soup.weights.items())
