"""Tickets wherever MMEngine takes a checkpoint, with real Runners and models of the zoos."""

import pytest
import torch
from mmdet.apis import init_detector
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from mmengine.runner import CheckpointLoader, Runner, load_checkpoint
from mmpose.apis import init_model
from safetensors.torch import save_file
from toy import ToyModel, toy_config

from mmlth import Mask, Ticket, find_targets, load_ticket, masked, prune, save_ticket
from mmlth.engine import build_model, read_config
from mmlth.engine.tickets.loading import checkpoint_of
from mmlth.ticket import DamagedTicketError, TicketMismatchError, save_checkpoint


def ticket_of(model, **info):
    weights = {t.name: t.parameter.detach() for t in find_targets(model)}
    mask = prune(weights, sparsity=0.5)
    state = model.state_dict()
    versions = {name: each.get('version') for name, each in state._metadata.items()}
    return Ticket(mask, masked(state, mask), {'module_versions': versions, **info})


def test_load_from_a_ticket_trains_on_from_its_weights(toy_search, tmp_path):
    ticket = toy_search / 'tickets/round_01.safetensors'
    config = toy_config(tmp_path / 'stock', load_from=str(ticket), resume=False)
    config.pop('lottery')
    runner = Runner.from_cfg(config)
    runner.load_or_resume()
    for name, weight in load_ticket(ticket).weights.items():
        assert torch.equal(runner.model.state_dict()[name], weight), name
    checkpoint = CheckpointLoader.load_checkpoint(str(ticket), map_location='cpu')
    assert checkpoint['meta']['dataset_meta'] == {'classes': ('dark', 'bright')}
    assert load_ticket(ticket).info['module_versions']['bn'] == 2


@pytest.mark.parametrize(
    ('name', 'start', 'options'),
    [
        ('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', init_detector, {'palette': 'random'}),
        # Its head renames parameters of files that do not say they are of its version.
        (
            'mmpose::body_2d_keypoint/topdown_heatmap/coco/td-hm_res50_8xb64-210e_coco-256x192.py',
            init_model,
            {},
        ),
        (
            'mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-t_8xb256-420e_coco-256x192.py',
            init_model,
            {},
        ),
    ],
)
def test_init_model_predicts_as_the_model_that_was_saved(tmp_path, name, start, options):
    config = read_config(name)
    config.model.backbone.init_cfg = None
    torch.manual_seed(0)
    saved = build_model(config).eval()
    saved.init_weights()
    ticket = ticket_of(saved, dataset_meta={'classes': ('a', 'b'), 'dataset_name': 'ours'})
    saved.load_state_dict(ticket.state_dict())
    save_ticket(ticket, tmp_path / 't.safetensors')
    loaded = start(config, str(tmp_path / 't.safetensors'), device='cpu', **options)
    assert loaded.dataset_meta['classes'] == ('a', 'b')
    images = torch.randn(2, 3, 256, 192)
    with torch.no_grad():
        one, other = saved(images, None, mode='tensor'), loaded(images, None, mode='tensor')
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert torch.equal(a, b)


def leaves(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [leaf for item in value for leaf in leaves(item)]


def test_a_ticket_of_another_model_loads_nothing(tmp_path):
    other = ToyModel()
    other.fc = torch.nn.Linear(8, 3)
    other.extra = torch.nn.Linear(2, 2)
    del other.bn
    path = str(tmp_path / 't.safetensors')
    save_ticket(ticket_of(other), path)
    model = ToyModel()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(TicketMismatchError, match='nothing was loaded') as error:
        load_checkpoint(model, path)
    message = str(error.value)
    assert path in message
    assert 'the model lacks: extra.weight, extra.bias' in message
    assert 'the ticket lacks: bn.weight, bn.bias, bn.running_mean, bn.running_var' in message
    assert 'fc.weight (3, 8) in the ticket, (2, 8) in the model' in message
    for name, tensor in model.state_dict().items():
        assert torch.equal(before[name], tensor)
    # An ordinary checkpoint is loaded as far as it fits, as before.
    torch.save({'state_dict': other.state_dict()}, tmp_path / 'c.pth')
    load_checkpoint(model, str(tmp_path / 'c.pth'))
    assert torch.equal(model.conv.weight, other.conv.weight)


class Part(BaseModule):
    """Remembers which version its parameters were said to be of."""

    _version = 2

    def __init__(self, outputs=4, init_cfg=None):
        super().__init__(init_cfg)
        self.conv = torch.nn.Conv2d(3, outputs, 3)
        self.seen = None

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *args):
        self.seen = local_metadata.get('version')
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)


def part_from(path, prefix, **options):
    init = {'type': 'Pretrained', 'checkpoint': str(path), 'prefix': prefix}
    part = Part(init_cfg=init, **options)
    before = part.conv.weight.detach().clone()
    return part, before


@pytest.mark.parametrize('prefix', ['backbone.', 'backbone'])
def test_a_part_of_a_ticket_by_prefix(tmp_path, prefix):
    whole = torch.nn.ModuleDict({'backbone': Part(), 'backbone2': torch.nn.Linear(2, 2)})
    save_ticket(ticket_of(whole), tmp_path / 't.safetensors')
    part, _ = part_from(tmp_path / 't.safetensors', prefix)
    part.init_weights()
    kept = load_ticket(tmp_path / 't.safetensors').weights['backbone.conv.weight']
    assert torch.equal(part.conv.weight, kept)
    assert part.seen == 2
    # An ordinary checkpoint of that name loads as MMEngine has it.
    torch.save({'state_dict': whole.state_dict()}, tmp_path / 'other.safetensors')
    part, _ = part_from(tmp_path / 'other.safetensors', prefix)
    part.init_weights()
    assert torch.equal(part.conv.weight, whole['backbone'].conv.weight)


@pytest.mark.parametrize(
    ('prefix', 'outputs', 'message'),
    [
        (
            'backbone.',
            5,
            r'backbone\.\* of .*t\.safetensors is a ticket of another model than Part',
        ),
        ('neck', 4, r"t\.safetensors holds nothing whose name begins with 'neck\.'"),
    ],
)
def test_a_part_of_another_model_loads_nothing(tmp_path, prefix, outputs, message):
    whole = torch.nn.ModuleDict({'backbone': Part()})
    save_ticket(ticket_of(whole), tmp_path / 't.safetensors')
    part, before = part_from(tmp_path / 't.safetensors', prefix, outputs=outputs)
    with pytest.raises(TicketMismatchError, match=message):
        part.init_weights()
    assert torch.equal(part.conv.weight, before)


@pytest.mark.parametrize('place', ['s3://bucket/', 'https://host/', 'open-mmlab://', 'pavi://'])
def test_names_of_other_places_are_left_to_their_loaders(place):
    loader = CheckpointLoader._get_checkpoint_loader
    assert loader(f'{place}t.safetensors') is loader(f'{place}t.pth')


META = {'cpu': 'meta'}


@pytest.mark.parametrize(
    ('place', 'device'),
    [
        (None, 'cpu'),
        ('meta', 'meta'),
        (torch.device('meta'), 'meta'),
        (META, 'meta'),
        ({'cuda:0': 'meta'}, 'cpu'),
        (lambda storage, location: storage, 'cpu'),
        (lambda storage, location: None, 'cpu'),
        (lambda storage, location: storage.clone(), 'cpu'),
        (lambda storage, location: torch.ones(9, device=META[location]).untyped_storage(), 'meta'),
    ],
)
def test_map_location_is_that_of_torch(tmp_path, place, device):
    model = torch.nn.ModuleDict({'a': torch.nn.Linear(3, 3), 'b': torch.nn.Linear(3, 3)})
    model['b'].weight = model['a'].weight
    model.register_buffer('none', torch.empty(0, 2))
    model.register_buffer('step', torch.tensor(7))
    ticket = ticket_of(model)
    save_ticket(ticket, tmp_path / 't.safetensors')
    state = CheckpointLoader.load_checkpoint(str(tmp_path / 't.safetensors'), place)['state_dict']
    assert {str(tensor.device) for tensor in state.values()} == {device}
    assert state['a.weight'] is state['b.weight']
    for name, weight in ticket.weights.items():
        assert (state[name].shape, state[name].dtype) == (weight.shape, weight.dtype)
        assert device == 'meta' or torch.equal(state[name], weight)


@pytest.mark.parametrize(
    'info',
    [
        {'module_versions': [1]},
        {'module_versions': {'a': 'x'}},
        {'module_versions': {1: 1}},
        {'dataset_meta': torch.ones(2)},
        {'dataset_meta': 'x'},
    ],
)
def test_odd_things_that_a_ticket_tells_are_named_errors(tmp_path, monkeypatch, info):
    ticket = Ticket(Mask({}), {'w': torch.ones(2)}, info)
    with monkeypatch.context() as patch:  # mmlth itself refuses to write it
        for method in ('dataset_meta', 'module_versions'):
            patch.setattr(Ticket, method, lambda self: {})
        save_ticket(ticket, tmp_path / 't.safetensors')
    with pytest.raises(DamagedTicketError, match=f'a ticket has .* as {next(iter(info))}, got'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 't.safetensors'))
    with pytest.raises(DamagedTicketError, match=next(iter(info))):
        save_checkpoint(ticket, tmp_path / 'c.pth')


def test_files_that_are_no_tickets_are_left_to_mmengine(tmp_path):
    path = str(tmp_path / 'other.safetensors')
    save_file({'w': torch.ones(2)}, path)
    with pytest.raises(Exception) as ours:  # noqa: PT011, whatever it is
        CheckpointLoader.load_checkpoint(path)
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        CheckpointLoader.load_checkpoint(str((tmp_path / 'other.safetensors').rename(path[:-1])))
    assert type(ours.value) is type(theirs.value)
    save_ticket(Ticket(Mask({'w': torch.ones(2).bool()}), {'w': torch.ones(2)}), path)
    raw = (tmp_path / 'other.safetensors').read_bytes()
    (tmp_path / 'other.safetensors').write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with pytest.raises(DamagedTicketError, match=r'other\.safetensors is no ticket that can be'):
        CheckpointLoader.load_checkpoint(path)
    with pytest.raises(FileNotFoundError):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'absent.safetensors'))


def test_a_mask_alone_is_no_checkpoint():
    with pytest.raises(TicketMismatchError, match='a mask without trained weights'):
        checkpoint_of(Ticket(Mask({}), None))


def test_a_config_trains_a_ticket_on_under_its_mask(tmp_path):
    model = ToyModel()
    save_ticket(ticket_of(model), tmp_path / 't.safetensors')
    path = str(tmp_path / 't.safetensors')
    hooks = [
        {'type': 'mmlth.MaskHook', 'mask': path},
        {'type': 'mmlth.TicketSaver', 'checkpoints': 'tickets'},
    ]
    config = toy_config(tmp_path / 'work', load_from=path, custom_hooks=hooks)
    config.pop('lottery')
    Runner.from_cfg(config).train()
    trained = load_ticket(tmp_path / 'work/epoch_3.safetensors')
    assert trained.mask == load_ticket(path).mask
    for name, kept in trained.mask.items():
        assert not trained.weights[name][~kept].any()
        assert not torch.equal(trained.weights[name], load_ticket(path).weights[name])


@MODELS.register_module(force=True)
class NamingModel(ToyModel):
    """Gives a layer a second name when it first trains, as MMDetection's DDQ does."""

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.depthwise.twin = self.fc
        return super().forward(inputs, data_samples, mode)


def test_names_that_training_adds(tmp_path):
    config = toy_config(tmp_path, model={'type': 'NamingModel'})
    Runner.from_cfg(config).train()
    path = tmp_path / 'tickets/round_02.safetensors'
    ticket = load_ticket(path)
    assert ticket.weights['depthwise.twin.weight'] is ticket.weights['fc.weight']
    model = NamingModel()
    load_checkpoint(model, str(path))
    assert torch.equal(model.fc.weight, ticket.weights['fc.weight'])
    other = Ticket(ticket.mask, {**ticket.weights, 'more': torch.ones(1)}, ticket.info)
    save_ticket(other, path)
    with pytest.raises(TicketMismatchError, match=r'the model lacks: more$'):
        load_checkpoint(model, str(path))
