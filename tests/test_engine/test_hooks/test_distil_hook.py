"""The distillation of any training: what it adds, what it leaves alone, where it ends."""

import copy
import re

import pytest
import torch
from kit import bits
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner
from taught import TaughtModel
from toy import ITERATIONS_PER_EPOCH, toy_config

import mmlth
from mmlth import LotteryError, Mask, Ticket, save_ticket
from mmlth.engine.distillation import LOSS, lesson_of, teach, teacher_of
from mmlth.engine.models import losses_of

losses = []


@HOOKS.register_module(force=True)
class LossSpy(Hook):
    """Notes what each iteration returned to be logged."""

    def before_run(self, runner):
        losses.clear()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        losses.append({name: float(value) for name, value in outputs.items()})


def model_of(seed):
    torch.manual_seed(seed)
    model = TaughtModel()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def batch():
    generator = torch.Generator().manual_seed(0)
    return {
        'inputs': torch.randn(4, 3, 6, 6, generator=generator),
        'data_samples': torch.tensor([0, 1, 1, 0]),
    }


def taught(weight=1.0):
    student = model_of(0)
    teacher = teacher_of(student, model_of(1).state_dict())
    return student, teacher, teach(student, teacher, lesson_of(student), weight)


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    """A ticket of other weights."""
    path = tmp_path_factory.mktemp('teacher') / 'ticket.safetensors'
    weights = model_of(1).state_dict()
    save_ticket(Ticket(Mask.dense({'conv.weight': weights['conv.weight']}), weights), path)
    return path


def train(work_dir, hook=None, **changes):
    """Trains without a search; returns the Runner."""
    config = toy_config(work_dir, **changes)
    config.model = {'type': 'TaughtModel'}
    config.pop('lottery')
    config.custom_hooks = [{'type': 'LossSpy'}]
    if hook is not None:
        config.custom_hooks.append({'type': 'mmlth.DistilHook', **hook})
    runner = Runner.from_cfg(config)
    runner.train()
    return runner


def test_the_loss_is_added_and_only_the_student_learns():
    student, teacher, stop = taught(0.5)
    student.eval()
    student.training = True  # of the model itself; dropout and batch norm are as in the teacher
    total, parts = losses_of(student, batch())
    with torch.no_grad():
        maps = [
            model.head.forward(model.extract_feat(batch()['inputs']))
            for model in (student, teacher)
        ]
    expected = 0.5 * 2.0 * (maps[0] - maps[1]).square().mean()
    torch.testing.assert_close(parts[LOSS], expected)
    torch.testing.assert_close(total, parts['loss_kpt'] + expected)
    parts[LOSS].backward()
    assert all(parameter.grad is not None for parameter in student.parameters())
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert not any(module.training for module in teacher.modules())
    stop()
    assert LOSS not in losses_of(student, batch())[1]


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    student = model_of(0)
    teach(student, teacher_of(student, student.state_dict()), lesson_of(student), 1.0)
    student.eval()
    student.training = True
    assert losses_of(student, batch())[1][LOSS] == 0


def test_predictions_evaluations_and_copies_are_not_taught():
    student, _, _ = taught()
    twin = copy.deepcopy(student)
    assert LOSS not in losses_of(twin, batch())[1]
    student.eval()
    assert LOSS not in losses_of(student, batch())[1]
    assert student.forward(batch()['inputs']).shape == (4, 2, 6, 6)
    assert 'forward' not in vars(student.head)


def test_an_error_in_the_model_leaves_no_trace():
    student, _, _ = taught()
    with pytest.raises(RuntimeError, match='dtype'):
        student(batch()['inputs'], None, mode='loss')
    assert 'forward' not in vars(student.head)
    assert LOSS in losses_of(student, batch())[1]


class Interrupted(BaseException):
    """As Ctrl-C, of which torch's hooks are not told."""


def test_the_end_undoes_a_pass_that_was_broken_off(monkeypatch):
    student, _, stop = taught()

    def interrupt(*_):
        raise Interrupted

    monkeypatch.setattr(student.head.loss_module, 'forward', interrupt)
    with pytest.raises(Interrupted):
        losses_of(student, batch())
    assert 'forward' in vars(student.head)
    stop()
    assert 'forward' not in vars(student.head)


def test_a_loss_of_the_same_name_is_an_error(monkeypatch):
    student, _, _ = taught()
    monkeypatch.setattr('mmlth.engine.distillation.teaching.LOSS', 'loss_kpt')
    with pytest.raises(LotteryError, match='the model has a loss of its own that is called loss'):
        losses_of(student, batch())


@MODELS.register_module(force=True)
class ItsOwnWay(TaughtModel):
    """Computes its losses without a call of itself."""

    def train_step(self, data, optim_wrapper):
        losses = self.forward(data['inputs'], data['data_samples'], mode='loss')
        total, log = self.parse_losses(losses)
        optim_wrapper.update_params(total)
        return log


def test_a_model_that_cannot_be_taught_so_is_told_in_the_first_iteration(tmp_path, teacher):
    hook = {'type': 'mmlth.DistilHook', 'teacher': str(teacher)}
    config = toy_config(tmp_path, model={'type': 'ItsOwnWay'}, custom_hooks=[hook])
    config.pop('lottery')
    runner = Runner.from_cfg(config)
    with pytest.raises(LotteryError, match='ItsOwnWay trains without calling itself'):
        runner.train()
    assert runner.iter == 0


def test_no_random_number_is_drawn_and_nothing_is_added_to_the_model():
    student, untouched = model_of(0), model_of(0)
    keys, modules = list(student.state_dict()), len(list(student.modules()))
    weights = model_of(1).state_dict()
    before = torch.get_rng_state()
    teacher = teacher_of(student, weights)
    teach(student, teacher, lesson_of(student), 1.0)
    assert torch.equal(torch.get_rng_state(), before)
    kept = losses_of(student, batch())[1]['loss_kpt']
    after = torch.get_rng_state()
    torch.set_rng_state(before)
    assert losses_of(untouched, batch())[1]['loss_kpt'] == kept
    assert torch.equal(torch.get_rng_state(), after)
    assert list(student.state_dict()) == keys
    assert len(list(student.modules())) == modules
    for name, value in untouched.state_dict().items():  # running statistics saw one batch
        assert bits(value) == bits(student.state_dict()[name])


def test_a_head_that_is_asked_twice_is_an_error():
    student, _, _ = taught()

    original = student.extract_feat
    student.extract_feat = lambda images: (
        student.head.forward(original(images)),
        original(images),
    )[1]
    with pytest.raises(LotteryError, match=r'HeatmapHead\.forward gives once a batch.* 2 times'):
        losses_of(student, batch())


def test_looking_something_up_is_no_lesson():
    """As OHEM does, which classifies regions without gradients to choose some of them."""
    student, _, _ = taught()
    original = student.extract_feat

    def look_first(images):
        features = original(images)
        with torch.no_grad():
            student.head.forward(features)
        return features

    student.extract_feat = look_first
    assert LOSS in losses_of(student, batch())[1]


def test_any_training_can_have_a_teacher(tmp_path, teacher):
    """Its checkpoints are those of any; the weaker the loss, the less it does."""
    plain = train(tmp_path / 'plain').model.state_dict()
    assert all(LOSS not in each for each in losses)
    first = losses[0]['loss']
    runner = train(tmp_path / 'taught', {'teacher': str(teacher), 'weight': 3.0})
    assert all(each['loss'] == pytest.approx(each[LOSS] + each['loss_kpt']) for each in losses)
    assert losses[0]['loss_kpt'] == first  # of the same weights, with the same dropout
    assert losses[-1][LOSS] < losses[0][LOSS]
    mine = runner.model.state_dict()
    assert mine.keys() == plain.keys()
    assert not torch.equal(mine['conv.weight'], plain['conv.weight'])
    assert LOSS not in losses_of(runner.model.train(), batch())[1]
    names = {path.name for path in (tmp_path / 'taught').glob('*.pth')}
    assert names == {path.name for path in (tmp_path / 'plain').glob('*.pth')}
    files = [
        torch.load(tmp_path / run / 'epoch_3.pth', weights_only=False)
        for run in ('plain', 'taught')
    ]
    assert files[0].keys() == files[1].keys()
    assert files[0]['state_dict'].keys() == files[1]['state_dict'].keys()
    assert len(files[0]['optimizer']['state']) == len(files[1]['optimizer']['state'])
    least = train(tmp_path / 'least', {'teacher': str(teacher), 'weight': 1e-30})
    for name, value in least.model.state_dict().items():
        torch.testing.assert_close(value, plain[name])


def test_gradients_that_are_accumulated_are_of_both_losses(tmp_path, teacher):
    changes = {'optim_wrapper.accumulative_counts': 3}
    plain = train(tmp_path / 'plain', **changes).model.state_dict()
    mine = train(tmp_path / 'taught', {'teacher': str(teacher)}, **changes).model.state_dict()
    assert len(losses) == 3 * ITERATIONS_PER_EPOCH
    assert all(each[LOSS] > 0 for each in losses)
    assert not torch.equal(mine['conv.weight'], plain['conv.weight'])


def test_autocast_holds_for_the_teacher_and_not_for_the_loss():
    student, teacher, _ = taught()
    seen = []
    teacher.head.final_layer.register_forward_hook(lambda _, args, maps: seen.append(maps))
    with torch.autocast('cpu', torch.bfloat16):
        part = student(**batch(), mode='loss')[LOSS]
    part.backward()
    assert [maps.dtype for maps in seen] == [torch.bfloat16]
    assert not seen[0].requires_grad
    assert part.dtype == torch.float32
    assert student.conv.weight.grad.abs().sum() > 0


def test_averages_and_losses_of_validation_are_of_the_task(tmp_path, teacher):
    """Both are copies of the model, made while it is taught."""
    hooks = [{'type': 'EMAHook'}, {'type': 'mmlth.ValidationLossHook'}]
    config = toy_config(tmp_path)
    config.model = {'type': 'TaughtModel'}
    config.pop('lottery')
    config.custom_hooks = [*hooks, {'type': 'mmlth.DistilHook', 'teacher': str(teacher)}]
    runner = Runner.from_cfg(config)
    runner.train()
    names = set(
        re.findall(r'"(val/loss\w*)"', next(tmp_path.glob('*/vis_data/scalars.json')).read_text())
    )
    assert names == {'val/loss', 'val/loss_kpt'}
    checkpoint = torch.load(tmp_path / 'epoch_3.pth', weights_only=False)
    assert checkpoint['ema_state_dict'].keys() - {'steps'} == {
        f'module.{name}' for name in model_of(0).state_dict()
    }


def test_a_test_by_itself_reads_no_teacher(tmp_path):
    config = toy_config(tmp_path)
    config.model = {'type': 'TaughtModel'}
    config.pop('lottery')
    config.test_dataloader, config.test_evaluator = config.val_dataloader, config.val_evaluator
    config.test_cfg = {}
    config.custom_hooks = [{'type': 'mmlth.DistilHook', 'teacher': 'absent.safetensors'}]
    assert 'toy/accuracy' in Runner.from_cfg(config).test()


@pytest.mark.parametrize(
    ('hook', 'changes', 'message'),
    [
        ({'weight': 0}, {}, 'DistilHook.weight must be a number above 0, got 0'),
        ({'temperature': -1}, {}, 'DistilHook.temperature must be a number above 0, got -1'),
        ({'temperature': 2.0}, {}, 'of which HeatmapHead gives none, got 2.0; leave it out'),
        ({'teacher': 'a.safetensors'}, {}, "DistilHook.teacher='a.safetensors' does not exist"),
        ({}, {'compile': {}}, 'a compiled training step (compile={}) does not notice'),
        ({}, {'compile': True}, 'a compiled training step (compile=True) does not notice'),
    ],
)
def test_bad_input_is_told_in_a_line(tmp_path, teacher, hook, changes, message):
    with pytest.raises(LotteryError, match=re.escape(message)) as raised:
        train(tmp_path, {'teacher': str(teacher), **hook}, **changes)
    assert '\n' not in str(raised.value)
    assert not list(tmp_path.glob('*.pth'))


def test_a_model_has_one_teacher(tmp_path, teacher):
    config = toy_config(tmp_path)
    config.model = {'type': 'TaughtModel'}
    config.pop('lottery')
    config.custom_hooks = [{'type': 'mmlth.DistilHook', 'teacher': str(teacher)}] * 2
    with pytest.raises(LotteryError, match='custom_hooks has more than one DistilHook'):
        Runner.from_cfg(config).train()


def test_a_teacher_of_another_model_is_refused(tmp_path):
    save_ticket(
        Ticket(Mask({'w': torch.ones(2) > 0}), {'w': torch.ones(2)}), tmp_path / 'w.safetensors'
    )
    with pytest.raises(mmlth.ticket.TicketMismatchError, match='is a ticket of another model'):
        train(tmp_path / 'work', {'teacher': str(tmp_path / 'w.safetensors')})
