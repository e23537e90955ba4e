"""Models of MMEngine: built, unwrapped, and run on data."""

from mmlth.engine.models.acceleration import accelerate
from mmlth.engine.models.building import build_model, initialise, stock_model
from mmlth.engine.models.counting import ForwardMacs, forward_macs
from mmlth.engine.models.folding import folded
from mmlth.engine.models.forward import Forward, forward_of
from mmlth.engine.models.losses import losses_of, own_message_hub
from mmlth.engine.models.scored_network import ConfigNetwork, without_process_group
from mmlth.engine.models.unwrapped import averaged_model, averaged_models, bare_model, ema_hooks

__all__ = [
    'ConfigNetwork',
    'Forward',
    'ForwardMacs',
    'accelerate',
    'averaged_model',
    'averaged_models',
    'bare_model',
    'build_model',
    'ema_hooks',
    'folded',
    'forward_macs',
    'forward_of',
    'initialise',
    'losses_of',
    'own_message_hub',
    'stock_model',
    'without_process_group',
]
