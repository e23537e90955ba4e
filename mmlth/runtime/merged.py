"""What layers have taken over from the modules after them, and how these know."""

from typing import Any

from torch import Tensor, nn

from mmlth.runtime.errors import AccelerationError

_MARK = '_mmlth_merged'
_NO_TRAINING = 'an accelerated model cannot be trained; train the model that it was made from'


class Accelerated(nn.Module):
    """A module of an accelerated network: it neither trains, nor saves or loads weights."""

    def __init__(self) -> None:
        super().__init__()
        self.training = False

    def train(self, mode: bool = True) -> 'Accelerated':
        """Refuses to train.

        Raises:
            AccelerationError: If ``mode`` is true.
        """
        if mode:
            raise AccelerationError(_NO_TRAINING)
        super().train(False)
        return self

    def _save_to_state_dict(self, *_: Any) -> None:
        raise AccelerationError(
            'an accelerated model has no state_dict(); save the model that it was made from'
        )

    def _load_from_state_dict(self, *_: Any) -> None:
        raise AccelerationError(
            'an accelerated model cannot load weights; load them into the model that it was made '
            'from and accelerate that'
        )


class Merged(Accelerated):
    """A norm or an activation that layers have taken over, in its old place.

    It passes on what such a layer has just computed. Anything else goes through the original, which
    may serve others as well in another run of the network than the example's.

    Args:
        name: Its name in the network.
        original: The module that was here.
    """

    def __init__(self, name: str, original: nn.Module) -> None:
        super().__init__()
        self.name = name
        self.original = original

    def forward(self, x: Tensor) -> Tensor:
        """The input, if that is merged already, else what the original makes of it."""
        names, version = getattr(x, _MARK, ((), None))
        return x if self.name in names and version == _version(x) else self.original(x)


def marked(output: Tensor, names: tuple[str, ...]) -> Tensor:
    """Marks an output of a layer.

    Args:
        output: The output, which must not be changed before it reaches the modules.
        names: The modules that the layer has taken over.
    """
    if names:
        setattr(output, _MARK, (names, _version(output)))
    return output


def _version(tensor: Tensor) -> int | None:
    """How often a tensor was changed in place; tensors of inference mode do not count."""
    return None if tensor.is_inference() else tensor._version


def refuse_training(network: nn.Module) -> None:
    """Makes a network refuse to train as a whole, before any module of it is in training mode.

    Args:
        network: The network, in evaluation mode.
    """
    network.train = _EvaluationOnly(network)  # type: ignore[method-assign]


class _EvaluationOnly:
    """The ``train`` of such a network; copies and pickles keep it."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def __call__(self, mode: bool = True) -> nn.Module:
        if mode:
            raise AccelerationError(_NO_TRAINING)
        type(self.network).train(self.network, False)
        return self.network
