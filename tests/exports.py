"""Models at 80 % sparsity that compute something in every layer, and their tickets."""

import torch
from torch import nn

from mmlth.engine import build_model
from mmlth.engine.configs.decisive_settings import result_affecting_config
from mmlth.pruning import attach_mask, attached_mask, find_targets, prune
from mmlth.ticket import Ticket, save_ticket


def relative(inputs):
    """Of every layer something is left, so that no output is zero."""
    weights = inputs.weights
    return {name: weight.abs() / weight.abs().mean() for name, weight in weights.items()}


def masked_model(config):
    torch.manual_seed(0)
    model = build_model(config).eval()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    weights = {target.name: target.parameter.detach() for target in find_targets(model)}
    attach_mask(model, prune(weights, sparsity=0.8, score=relative))
    return model


def save(model, config, path):
    info = {'config': result_affecting_config(config, {})}
    save_ticket(Ticket(attached_mask(model), model.state_dict(), info), path)
