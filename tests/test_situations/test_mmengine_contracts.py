"""What MMEngine allows its users: any metric, any loop, any metainfo."""

import datetime
import enum
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from kit import record, ticket_of
from mmengine.evaluator import BaseMetric
from mmengine.registry import DATASETS, LOOPS, METRICS
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, Runner, ValLoop
from toy import ITERATIONS_PER_EPOCH, ToyAccuracy, ToyDataset, toy_config

import mmlth
from mmlth.engine import LotteryError
from mmlth.engine.checkpoints.metainfo import left_out, plain_metainfo
from mmlth.engine.evaluation.evaluation import Evaluation
from mmlth.engine.evaluation.metrics import no_numbers, plain_metrics
from mmlth.ticket import DamagedTicketError, Ticket, save_ticket
from mmlth.ticket.checkpoint import as_checkpoint
from mmlth.ticket.tree import flatten

ODD = {
    'nested': ({'neg': 0.5, 'pos': {'all': 0.6}}, {'extra/neg': 0.5, 'extra/pos/all': 0.6}),
    'none': (None, {}),
    'array': (np.eye(2), {}),
    'point': (np.array(0.5), {'extra': 0.5}),
    'list': ([1, 2], {}),
    'tensor': (torch.tensor(0.5), {'extra': 0.5}),
    'vector': (torch.ones(3), {}),
    'text': ('63.2%', {}),
    'flag': (True, {'extra': 1.0}),
    'npflag': (np.bool_(False), {'extra': 0.0}),
    'npfloat': (np.float32(0.25), {'extra': 0.25}),
    'npint': (np.int64(3), {'extra': 3.0}),
    'nan': (float('nan'), {'extra': None}),
    'inf': (torch.tensor(float('inf')), {'extra': None}),
    'object': (object(), {}),
    'complex': (1j, {}),
}


@pytest.mark.parametrize('kind', ODD)
def test_numbers_among_metrics(kind):
    value, expected = ODD[kind]
    assert plain_metrics({'accuracy': 0.5, 'extra': value}) == {'accuracy': 0.5, **expected}
    assert no_numbers({'accuracy': 0.5, 'extra': value}) == ([] if expected else ['extra'])
    json.dumps(plain_metrics({'extra': value}), allow_nan=False)


@METRICS.register_module(force=True)
class OddAccuracy(ToyAccuracy):
    def compute_metrics(self, results):
        return {**super().compute_metrics(results), **{k: v for k, (v, _) in ODD.items()}}


@LOOPS.register_module(force=True)
class QuietValLoop(ValLoop):
    """Returns nothing, as MMDetection's TeacherStudentValLoop."""

    def run(self):
        super().run()


@LOOPS.register_module(force=True)
class SecretValLoop(ValLoop):
    """Tells hooks nothing of its metrics, but returns them."""

    def run(self):
        self.runner.call_hook('before_val_epoch')
        self.runner.model.eval()
        for idx, batch in enumerate(self.dataloader):
            self.run_iter(idx, batch)
        return self.evaluator.evaluate(len(self.dataloader.dataset))


@pytest.mark.parametrize('loop', [None, 'QuietValLoop', 'SecretValLoop'])
def test_a_search_with_odd_metrics_and_loops(tmp_path, loop):
    """faults/33-metrics; the evaluation, as of `mmlth connect`, gives the same numbers."""
    config = toy_config(tmp_path, **{'lottery.rounds': 1})
    config.val_evaluator.type = 'OddAccuracy'
    if loop:
        config.val_cfg = {'type': loop}
    rounds = mmlth.search(config)
    recorded = rounds[1]['metrics']
    assert 0 <= recorded['toy/accuracy'] <= 1
    assert recorded['toy/nested/pos/all'] == 0.6
    assert 'toy/complex' not in recorded
    ticket = ticket_of(tmp_path, 1)
    assert Evaluation(config, tmp_path / 'evaluated')(ticket.state_dict()) == recorded
    log = ' '.join(path.read_text() for path in tmp_path.rglob('round_00/**/*.log'))
    assert log.count('metrics that are no single number are not recorded') <= 1


@METRICS.register_module(force=True)
class NoNumber(BaseMetric):
    def process(self, data_batch, data_samples):
        self.results.append(1)

    def compute_metrics(self, results):
        return {'words': 'fine'}


def test_an_evaluation_without_any_number_is_refused_in_one_line(tmp_path):
    config = toy_config(tmp_path, **{'lottery.rounds': 1, 'val_evaluator': {'type': 'NoNumber'}})
    assert set(mmlth.search(config)[0]['metrics']) == {'train_loss'}
    ticket = ticket_of(tmp_path, 0)
    with pytest.raises(LotteryError, match='ValLoop gives no metric that is a number'):
        Evaluation(config, tmp_path / 'evaluated').measured(ticket.state_dict())


@LOOPS.register_module(force=True)
class OwnLoop(BaseLoop):
    """From scratch, as MMEngine allows: no epochs, no ``val_interval``."""

    def __init__(self, runner, dataloader, max_steps):
        super().__init__(runner, dataloader)
        self._max_iters, self._iter, self._epoch = max_steps, 0, 0

    @property
    def iter(self):
        return self._iter

    @property
    def epoch(self):
        return 0

    @property
    def max_iters(self):
        return self._max_iters

    @property
    def max_epochs(self):
        return 1

    def run(self):
        runner = self.runner
        runner.call_hook('before_train')
        runner.model.train()
        runner.call_hook('before_train_epoch')
        while self._iter < self._max_iters:
            for i, batch in enumerate(self.dataloader):
                runner.call_hook('before_train_iter', batch_idx=i, data_batch=batch)
                out = runner.model.train_step(batch, optim_wrapper=runner.optim_wrapper)
                runner.call_hook('after_train_iter', batch_idx=i, data_batch=batch, outputs=out)
                self._iter += 1
                if self._iter >= self._max_iters:
                    break
        if runner.val_loop:
            runner.val_loop.run()
        runner.call_hook('after_train')
        return runner.model


@LOOPS.register_module(force=True)
class CountsElsewhere(OwnLoop):
    @property
    def iter(self):
        return self.__dict__.setdefault('steps', 0)


@LOOPS.register_module(force=True)
class WithoutEnd(OwnLoop):
    @property
    def max_iters(self):
        raise AttributeError('max_iters')


@LOOPS.register_module(force=True)
class CountsInClass(OwnLoop):
    """Has no counter of its own before it trains."""

    _iter = 0

    def __init__(self, runner, dataloader, max_steps):
        super().__init__(runner, dataloader, max_steps)
        del self._iter


@LOOPS.register_module(force=True)
class CountsByProperty(OwnLoop):
    steps = 0

    @property
    def _iter(self):
        return self.steps

    @_iter.setter
    def _iter(self, value):
        self.steps = value


@LOOPS.register_module(force=True)
class CannotBeSet(OwnLoop):
    def __init__(self, runner, dataloader, max_steps):
        BaseLoop.__init__(self, runner, dataloader)
        self._max_iters, self._epoch = max_steps, 0

    @property
    def _iter(self):
        return 0


@LOOPS.register_module(force=True)
class Endless(OwnLoop):
    @property
    def max_iters(self):
        return None


@LOOPS.register_module(force=True)
class StartsOver(OwnLoop):
    def run(self):
        self._iter = 0
        return super().run()


@LOOPS.register_module(force=True)
class EpochsStartOver(EpochBasedTrainLoop):
    def run(self):
        self._iter = self._epoch = 0
        return super().run()


def own_loop(work_dir, kind, rewind='4it', **changes):
    config = toy_config(work_dir, **{'lottery.rounds': 1, 'lottery.rewind': rewind, **changes})
    config.train_cfg = {'type': kind, 'max_steps': 12}
    config.default_hooks.checkpoint = {'type': 'CheckpointHook', 'by_epoch': False, 'interval': 4}
    return config


@pytest.mark.parametrize(
    ('kind', 'rewind'),
    [('OwnLoop', '0'), ('OwnLoop', '4it'), ('CountsInClass', '4it'), ('CountsByProperty', '4it')],
)
def test_a_training_loop_from_scratch_searches(tmp_path, kind, rewind):
    """faults/30-custom-loop: rounds rewind to the step, and end where they should."""
    rounds = mmlth.search(own_loop(tmp_path, kind, rewind))
    assert [round_['round'] for round_ in rounds] == [0, 1]
    state = record(tmp_path)
    assert state['rewind']['iteration'] == int(rewind.removesuffix('it'))
    ticket = ticket_of(tmp_path, 1)
    assert ticket.mask.sparsity == pytest.approx(0.75, abs=0.01)
    kept = ticket.mask['conv.weight']
    assert not ticket.state_dict()['conv.weight'][~kept].any()


@pytest.mark.parametrize(
    ('kind', 'rewind', 'problem'),
    [
        ('CountsElsewhere', '4it', 'CountsElsewhere does not count its iterations in _iter'),
        ('CannotBeSet', '4it', 'CannotBeSet does not count its iterations in _iter'),
        ('WithoutEnd', '4it', 'WithoutEnd has no max_iters'),
        ('Endless', '0', 'Endless has max_iters=None'),
        ('OwnLoop', '1ep', 'counts epochs, but OwnLoop has none'),
    ],
)
def test_a_loop_that_cannot_rewind_is_refused_before_it_trains(tmp_path, kind, rewind, problem):
    with pytest.raises(LotteryError, match=problem):
        mmlth.search(own_loop(tmp_path / 'work', kind, rewind))
    assert not list((tmp_path / 'work').rglob('*.pth'))
    assert not (tmp_path / 'work/search.json').exists()


def test_a_loop_that_sets_back_the_resumed_counter_is_refused(tmp_path):
    """It would train each round in full, and call it rewound."""
    with pytest.raises(
        LotteryError, match='StartsOver was to go on after iteration 4, but is at 0'
    ):
        mmlth.search(own_loop(tmp_path, 'StartsOver'))
    assert not (tmp_path / 'tickets/round_01.safetensors').exists()


def test_epochs_that_start_over_are_refused_for_what_they_are(tmp_path):
    """Not for the length of an epoch, which is what the position within it would make of them."""
    config = toy_config(tmp_path, **{'lottery.rounds': 1, 'lottery.rewind': '8it'})
    config.train_cfg = {'type': 'EpochsStartOver', 'max_epochs': 3}
    with pytest.raises(LotteryError, match='EpochsStartOver was to go on after iteration 8'):
        mmlth.search(config)


@LOOPS.register_module(force=True)
class Curriculum(EpochBasedTrainLoop):
    """Every epoch but the first sees half of the data."""

    def run_epoch(self):
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        for idx, batch in enumerate(self.dataloader):
            if self._epoch and idx >= len(self.dataloader) // 2:
                break
            self.run_iter(idx, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1


def test_epochs_of_several_lengths(tmp_path):
    """The rewind step is where the epoch begins; a checkpoint goes on in the epoch it is of."""
    config = toy_config(tmp_path, **{'lottery.rounds': 1, 'lottery.rewind': '2ep'})
    config.train_cfg = {'type': 'Curriculum', 'max_epochs': 3}
    mmlth.search(config)
    state = record(tmp_path)
    assert state['rewind']['iteration'] == ITERATIONS_PER_EPOCH * 3 // 2
    whole = (tmp_path / 'tickets/round_01.safetensors').read_bytes()
    # The newest checkpoint of the round is that of its last epoch but one.
    (tmp_path / 'tickets/round_01.safetensors').unlink()
    (tmp_path / 'round_01/epoch_3.pth').unlink()
    (tmp_path / 'round_01/last_checkpoint').unlink()
    state['rounds'].pop()
    (tmp_path / 'search.json').write_text(json.dumps(state))
    config.resume = True
    config.experiment_name += '_again'
    Runner.from_cfg(config).train()
    assert (tmp_path / 'tickets/round_01.safetensors').read_bytes() == whole


class Label:
    pass


class Colour(enum.IntEnum):
    RED = 1


class Word(str, enum.Enum):
    RED = 'red'


HOLDS_ITSELF: dict = {}
HOLDS_ITSELF['again'] = HOLDS_ITSELF

METAINFO = {
    'enumeration': ({'names': {Colour.RED: Word.RED}}, {'names': {1: 'red'}}),
    'datetime64': ({'made': np.datetime64('2024-01-01')}, {'made': '2024-01-01'}),
    'nanoseconds': ({'made': np.array(['2024'], 'M8[ns]')}, None),
    'timedelta64': ({'span': np.timedelta64(1, 'D')}, {}),
    'record': ({'size': np.zeros(1, [('w', int)])[0]}, {'size': (0,)}),
    'sparse': ({'w': torch.eye(2).to_sparse()}, {}),
    'metatensor': ({'w': torch.ones(2, device='meta')}, {}),
    'surrogate': ({'file': '\ud800', '\ud800': 1}, {}),
    'array': ({'palette': np.array([[0, 0, 0], [255, 0, 0]])}, None),
    'strarray': ({'names': np.array(['neg', 'pos'])}, {'names': ['neg', 'pos']}),
    'dictkeys': ({'names': {'neg': 0, 'pos': 1}.keys()}, {'names': ['neg', 'pos']}),
    'aset': ({'rare': {'pos', 'neg'}}, {'rare': ['neg', 'pos']}),
    'intkeys': ({'names': {0: 'neg', 1: 'pos'}}, {'names': {0: 'neg', 1: 'pos'}}),
    'objects': ({'labels': [Label(), 'pos']}, {'labels': ['pos']}),
    'path': ({'source': Path('/data/x')}, {}),
    'place': ({'source': '/home/someone/labels.txt', 'name': 'a/b'}, {'name': 'a/b'}),
    'date': ({'made': datetime.date(2024, 1, 1)}, {'made': '2024-01-01'}),
    'npint': ({'count': np.int64(5)}, {'count': 5}),
    'class': ({'base': Label}, {}),
    'bytes': ({'raw': b'x'}, {}),
    'key': ({Label: 1}, {}),
}
OUT = {'objects': ['labels.0 (Label)'], 'path': ['source (PosixPath)'], 'class': ['base (type)']}


@DATASETS.register_module(force=True)
class MetaDataset(ToyDataset):
    def __init__(self, kind, **kwargs):
        super().__init__(**kwargs)
        self.metainfo = {'classes': ('dark', 'bright'), **METAINFO[kind][0]}


@pytest.mark.parametrize('kind', METAINFO)
def test_metainfo(kind, tmp_path):
    """faults/05-metainfo: plain values are kept, the rest is left out by name; tickets are read."""
    value, expected = METAINFO[kind]
    whole = {'classes': ('dark', 'bright'), **value}
    plain = plain_metainfo(whole)
    assert plain['classes'] == ('dark', 'bright')
    if expected is not None:
        assert {k: v for k, v in plain.items() if k != 'classes'} == expected
    if kind in OUT:
        assert left_out(whole) == OUT[kind]
    flatten(plain, 'state')  # as rewind files hold it
    path = tmp_path / 'ticket.safetensors'
    mask = mmlth.Mask({'w': torch.ones(2, 2, dtype=torch.bool)})
    save_ticket(Ticket(mask, {'w': torch.ones(2, 2)}, {'dataset_meta': plain}), path)
    meta = as_checkpoint(mmlth.load_ticket(path))['meta']['dataset_meta']
    assert repr(meta) == repr(plain)


@pytest.mark.parametrize('kind', ['enumeration', 'strarray', 'aset', 'objects', 'path', 'class'])
def test_a_search_with_such_metainfo(kind, tmp_path):
    config = toy_config(tmp_path, **{'lottery.rounds': 1, 'train_cfg.max_epochs': 2})
    config.train_dataloader.dataset = {'type': 'MetaDataset', 'kind': kind}
    assert len(mmlth.search(config)) == 2
    meta = ticket_of(tmp_path, 1).dataset_meta()
    assert meta['classes'] == ('dark', 'bright')
    log = ' '.join(path.read_text() for path in tmp_path.rglob('*.log'))
    assert ('The METAINFO of'.lower() in log.lower()) == (kind in OUT)


@pytest.mark.parametrize(
    ('value', 'problem'),
    [
        ({'neg': 0}.keys(), "MetaDataset cannot be pickled .cannot pickle 'dict_keys' object"),
        (lambda: None, 'MetaDataset cannot be pickled'),
        (HOLDS_ITSELF, 'MetaDataset holds itself'),
    ],
)
def test_metainfo_that_mmengine_could_not_resume_is_refused_before_it_trains(
    tmp_path, monkeypatch, value, problem
):
    monkeypatch.setitem(METAINFO, 'odd', ({'odd': value}, None))
    config = toy_config(tmp_path / 'work', **{'lottery.rounds': 1})
    config.train_dataloader.dataset = {'type': 'MetaDataset', 'kind': 'odd'}
    with pytest.raises(LotteryError, match=problem):
        mmlth.search(config)
    assert not list((tmp_path / 'work').rglob('*.pth'))
    assert not (tmp_path / 'work/search.json').exists()


@pytest.mark.parametrize('same', [True, False])
def test_joined_data_sets_have_a_list_of_metainfo(tmp_path, same):
    """faults/04-concat-metainfo: models get that of the first where all have the same classes."""
    metas = [{'classes': ('dark', 'bright'), 'palette': [(n, n, n)] * 2, 'n': n} for n in (1, 2)]
    if not same:
        metas[1]['classes'] = ('bright', 'dark')
    path = tmp_path / 'ticket.safetensors'
    mask = mmlth.Mask({'w': torch.ones(2, 2, dtype=torch.bool)})
    info = {'dataset_meta': plain_metainfo(metas)}
    save_ticket(Ticket(mask, {'w': torch.ones(2, 2)}, info), path)
    meta = as_checkpoint(mmlth.load_ticket(path))['meta']['dataset_meta']
    assert meta == (metas[0] if same else metas)


def test_a_search_on_joined_data_sets(tmp_path):
    one = {'type': 'MetaDataset', 'kind': 'npint'}
    two = {'type': 'MetaDataset', 'kind': 'date'}

    @DATASETS.register_module(force=True)
    class Joined(torch.utils.data.ConcatDataset):
        """As MMDetection's: a list of metainfo where the parts differ."""

        def __init__(self, datasets):
            super().__init__([DATASETS.build(each) for each in datasets])
            self.metainfo = [each.metainfo for each in self.datasets]

    config = toy_config(tmp_path, **{'lottery.rounds': 1, 'train_cfg.max_epochs': 2})
    config.train_dataloader.dataset = {'type': 'Joined', 'datasets': [one, two]}
    assert len(mmlth.search(config)) == 2
    ticket = ticket_of(tmp_path, 1)
    assert [part.get('count') for part in ticket.info['dataset_meta']] == [5, None]
    assert ticket.dataset_meta()['classes'] == ('dark', 'bright')


def test_a_ticket_that_could_not_be_read_is_not_written(tmp_path):
    mask = mmlth.Mask({'w': torch.ones(2, 2, dtype=torch.bool)})
    path = tmp_path / 'ticket.safetensors'
    with pytest.raises(DamagedTicketError, match='dataset_meta, got a str'):
        save_ticket(Ticket(mask, {'w': torch.ones(2, 2)}, {'dataset_meta': 'coco'}), path)
    assert list(tmp_path.iterdir()) == []
