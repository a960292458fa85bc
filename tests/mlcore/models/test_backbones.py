"""Weights are the ones asked for, or an error says how to get them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mlcore.artifacts import sha256_of_file
from mlcore.errors import ProtocolError, WeightsError
from mlcore.models import backbones
from mlcore.models.backbones import (
    BackboneSpec,
    build_backbone,
    freeze_batch_norm,
    last_stage_parameters,
    load_backbone,
    local_architecture,
)
from tests.mlcore.tiny import cut_short

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = "test_resnet"
DESCRIBED = {"architecture": TINY, "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A weights file with its JSON, as somebody would bring it: with a classifier that is not needed."""
    torch.manual_seed(3)
    state = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    return stored(tmp_path, {**state, "fc.weight": torch.zeros(1000, 512)}, DESCRIBED)


def stored(folder: Path, state: dict[str, torch.Tensor], described: object) -> Path:
    file = folder / "tiny.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, file)
    file.with_suffix(".json").write_text(described if isinstance(described, str) else json.dumps(described))
    return file


def refused(path: Path | None, message: str, architecture: str = TINY, weights: str = "local") -> None:
    with pytest.raises(WeightsError, match=message):
        load_backbone(architecture, weights, path)


def test_scratch_is_random_on_purpose() -> None:
    backbone, spec = load_backbone(TINY, "scratch", None)
    assert (spec.weights, spec.weights_sha256, spec.mean) == ("scratch", "", (0.5, 0.5, 0.5))
    assert backbone.num_features


def test_a_local_file_gives_its_weights_and_its_pixels(weights: Path) -> None:
    backbone, spec = load_backbone(TINY, "local", weights)
    torch.manual_seed(3)
    expected = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in backbone.state_dict().items())
    assert (spec.mean, spec.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert spec.weights_sha256 == sha256_of_file(weights)
    assert BackboneSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert local_architecture(weights) == TINY


def test_half_precision_weights_are_trained_in_single_precision(tmp_path: Path) -> None:
    state = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    backbone, _ = load_backbone(TINY, "local", stored(tmp_path, half, DESCRIBED))
    assert {parameter.dtype for parameter in backbone.parameters()} == {torch.float32}


def test_local_weights_without_a_file_say_how_to_give_one() -> None:
    refused(None, "give their file, --weights FILE.safetensors")


@pytest.mark.parametrize("gone", [".safetensors", ".json"])
def test_a_missing_file_is_named(weights: Path, gone: str) -> None:
    weights.with_suffix(gone).unlink()
    refused(weights, f"tiny{gone} is not there; weights are a .safetensors file with its .json beside it")


@pytest.mark.parametrize("key", ["architecture", "mean", "std"])
def test_a_description_that_says_too_little_is_refused(weights: Path, key: str) -> None:
    weights.with_suffix(".json").write_text(json.dumps({k: v for k, v in DESCRIBED.items() if k != key}))
    refused(weights, f"tiny.json does not say '{key}'")


def test_a_description_that_is_not_json_is_refused(weights: Path) -> None:
    weights.with_suffix(".json").write_text("mean: 0.5")
    refused(weights, "tiny.json is not JSON")


def test_weights_of_another_architecture_are_refused(weights: Path) -> None:
    refused(weights, "holds test_resnet, the protocol asks for resnet10t: set the protocol's backbone", "resnet10t")


def test_missing_tensors_are_counted_and_one_is_named(tmp_path: Path) -> None:
    state = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    partial = {name: tensor for name, tensor in state.items() if not name.startswith("conv1.")}
    refused(stored(tmp_path, partial, DESCRIBED), "lacks [1-9]+ tensors?, conv1")


def test_tensors_of_another_shape_are_refused(tmp_path: Path) -> None:
    state = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    name = next(name for name, tensor in state.items() if tensor.dim() == 4)
    state[name] = state[name][:1]
    refused(stored(tmp_path, state, DESCRIBED), "does not fit test_resnet.*size mismatch")


def test_a_damaged_file_is_refused(weights: Path) -> None:
    cut_short(weights)
    refused(weights, "tiny.safetensors does not fit test_resnet")


@pytest.mark.parametrize("asked", ["scratch", "hub"])
def test_a_file_that_would_not_be_used_is_refused(weights: Path, asked: str) -> None:
    refused(weights, f"asks for {asked} weights and would not use tiny.safetensors", weights=asked)


def test_an_unreachable_hub_points_to_a_local_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: Any, **kwargs: Any) -> nn.Module:
        raise OSError("name or service not known")

    monkeypatch.setattr(backbones.timm, "create_model", unreachable)
    refused(
        None, "of test_resnet.r160_in1k could not be fetched.*or give a local file: --weights", TINY, "hub:r160_in1k"
    )


def test_the_hub_gives_the_tag_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    create = backbones.timm.create_model

    def fetched(name: str, *, pretrained: bool, num_classes: int) -> nn.Module:
        asked.append((name, pretrained))
        backbone: nn.Module = create(name, num_classes=num_classes)
        return backbone

    monkeypatch.setattr(backbones.timm, "create_model", fetched)
    _, spec = load_backbone("mobilenetv2_100", "hub:ra_in1k", None)
    assert asked == [("mobilenetv2_100.ra_in1k", True)]
    assert (spec.architecture, spec.weights) == ("mobilenetv2_100", "hub:ra_in1k")
    assert spec.mean == (0.485, 0.456, 0.406)


def test_an_architecture_without_weights_on_the_hub_is_never_started_at_random() -> None:
    refused(None, "resnet200 could not be fetched", "resnet200", "hub")


@pytest.mark.parametrize("weights", ["scratch", "hub"])
def test_an_unknown_architecture_is_named(weights: str) -> None:
    with pytest.raises(ProtocolError, match="timm has no backbone named 'resnet9000'"):
        load_backbone("resnet9000", weights, None)


def test_an_argument_that_the_architecture_does_not_take_is_refused() -> None:
    with pytest.raises(ProtocolError, match="timm cannot build backbone 'test_resnet'.*nonsense"):
        build_backbone(BackboneSpec(TINY, "scratch", {"nonsense": 1}))


@pytest.mark.parametrize("architecture", [TINY, "resnet10t", "mobilenetv2_100"])
def test_the_last_stage_is_the_end_of_the_backbone_and_not_all_of_it(architecture: str) -> None:
    backbone = build_backbone(BackboneSpec(architecture, "scratch"))
    chosen = {id(parameter) for parameter in last_stage_parameters(backbone)}
    learns = [id(parameter) in chosen for parameter in backbone.parameters()]
    assert learns[-1] and not learns[0]
    assert sorted(learns) == learns, "once it begins, everything behind it learns"


@pytest.mark.parametrize("affine", [True, False])
def test_a_frozen_batch_norm_keeps_its_statistics(affine: bool) -> None:
    backbone = build_backbone(BackboneSpec(TINY, "scratch")).train()
    freeze_batch_norm(backbone, affine=affine)
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    assert all(norm.weight.requires_grad != affine for norm in norms)
    assert all(module.weight.requires_grad for module in backbone.modules() if isinstance(module, nn.Conv2d))
