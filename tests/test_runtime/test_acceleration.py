"""An accelerated network computes what the given one does; what follows layers is merged."""

import copy
import pickle

import pytest
import torch
from mmdet.models.backbones import ResNet
from torch import nn

from mmlth.pruning import attach_mask, prune
from mmlth.runtime import AccelerationError, NoCompilerError, accelerate, tuning
from mmlth.runtime import network as networks
from mmlth.runtime.merged import Merged


def sparsified(model, density=0.3):
    """Random numbers in norms, and zeros in weights."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            kept = torch.rand(module.weight.shape, generator=generator) < density
            module.weight.data *= kept
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.bias, module.running_mean):
                nn.init.normal_(tensor, generator=generator)
            nn.init.uniform_(module.running_var, 0.5, 2, generator=generator)
    model.eval()
    return model


def outputs(model, x):
    with torch.no_grad():
        result = model(x.clone())
    return result if isinstance(result, tuple) else (result,)


def check(model, *sizes, other=None, choice='sparse'):
    """Accelerates and compares, also at another size and with two images."""
    done = accelerate(model, *sizes, show=None)
    assert done.choice == choice  # not the form that is left when others compute something else
    for size in [*sizes, other or (sizes[0][0] + 7, sizes[0][1] + 3)]:
        x = torch.randn(2, 3, *size)
        for expected, computed in zip(outputs(model, x), outputs(done.model, x)):
            scale = expected.abs().max()
            torch.testing.assert_close(computed / scale, expected / scale, rtol=1e-4, atol=1e-5)
    return done


class Net(nn.Module):
    """Convolutions and what may stand between them; ``forward`` is given."""

    def __init__(self, forward, **parts):
        super().__init__()
        self._forward = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self._forward(self, x)


def merged(model):
    """The names of what was merged."""
    return sorted(name for name, part in model.named_modules() if isinstance(part, Merged))


def again(model):
    return pickle.loads(pickle.dumps(model))  # noqa: S301


def kinds(model):
    return [type(module).__name__ for module in model.modules()]


@pytest.mark.usefixtures('always_sparse')
class TestMerging:
    def test_convolution_norm_activation(self):
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.SiLU(inplace=True))
        done = check(sparsified(model), (20, 30))
        assert kinds(done.model)[1:] == ['SparseConv2d', 'Merged', 'BatchNorm2d', 'Merged', 'SiLU']

    @pytest.mark.parametrize(
        'activation',
        [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.Hardswish(), nn.Hardtanh(-1, 2)],
    )
    def test_activations(self, activation):
        done = check(sparsified(nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), activation)), (9, 9))
        assert kinds(done.model)[1:3] == ['SparseConv2d', 'Merged']

    def test_an_unknown_activation_stays(self):
        done = check(sparsified(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh())), (9, 9))
        assert kinds(done.model)[1:] == ['SparseConv2d', 'Tanh']

    def test_a_convolution_that_others_use_keeps_its_norm(self):
        def forward(net, x):
            y = net.conv(x)
            return net.norm(y) + y

        model = Net(forward, conv=nn.Conv2d(3, 8, 3), norm=nn.BatchNorm2d(8))
        assert merged(check(sparsified(model), (9, 9)).model) == []

    def test_a_norm_that_others_use_keeps_its_activation(self):
        def forward(net, x):
            y = net.norm(net.conv(x))
            return net.relu(y) - y

        parts = dict(conv=nn.Conv2d(3, 8, 3), norm=nn.BatchNorm2d(8), relu=nn.ReLU())
        done = check(sparsified(Net(forward, **parts)), (9, 9))
        assert merged(done.model) == ['norm']

    def test_an_activation_after_a_sum_stays(self):
        def forward(net, x):
            y = net.conv(x)
            y += x
            return net.relu(y)

        model = Net(forward, conv=nn.Conv2d(3, 3, 3, padding=1), relu=nn.ReLU(inplace=True))
        assert merged(check(sparsified(model), (9, 9)).model) == []

    def test_a_shared_activation_of_convolutions_goes(self):
        def forward(net, x):
            return net.relu(net.second(net.relu(net.first(x))))

        parts = dict(first=nn.Conv2d(3, 4, 3), second=nn.Conv2d(4, 4, 3), relu=nn.ReLU())
        assert merged(check(sparsified(Net(forward, **parts)), (9, 9)).model) == ['relu']

    def test_one_convolution_with_a_norm_for_each_place(self):
        shared = nn.Conv2d(3, 3, 3, padding=1)
        towers = [nn.Sequential(shared, nn.BatchNorm2d(3), nn.ReLU()) for _ in range(2)]
        model = Net(lambda net, x: (net.a(x), net.b(x)), a=towers[0], b=towers[1])
        done = check(sparsified(model), (9, 9))
        assert kinds(done.model).count('SparseConv2d') == 2
        assert merged(done.model) == ['a.1', 'a.2', 'b.1', 'b.2']

    def test_one_activation_and_one_convolution_thrice_in_one_parent(self):
        act, conv = nn.SiLU(), nn.Conv2d(3, 3, 1)
        model = sparsified(nn.Sequential(conv, act, conv, act, conv, act))
        assert merged(check(model, (9, 9)).model) == ['1', '3', '5']

    def test_a_norm_of_a_class_of_ones_own_stays(self):
        class Activated(nn.BatchNorm2d):
            def forward(self, x):
                return super().forward(x).relu()

        model = nn.Sequential(nn.Conv2d(3, 8, 3), Activated(8))
        assert merged(check(sparsified(model), (9, 9)).model) == []

    @pytest.mark.parametrize('nested', [list, tuple, lambda pair: dict(enumerate(pair))])
    def test_what_is_returned_before_the_activation_is_used(self, nested):
        class Part(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.relu = nn.Conv2d(3, 8, 3), nn.ReLU()

            def forward(self, x):
                y = self.conv(x)
                return nested([self.relu(y), y])

        def forward(net, x):
            return net.part(x)[0], net.part(x)[1]

        assert merged(check(sparsified(Net(forward, part=Part())), (9, 9)).model) == []

    def test_what_the_network_returns_is_used(self):
        def forward(net, x):
            y = net.conv(x)
            return net.relu(y), y

        model = Net(forward, conv=nn.Conv2d(3, 8, 3), relu=nn.ReLU())
        assert merged(check(sparsified(model), (9, 9)).model) == []

    def test_attributes_that_are_numbers_are_used(self):
        def forward(net, x):
            y = net.fc(x)
            return net.relu(y) @ y.mT

        model = sparsified(Net(forward, fc=nn.Linear(30, 8), relu=nn.ReLU()))
        assert merged(check(model, (20, 30), other=(17, 30)).model) == []

    @pytest.mark.parametrize('kind', ['register_forward_hook', 'register_forward_pre_hook'])
    def test_modules_that_somebody_looks_at_stay(self, kind):
        calls = []
        model = sparsified(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()))
        getattr(model[2], kind)(lambda *_: calls.append(1))
        done = check(model, (9, 9))
        assert merged(done.model) == ['1']
        calls.clear()
        done.model(torch.randn(1, 3, 9, 9))
        assert calls == [1]

    @pytest.mark.parametrize(
        'watched',
        [
            'conv1',
            'maxpool',
            'layer1.0',
            'layer1.0.conv2',
            'layer1.0.relu',
            'layer2.0.downsample.0',
        ],
    )
    def test_hooks_anywhere_in_a_resnet_are_called_as_ever(self, watched):
        calls = []
        model = sparsified(ResNet(18))
        model.get_submodule(watched).register_forward_hook(lambda *_: calls.append(1))
        model(torch.randn(1, 3, 32, 32))
        expected = len(calls)
        done = check(model, (32, 32))
        calls.clear()
        done.model(torch.randn(1, 3, 32, 32))
        assert len(calls) == expected > 0

    def test_a_network_that_fails_when_merged_is_accelerated_unmerged(self, capsys):
        def forward(net, x):
            return net.relu(net.conv(x.to(net.conv.weight.dtype)))

        model = sparsified(Net(forward, conv=nn.Conv2d(3, 8, 3), relu=nn.ReLU()))
        done = accelerate(model, (9, 9))
        assert (done.choice, merged(done.model)) == ('sparse', [])
        assert 'nothing is merged, since the network then fails' in capsys.readouterr().out

    def test_a_layer_that_does_not_run_by_itself_stays(self):
        class Steered(nn.Conv2d):
            def forward(self, x, factor):
                return factor * super().forward(x)

        def forward(net, x):
            return net.second(net.first(x, 2.0))

        model = Net(forward, first=Steered(3, 8, 3), second=nn.Conv2d(8, 8, 3))
        done = check(sparsified(model), (9, 9))
        assert [(each.choice, each.reason) for each in done.layers] == [
            ('dense', 'does not run by itself'),
            ('sparse', ''),
        ]

    def test_an_activation_of_a_class_of_ones_own_stays(self):
        class Sixth(nn.ReLU6):
            def forward(self, x):
                return super().forward(x) / 6

        def run_only(net):
            net(torch.randn(1, 3, 9, 9))

        model = sparsified(nn.Sequential(nn.Conv2d(3, 8, 3), Sixth()))
        done = accelerate(model, run_only, show=None)
        x = torch.randn(1, 3, 9, 9)
        torch.testing.assert_close(done.model(x), model(x), rtol=1e-4, atol=1e-5)

    def test_what_was_merged_may_serve_others_in_another_run(self):
        """Here for small images, of which there was no example."""

        def forward(net, x):
            y = net.act(net.norm(net.conv(x)))
            return net.act(net.norm(y - 1)) if x.shape[-1] < 10 else y

        parts = dict(conv=nn.Conv2d(3, 8, 3), norm=nn.BatchNorm2d(8), act=nn.SiLU())
        model = sparsified(Net(forward, **parts))
        done = accelerate(model, (20, 20), show=None)
        assert merged(done.model) == ['act', 'norm']
        for size in (20, 9):
            x = torch.randn(1, 3, size, size)
            torch.testing.assert_close(done.model(x), model(x), rtol=1e-4, atol=1e-5)

    def test_a_form_that_fails_is_left_out(self, capsys):
        def forward(net, x):
            return net.conv(x).view(len(x), -1)

        model = sparsified(Net(forward, conv=nn.Conv2d(3, 8, 3)))
        done = accelerate(model, (9, 9))
        assert done.choice == 'sparse'
        assert 'or computes something else on the examples: dense, channels last' in (
            capsys.readouterr().out
        )

    @pytest.mark.parametrize('wrong', ['two arguments', 'a tuple', 'another shape'])
    def test_foreign_blocks_of_the_same_name(self, wrong):
        class Bottleneck(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(3, 3, 3 if wrong == 'another shape' else 1)

            def forward(self, x, *more):
                if wrong == 'two arguments' and not more:
                    raise TypeError('more')
                return (self.conv1(x),) if wrong == 'a tuple' else self.conv1(x)

        def forward(net, x):
            y = net.block(x, 1) if wrong == 'two arguments' else net.block(x)
            return net.relu(y[0] if wrong == 'a tuple' else y)

        done = check(sparsified(Net(forward, block=Bottleneck(), relu=nn.ReLU())), (9, 9))
        assert 'ResidualBlock' not in kinds(done.model)

    def test_single_images_and_empty_batches(self):
        def forward(net, x):
            return net.one(x[0]), net.none(x[:0])

        model = sparsified(Net(forward, one=nn.Conv2d(3, 8, 3), none=nn.Conv2d(3, 8, 3)))
        done = accelerate(model, (9, 9), show=None)
        assert [layer.reason for layer in done.layers] == ['ran on single images', 'ran on nothing']

    def test_the_whole_refuses_to_train_before_any_part_does(self):
        model = sparsified(nn.Sequential(nn.Dropout(), nn.Conv2d(3, 8, 3)))
        done = accelerate(model, (9, 9), show=None)
        for network in (done.model, copy.deepcopy(done.model), again(done.model)):
            with pytest.raises(AccelerationError, match='cannot be trained'):
                network.train()
            assert not any(module.training for module in network.modules())
            assert network.eval() is network

    def test_a_layer_that_runs_on_several_sizes(self):
        def forward(net, x):
            return net.conv(x), net.conv(x[..., ::2, ::2])

        done = check(sparsified(Net(forward, conv=nn.Conv2d(3, 8, 3))), (20, 30))
        assert done.layers[0].shapes == ((1, 3, 20, 30), (1, 3, 10, 15))

    def test_layers_that_stay_dense(self):
        model = nn.Sequential(
            nn.Conv2d(3, 6, 3, groups=3),
            nn.Conv2d(6, 6, 3, padding=1, padding_mode='reflect'),
            nn.Conv2d(6, 6, (2, 3), padding='same'),
            nn.Conv2d(6, 6, (3, 5), padding='same'),
            nn.ConvTranspose2d(6, 6, 2),
        )
        done = check(sparsified(model), (20, 30))
        reasons = [layer.reason for layer in done.layers]
        assert reasons == ['grouped', 'padded in its own way', 'padded in its own way', '']
        assert [layer.choice for layer in done.layers] == ['dense'] * 3 + ['sparse']

    def test_a_convolution_with_a_forward_of_its_own_stays(self):
        class Scaled(nn.Conv2d):
            def forward(self, x):
                return 2 * super().forward(x)

        model = sparsified(nn.Sequential(Scaled(3, 8, 3), nn.BatchNorm2d(8)))
        done = check(model, (9, 9), choice='dense')
        assert done.layers[0].reason == 'computes something of its own'

    def test_linear_layers(self):
        model = nn.Sequential(nn.Flatten(2), nn.Linear(90, 7), nn.ReLU(), nn.Linear(7, 5))
        done = accelerate(sparsified(model), torch.randn(2, 3, 9, 10), show=None)
        x = torch.randn(4, 3, 9, 10)
        torch.testing.assert_close(done.model(x), model(x))
        assert kinds(done.model)[2:] == ['SparseLinear', 'Merged', 'ReLU', 'SparseLinear']

    @pytest.mark.parametrize('depth', [18, 50])
    def test_blocks_of_a_resnet(self, depth):
        model = sparsified(ResNet(depth, base_channels=8))
        done = check(model, (64, 96))
        names = {layer.name for layer in done.layers}
        assert names == {n for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}
        assert 'Conv2d' not in kinds(done.model)
        assert {kind for kind in kinds(done.model) if 'Block' in kind} == {'ResidualBlock'}

    def test_a_block_that_computes_something_else_stays(self):
        class BasicBlock(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1, self.conv2 = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
                self.relu = nn.ReLU()

            def forward(self, x):
                return self.relu(self.conv2(self.relu(self.conv1(x))) - x)

        assert 'ResidualBlock' not in kinds(
            check(sparsified(nn.Sequential(BasicBlock())), (9, 9)).model
        )

    def test_masked_modules(self):
        model = nn.Sequential(nn.Conv2d(3, 8, 3)).eval()
        attach_mask(model, prune({'0.weight': model[0].weight.detach()}, sparsity=0.8))
        done = check(model, (9, 9))
        assert kinds(done.model)[1:] == ['SparseConv2d']
        assert done.layers[0].density == pytest.approx(0.2, abs=0.01)

    def test_two_networks_in_one_process(self):
        first, second = (sparsified(ResNet(18, base_channels=4)) for _ in range(2))
        fast = [accelerate(model, (32, 32), show=None).model for model in (first, second)]
        x = torch.randn(1, 3, 32, 32)
        for model, accelerated in zip((first, second), fast):
            for expected, computed in zip(outputs(model, x), outputs(accelerated, x)):
                torch.testing.assert_close(computed, expected, rtol=1e-4, atol=1e-5)

    def test_copies_and_pickles_of_the_network(self):
        done = accelerate(sparsified(ResNet(18, base_channels=4)), (32, 32), show=None)
        x = torch.randn(1, 3, 32, 32)
        for other in (copy.deepcopy(done.model), again(done.model)):
            assert all(map(torch.equal, outputs(other, x), outputs(done.model, x)))

    def test_the_given_network_stays_as_it_is(self):
        model = sparsified(ResNet(18, base_channels=4))
        model.train()
        before = copy.deepcopy(model)
        accelerate(model, (32, 32), show=None)
        assert str(model) == str(before)
        assert [m.training for m in model.modules()] == [m.training for m in before.modules()]
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, before.state_dict()[name]), name
        assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_table(monkeypatch, capsys):
    seconds = {'dense': 2e-3, 'sparse': 1e-3}
    monkeypatch.setattr(tuning, 'timed', lambda runs, _: {n: seconds.get(n, 1.0) for n in runs})
    monkeypatch.setattr(
        networks, 'timed', lambda runs, _: {n: {'given': 3.0}.get(n, 2.0) for n in runs}
    )
    model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.Conv2d(8, 8, 3, groups=2)).eval()
    model[0].weight.data[:4] = 0
    done = accelerate(model, (9, 9))
    printed = capsys.readouterr().out
    assert printed.strip() == str(done)
    head, first, second, last = str(done).splitlines()
    assert head.split() == ['layer', 'input', 'density', 'dense', 'ms', 'sparse', 'ms', 'choice']
    assert first.split() == ['0', '3×9×9', '50.0%', '2.000', '1.000', 'sparse']
    assert second.split() == ['1', '8×7×7', '100.0%', '2.000', 'dense', '(grouped)']
    assert last == (
        'the network: 3000.0 ms as given, 2000.0 ms accelerated (1.50×): 1 of 2 layers sparse'
    )
    with capsys.disabled():
        accelerate(model, (9, 9), show=None)
    assert capsys.readouterr().out == ''


def test_layers_and_networks_that_do_not_gain_stay_dense(monkeypatch):
    monkeypatch.setattr(
        tuning, 'timed', lambda runs, _: {name: 2.0 if name == 'sparse' else 1.0 for name in runs}
    )
    model = sparsified(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))
    done = accelerate(model, (9, 9), show=None)
    assert 'SparseConv2d' not in kinds(done.model)
    x = torch.randn(1, 3, 9, 9)
    torch.testing.assert_close(done.model(x), model(x))


def test_the_network_as_a_whole_may_be_faster_dense(monkeypatch):
    monkeypatch.setattr(networks, 'timed', lambda runs, _: dict(zip(runs, [4.0, 3.0, 2.0, 5.0])))
    monkeypatch.setattr(tuning, 'GAIN', float('inf'))
    model = sparsified(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))
    done = accelerate(model, (9, 9), show=None)
    assert (done.choice, done.model_ms) == ('dense, channels last', 2000)
    assert [layer.choice for layer in done.layers] == ['dense']
    assert 'SparseConv2d' not in kinds(done.model)
    with pytest.raises(AccelerationError, match='no state_dict'):
        done.model.state_dict()
    assert 'which is faster as a whole' in str(done)


def test_without_a_compiler_it_stays_dense(monkeypatch, capsys):
    def fail():
        raise NoCompilerError('there is no C++ compiler; install one')

    monkeypatch.setattr(networks, 'kernel', fail)
    model = sparsified(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))
    done = accelerate(model, (9, 9))
    first, _ = capsys.readouterr().out.splitlines()
    assert first == 'the network stays dense: there is no C++ compiler; install one'
    assert done.layers == ()
    x = torch.randn(1, 3, 9, 9)
    torch.testing.assert_close(done.model(x), model(x))


@pytest.mark.parametrize(
    ('examples', 'message'),
    [
        ((), r'needs an example, such as \(height, width\)'),
        (('640',), r'must be a tensor, \(height, width\), or a function .* got str'),
        (((640,),), r'must be a tensor, \(height, width\), or a function .* got \(640,\)'),
        (((2, 2),), r'the network does not run on example 1: .*Kernel size'),
    ],
)
def test_examples_that_are_refused(examples, message):
    with pytest.raises(AccelerationError, match=message) as error:
        accelerate(nn.Conv2d(3, 8, 3), *examples, show=None)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda net: net.double(), '0.weight is in torch.float64 on cpu; convert it'),
        (lambda net: net.to('meta'), '0.weight is in torch.float32 on meta; convert it'),
    ],
)
def test_networks_of_other_numbers_are_refused(change, message):
    with pytest.raises(AccelerationError, match=message):
        accelerate(change(nn.Sequential(nn.Conv2d(3, 8, 3))), (9, 9), show=None)


def test_why_nothing_is_sparse_is_told(monkeypatch):
    monkeypatch.setattr(tuning, 'GAIN', 0.0)
    done = accelerate(sparsified(nn.Sequential(nn.Conv2d(3, 8, 3))), (9, 9), show=None)
    assert done.choice != 'sparse'
    assert 'since no layer gains' in str(done)


def test_networks_that_are_refused(always_sparse):
    network = sparsified(nn.Sequential(nn.Conv2d(3, 4, 3)))
    fast = accelerate(network, (9, 9), show=None).model
    with pytest.raises(AccelerationError, match='already accelerated'):
        accelerate(fast, (9, 9), show=None)
