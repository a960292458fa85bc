import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from mlcore.artifacts import read_json
from mlcore.errors import WeightsError
from mlcore.networks import architecture_guess
from mlcore.networks.architecture_guess import (
    SIGNATURES,
    describe_plain_weights,
    guess_architecture,
    signature_of,
    write_missing_description,
)
from mlcore.networks.backbones import load_backbone, timm
from mlcore.weights import HUB_WEIGHTS
from tools.timm_signatures import signature_of_architecture


def plain(file: Path, architecture: str, classes: int = 3) -> Path:
    tensors = timm.create_model(architecture, num_classes=classes).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
    return file


def test_the_signatures_are_those_of_the_installed_timm() -> None:
    stored = json.loads(SIGNATURES.read_text())
    assert stored["timm"] == timm.__version__
    known = {name for names in stored["architectures"].values() for name in names}
    assert len(known) > 0.99 * len(timm.list_models())
    for weights in HUB_WEIGHTS:
        assert weights.architecture in stored["architectures"][signature_of_architecture(weights.architecture)]


def test_a_signature_knows_no_classifier_and_no_order() -> None:
    body = [("stem.weight", [8, 3, 3, 3]), ("bn.weight", [8])]
    assert signature_of(body) == signature_of([*body[::-1], ("head.fc.weight", [7, 8]), ("bn.num_batches_tracked", [])])
    assert signature_of(body) != signature_of([("stem.weight", [8, 3, 5, 5]), ("bn.weight", [8])])


@pytest.mark.parametrize("classes", [0, 1, 1000])
def test_an_architecture_is_known_by_its_tensors(tmp_path: Path, classes: int) -> None:
    assert guess_architecture(plain(tmp_path / "mine.safetensors", "test_resnet", classes)) == "test_resnet"


def test_a_described_file_is_a_backbone_with_the_preprocessing_of_timm(tmp_path: Path) -> None:
    file = plain(tmp_path / "mine.safetensors", "test_efficientnet")
    assert write_missing_description(file) and not write_missing_description(file)
    config = timm.get_pretrained_cfg("test_efficientnet")
    _, spec = load_backbone("test_efficientnet", "local", file, 64)
    assert (spec.mean, spec.std, spec.interpolation) == (config.mean, config.std, config.interpolation)
    assert read_json(file.with_suffix(".json"))["crop"] == config.input_size[-1]


def test_several_architectures_with_the_same_tensors_are_named(tmp_path: Path) -> None:
    file = plain(tmp_path / "mine.safetensors", "tf_efficientnet_lite0")
    with pytest.raises(WeightsError, match=r"fit 2 architectures: efficientnet_lite0, tf_efficientnet_lite0"):
        guess_architecture(file)
    assert describe_plain_weights(file, "tf_efficientnet_lite0")["mean"] == [0.5] * 3
    named = file.rename(tmp_path / "tf_efficientnet_lite0.in1k.safetensors")
    assert guess_architecture(named) == "tf_efficientnet_lite0"


def test_a_long_list_of_candidates_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = plain(tmp_path / "mine.safetensors", "test_resnet")
    names = [f"name_{number}" for number in range(40)]
    found = signature_of((name, tensor.shape) for name, tensor in timm.create_model("test_resnet").state_dict().items())
    monkeypatch.setattr(architecture_guess, "_architectures", lambda: {found: names})
    with pytest.raises(WeightsError, match="name_11 and 28 more"):
        guess_architecture(file)


def test_a_tag_in_the_name_chooses_the_preprocessing(tmp_path: Path) -> None:
    file = plain(tmp_path / "vit_base_patch16_224.orig_in21k.safetensors", "test_resnet")
    described = describe_plain_weights(file, "vit_base_patch16_224")
    assert described["mean"] == list(timm.get_pretrained_cfg("vit_base_patch16_224.orig_in21k").mean)


def test_files_that_are_not_known_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    with pytest.raises(WeightsError, match="there is no"):
        write_missing_description(file)
    save_file({"layer.weight": torch.zeros(3)}, file)
    with pytest.raises(WeightsError, match="no architecture of timm has the tensors"):
        write_missing_description(file)
    with pytest.raises(WeightsError, match="no architecture named 'resnet51'"):
        write_missing_description(file, "resnet51")
    file.write_bytes(b"\xff" * 64)
    with pytest.raises(WeightsError, match="cannot be read as safetensors"):
        write_missing_description(file)
    assert not file.with_suffix(".json").exists()
