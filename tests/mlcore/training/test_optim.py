"""What learns when, and how fast."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mlcore.config import Protocol
from mlcore.losses import build_loss
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.embedder import Embedder
from mlcore.training.optim import build_optimizer, prepare_for_epoch, rate_factor
from tests.mlcore.tiny import tiny_protocol

pytestmark = pytest.mark.usefixtures("one_thread")

State = dict[str, Tensor]


def network(pooling: str = "average") -> Embedder:
    torch.manual_seed(0)
    spec = BackboneSpec("test_resnet", "scratch")
    return Embedder(build_backbone(spec), spec, pooling, 8)


def proxies(dim: int = 8) -> nn.Module:
    return build_loss("normalized_softmax", num_classes=3, dim=dim)


def changed_by_a_step(protocol: Protocol, epoch: int) -> dict[str, bool]:
    """Train one step of an epoch; say of every tensor of the network whether it changed."""
    embedder, loss = network(protocol.pooling), proxies()
    optimizer = build_optimizer(protocol, embedder, loss)
    prepare_for_epoch(protocol, embedder, epoch)
    before = {name: tensor.clone() for name, tensor in embedder.state_dict().items()}
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0)) + 1
    loss(embedder(images), torch.arange(6) % 3).backward()
    optimizer.step()
    return {name: not torch.equal(tensor, before[name]) for name, tensor in embedder.state_dict().items()}


def kind_of(embedder: Embedder, name: str) -> str:
    """Return whether a tensor is a head's, a norm's statistic, a norm's weight, or another weight."""
    module = embedder.get_submodule(name.rpartition(".")[0])
    if not name.startswith("backbone."):
        return "head"
    if not isinstance(module, nn.BatchNorm2d):
        return "weight"
    return "affine" if name.endswith(("weight", "bias")) else "statistic"


def kinds_that_change(epoch: int = 1, **changes: Any) -> set[str]:
    changed = changed_by_a_step(tiny_protocol(warmup_epochs=0, weight_decay=0, **changes), epoch)
    embedder = network()
    kinds: dict[str, set[bool]] = {}
    for name, change in changed.items():
        kinds.setdefault(kind_of(embedder, name), set()).add(change)
    assert set(kinds) == {"head", "weight", "affine", "statistic"}
    return {kind for kind, found in kinds.items() if True in found}


def test_warm_up_rests_the_backbone_and_its_statistics() -> None:
    protocol = tiny_protocol(warmup_epochs=1, batch_norm="trained")
    first, second = changed_by_a_step(protocol, 1), changed_by_a_step(protocol, 2)
    assert not any(change for name, change in first.items() if name.startswith("backbone."))
    assert first["head.weight"]
    assert second["backbone.conv1.0.weight"]


@pytest.mark.parametrize(
    ("batch_norm", "expected"),
    [
        ("frozen", {"head", "weight"}),
        ("frozen-statistics", {"head", "weight", "affine"}),
        ("trained", {"head", "weight", "affine", "statistic"}),
    ],
)
def test_batch_norm_learns_as_much_as_the_protocol_says(batch_norm: str, expected: set[str]) -> None:
    assert kinds_that_change(batch_norm=batch_norm) == expected


def test_a_frozen_backbone_does_not_change() -> None:
    assert kinds_that_change(trains="head", batch_norm="trained") == {"head"}


def test_only_the_last_stage_learns_when_asked() -> None:
    changed = changed_by_a_step(tiny_protocol(trains="last_stage", batch_norm="frozen", warmup_epochs=0), 1)
    assert not changed["backbone.conv1.0.weight"]
    assert changed["backbone.layer4.0.conv1.weight"]


def test_proxies_and_head_have_groups_and_rates_of_their_own() -> None:
    protocol = tiny_protocol(learning_rate=0.01, head_rate_factor=2, proxy_rate_factor=30, weight_decay=0.5)
    embedder, loss = network(), proxies()
    groups = {group["name"]: group for group in build_optimizer(protocol, embedder, loss).param_groups}
    assert {name: pytest.approx(group["base_rate"]) for name, group in groups.items()} == {
        "backbone": 0.01,
        "head": 0.02,
        "proxies": 0.3,
    }
    assert groups["proxies"]["params"] == list(loss.parameters())
    assert {group["weight_decay"] for group in groups.values()} == {0.5}
    parameters = sum(len(group["params"]) for group in groups.values())
    assert parameters == len(list(embedder.parameters())) + len(list(loss.parameters()))


def test_a_loss_without_proxies_has_no_group_of_them() -> None:
    loss = build_loss("multi_similarity", num_classes=3, dim=8)
    optimizer = build_optimizer(tiny_protocol(trains="head"), network(), loss)
    assert [group["name"] for group in optimizer.param_groups] == ["head"]


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)])
def test_the_optimiser_is_the_protocols(name: str, kind: type) -> None:
    optimizer = build_optimizer(tiny_protocol(optimizer=name, adam_eps=0.01), network(), proxies())
    assert type(optimizer) is kind
    assert {group["eps"] for group in optimizer.param_groups} == {0.01}


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("constant", 0.9, 1.0),
        ("cosine", 0.0, 1.0),
        ("cosine", 0.25, 0.5 * (1 + math.sqrt(0.5))),
        ("cosine", 1.0, 0.0),
        ("step", 0.19, 1.0),
        ("step", 0.2, 0.5),
        ("step", 0.99, 0.0625),
    ],
)
def test_the_schedule_multiplies_every_rate(schedule: str, progress: float, expected: float) -> None:
    protocol = tiny_protocol(schedule=schedule, epochs=10, step_epochs=2, step_factor=0.5)
    assert rate_factor(protocol, progress) == pytest.approx(expected, abs=1e-12)


def test_rmsprop_has_the_momentum_of_the_reality_check() -> None:
    optimizer = build_optimizer(tiny_protocol(optimizer="rmsprop", weight_decay=1e-4), network(), proxies())
    assert isinstance(optimizer, torch.optim.RMSprop)
    assert {(group["momentum"], group["weight_decay"]) for group in optimizer.param_groups} == {(0.9, 1e-4)}


def test_frozen_stages_keep_their_statistics_while_the_last_one_learns() -> None:
    protocol = tiny_protocol(trains="last_stage", batch_norm="trained", warmup_epochs=0)
    changed = changed_by_a_step(protocol, 1)
    statistics = {name: change for name, change in changed.items() if name.endswith("running_mean")}
    assert {name: name.startswith("backbone.layer4.") for name in statistics} == statistics
    assert set(statistics.values()) == {True, False}


@pytest.mark.parametrize(
    ("changes", "learns"), [({}, True), ({"trains": "last_stage"}, True), ({"trains": "head"}, False)]
)
def test_the_power_of_gem_learns_with_the_head_unless_features_are_pooled_once(
    changes: dict[str, Any], learns: bool
) -> None:
    protocol = tiny_protocol(warmup_epochs=1, pooling="gem", head_rate_factor=2, **changes)
    changed = changed_by_a_step(protocol, 1)
    assert changed["pool.pool.power"] == learns and changed["head.weight"]
    assert not changed["backbone.conv1.0.weight"], "the first epoch warms up"
