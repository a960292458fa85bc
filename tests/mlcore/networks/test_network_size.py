"""A description of a few numbers cannot make a network of any size."""

from typing import Any

import pytest
import torch
from torch import nn

from mlcore.errors import ProtocolError
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.network_size import bounded_size


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"norm_layer": "x"}, "KeyError: 'x'"),
        ({"layers": "x"}, "TypeError"),
        ({"layers": [10**400]}, "OverflowError"),
    ],
)
def test_arguments_that_an_architecture_cannot_take_are_told(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ProtocolError, match=f"cannot build backbone 'resnet18' with these arguments: {said}"):
        build_backbone(BackboneSpec("resnet18", "local", arguments))


def test_a_network_of_endless_layers_is_not_built_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.networks.network_size.MOST_MODULES", 200)
    with pytest.raises(ProtocolError, match="more than 200 modules"):
        build_backbone(BackboneSpec("resnet10t", "local", {"layers": [10**6] * 4}))


def test_a_layer_that_would_not_fit_is_refused_before_it_is_filled() -> None:
    with pytest.raises(ProtocolError, match="more than 2,147,483,648 parameters|allocate"):
        build_backbone(BackboneSpec("vit_tiny_patch16_224", "local", {"embed_dim": 60_000, "num_heads": 1, "depth": 2}))


def test_the_bound_ends_with_the_building_and_on_an_error() -> None:
    with pytest.raises(ValueError, match="more than 2 modules"), bounded_size(modules=2):
        nn.Sequential(nn.ReLU(), nn.ReLU(), nn.ReLU())
    assert len(nn.Sequential(*(nn.ReLU() for _ in range(5)))) == 5
    with bounded_size(parameters=6):
        assert torch.equal(nn.Linear(2, 2).weight.new_zeros(1), torch.zeros(1))
