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
from mlcore.images.preprocessing import Preprocessing
from mlcore.networks import backbones
from mlcore.networks.backbones import BackboneSpec, build_backbone, load_backbone
from mlcore.weights import local_architecture
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
    refused(None, "no pre-trained weights of resnet200", "resnet200", "hub")


@pytest.mark.parametrize("weights", ["scratch", "hub"])
def test_an_unknown_architecture_is_named(weights: str) -> None:
    with pytest.raises(ProtocolError, match="timm has no backbone named 'resnet9000'"):
        load_backbone("resnet9000", weights, None)


def test_an_argument_that_the_architecture_does_not_take_is_refused() -> None:
    with pytest.raises(ProtocolError, match="timm cannot build backbone 'test_resnet'.*nonsense"):
        build_backbone(BackboneSpec(TINY, "scratch", {"nonsense": 1}))


def at_size(crop: int, architecture: str = "test_vit", weights: Path | None = None) -> tuple[nn.Module, BackboneSpec]:
    return load_backbone(architecture, "local" if weights else "scratch", weights, crop)


def test_a_transformer_of_fixed_size_takes_the_crop_of_the_protocol() -> None:
    backbone, spec = at_size(96)
    assert spec.arguments == {"img_size": 96}
    again = build_backbone(spec)
    again.load_state_dict(backbone.state_dict())
    pictures = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.eval()(pictures), backbone.eval()(pictures))


@pytest.mark.parametrize("argument", ["checkpoint_path", "pretrained_cfg_overlay", "cache_dir"])
def test_an_argument_that_would_open_another_file_is_refused(tmp_path: Path, argument: str) -> None:
    state = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    file = stored(tmp_path, state, {**DESCRIBED, "arguments": {argument: "elsewhere"}})
    with pytest.raises(ProtocolError, match=f"{argument} is no argument of test_resnet; leave it out"):
        load_backbone(TINY, "local", file)


def test_arguments_without_names_are_refused(tmp_path: Path) -> None:
    state = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    refused(stored(tmp_path, state, {**DESCRIBED, "arguments": ["same"]}), "must be a JSON object, names and values")


def test_position_embeddings_of_a_file_are_resampled_to_the_crop(tmp_path: Path) -> None:
    state = build_backbone(BackboneSpec("test_vit", "scratch")).state_dict()
    place = torch.linspace(-1, 1, 10)  # ten patches a side at the architecture's own 160 px
    state["pos_embed"] = torch.cat([torch.full((1, 1, 64), 5.0), place.repeat(10)[None, :, None].expand(1, 100, 64)], 1)
    backbone, _ = at_size(80, weights=stored(tmp_path, state, {**DESCRIBED, "architecture": "test_vit"}))
    found = backbone.pos_embed.detach()[0, :, 0]  # type: ignore[operator, union-attr]
    assert len(found) == 1 + 5 * 5 and found[0] == 5
    rows = found[1:].reshape(5, 5)
    assert torch.allclose(rows, rows[:1].expand(5, 5), atol=1e-5), "what is alike in every row stays so"
    assert torch.allclose(rows[0], torch.linspace(-8 / 9, 8 / 9, 5), atol=0.03), "it rises from left to right as before"


@pytest.mark.parametrize(("crop", "ways"), [(100, "96 or 112"), (20, "16 or 32")])
def test_a_crop_that_cuts_patches_is_refused_with_the_nearest_ones(crop: int, ways: str) -> None:
    with pytest.raises(ProtocolError, match=f"crop {crop} is not a multiple of the 16 px patches .* set it to {ways}"):
        at_size(crop)


def test_an_architecture_of_one_size_wants_that_crop() -> None:
    with pytest.raises(ProtocolError, match="test_maxvit cannot take a crop of 96 px: "):
        at_size(96, "test_maxvit")
    assert at_size(160, "test_maxvit")[1].arguments == {}


def test_a_crop_of_which_nothing_would_be_left_is_refused() -> None:
    with pytest.raises(ProtocolError, match="inception_v3 cannot take a crop of 64 px: "):
        at_size(64, "inception_v3")


def test_trying_a_size_moves_nothing() -> None:
    torch.manual_seed(0)
    tried, _ = at_size(64, TINY)
    after = torch.rand(1)
    torch.manual_seed(0)
    expected = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    assert torch.equal(torch.rand(1), after)
    assert tried.training and all(torch.equal(tensor, expected[name]) for name, tensor in tried.state_dict().items())


def test_a_network_of_any_size_is_left_as_it_is() -> None:
    assert at_size(96, TINY)[1].arguments == {}


def test_weights_bring_their_own_preprocessing(tmp_path: Path) -> None:
    state = build_backbone(BackboneSpec(TINY, "scratch")).state_dict()
    file = stored(tmp_path, state, {**DESCRIBED, "interpolation": "bilinear"})
    _, spec = load_backbone(TINY, "local", file)
    assert spec.preprocessing(64, 48) == Preprocessing(64, 48, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "bilinear")
