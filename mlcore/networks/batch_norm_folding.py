"""Convolutions that take over the BatchNorm behind them, while its statistics are frozen.

With frozen statistics a BatchNorm scales and shifts each channel, which the convolution before it can do by its own
weights. The network computes the same function and its parameters get the same gradients, but for rounding. The passes
over the activations are saved, forward and backward, and on a CPU these take a third of a step.
"""

from collections import Counter
from typing import Any

import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

TOLERANCE = 1e-3
"""Largest difference of outputs, relative to the largest output, that is rounding; float32 leaves about 3e-5."""


def fold_batch_norms(backbone: nn.Module, crop: int) -> int:
    """Fold every BatchNorm that alone reads a convolution's output into that convolution; return how many.

    Parameters, buffers and their names stay as they are; what is folded stays folded. Call it where no BatchNorm ever
    learns statistics. crop: side of its pictures. A backbone that reads an output twice would compute something else by
    folding, and is left as it is.
    """
    training, parameter = backbone.training, next(backbone.parameters())
    noise = torch.randn(2, 3, crop, crop, generator=torch.Generator().manual_seed(0))  # and none of the run's numbers
    images = noise.to(parameter.device, parameter.dtype)
    backbone.eval()
    with torch.no_grad():
        before = backbone.forward_features(images)  # type: ignore[operator]
        folded = [_FoldedPair(conv, norm) for conv, norm in _pairs(backbone, images)]
        after = backbone.forward_features(images)  # type: ignore[operator]
    backbone.train(training)
    if bool((after - before).abs().max() <= TOLERANCE * before.abs().max()):
        return len(folded)
    for pair in folded:
        pair.unfold()
    return 0


class _FoldedPair:
    """A convolution that computes with scaled weights, and its BatchNorm, which does no more than its activation."""

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        self.conv, self.norm = conv, norm
        self.hooks: list[RemovableHandle] = [
            conv.register_forward_pre_hook(self._scale),
            conv.register_forward_hook(self._restore, always_call=True),
        ]
        norm.forward = self._activation  # type: ignore[assignment,method-assign]

    def unfold(self) -> None:
        """Let both compute as before."""
        for hook in self.hooks:
            hook.remove()
        del self.norm.forward

    def _scale(self, conv: nn.Module, inputs: object) -> None:
        norm, mean, variance = self.norm, self.norm.running_mean, self.norm.running_var
        if mean is None or variance is None:
            raise TypeError("a BatchNorm without statistics cannot be folded")
        scale = torch.rsqrt(variance + norm.eps) * norm.weight
        weight, bias = self.conv.weight, self.conv.bias
        # What stands in a module's __dict__ is found before its parameters, which stay as they are.
        conv.__dict__["weight"] = weight * scale.view(-1, 1, 1, 1)
        conv.__dict__["bias"] = norm.bias + ((0 if bias is None else bias) - mean) * scale

    def _restore(self, conv: nn.Module, inputs: object, output: object) -> None:
        del conv.__dict__["weight"], conv.__dict__["bias"]

    def _activation(self, inputs: Tensor) -> Tensor:
        if isinstance(self.norm, BatchNormAct2d):
            activated: Tensor = self.norm.act(self.norm.drop(inputs))
            return activated
        return inputs


def _can_fold(module: nn.Module) -> bool:
    plain = type(module) in (nn.BatchNorm2d, BatchNormAct2d) and "forward" not in module.__dict__
    return plain and bool(module.affine and module.track_running_stats)


def _pairs(backbone: nn.Module, images: Tensor) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Return each convolution with the BatchNorm that reads its output, where both are called once."""
    given: dict[int, tuple[Any, Tensor]] = {}  # by the output's id, which stays its own while it is kept
    found: list[tuple[Any, Any]] = []

    def remember(conv: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        given[id(output)] = (conv, output)

    def pair(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        if id(inputs[0]) in given:
            found.append((given[id(inputs[0])][0], norm))

    hooks: list[RemovableHandle] = []
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(remember))
        elif _can_fold(module):
            hooks.append(module.register_forward_pre_hook(pair))
    backbone.forward_features(images)  # type: ignore[operator]
    for hook in hooks:
        hook.remove()
    calls = Counter(id(module) for both in found for module in both)
    return [both for both in found if all(calls[id(module)] == 1 for module in both)]
