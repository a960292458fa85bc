"""Optimiser, schedule, and which parameters are trained in an epoch."""

import math
from typing import Any

import torch
from torch import nn

from mlcore.config import Protocol
from mlcore.networks.embedder import Embedder
from mlcore.networks.stages import freeze_batch_norm, last_stage_parameters, rest_batch_norm_of_frozen_stages

OPTIMIZERS: dict[str, tuple[Any, dict[str, float]]] = {
    "adam": (torch.optim.Adam, {}),
    "adamw": (torch.optim.AdamW, {}),
    "rmsprop": (torch.optim.RMSprop, {"momentum": 0.9}),
}


def rate_factor(protocol: Protocol, progress: float) -> float:
    """Return what the schedule multiplies every rate by, after `progress` (0..1) of the training."""
    if protocol.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if protocol.schedule == "step":
        return protocol.step_factor ** math.floor(progress * protocol.epochs / protocol.step_epochs)
    return 1.0


def prepare_for_epoch(protocol: Protocol, embedder: Embedder, epoch: int) -> None:
    """Choose what learns in this epoch, and the mode of the BatchNorms."""
    embedder.train()
    for parameter in [*embedder.backbone.parameters(), *embedder.pool.parameters()]:
        parameter.requires_grad_(False)
    for parameter in _head_parameters(protocol, embedder):
        parameter.requires_grad_(True)
    resting = protocol.trains == "head" or epoch <= protocol.warmup_epochs
    if resting:
        embedder.backbone.eval()
        return
    for parameter in _learning_parameters(protocol, embedder):
        parameter.requires_grad_(True)
    rest_batch_norm_of_frozen_stages(embedder.backbone)
    if protocol.batch_norm != "trained":
        freeze_batch_norm(embedder.backbone, affine=protocol.batch_norm == "frozen")


def _learning_parameters(protocol: Protocol, embedder: Embedder) -> list[nn.Parameter]:
    if protocol.trains == "head":
        return []
    if protocol.trains == "last_stage":
        return last_stage_parameters(embedder.backbone)
    return list(embedder.backbone.parameters())


def _head_parameters(protocol: Protocol, embedder: Embedder) -> list[nn.Parameter]:
    """Return what learns at the head's rate; where only the head trains, features are pooled once and for all."""
    pooling = [] if protocol.trains == "head" else list(embedder.pool.parameters())
    return [*pooling, *embedder.head.parameters()]


def build_optimizer(protocol: Protocol, embedder: Embedder, loss: nn.Module) -> torch.optim.Optimizer:
    """Give backbone, head and proxies a group each, with a rate of its own; weight decay is the same for all."""
    rate = protocol.learning_rate
    groups = [
        ("backbone", _learning_parameters(protocol, embedder), rate),
        ("head", _head_parameters(protocol, embedder), rate * protocol.head_rate_factor),
        ("proxies", list(loss.parameters()), rate * protocol.proxy_rate_factor),
    ]
    kind, own = OPTIMIZERS[protocol.optimizer]
    optimizer: torch.optim.Optimizer = kind(
        [{"name": name, "params": params, "lr": value, "base_rate": value} for name, params, value in groups if params],
        eps=protocol.adam_eps,
        weight_decay=protocol.weight_decay,
        **own,
    )
    return optimizer
