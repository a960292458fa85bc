import argparse
from pathlib import Path

import pytest
from safetensors.torch import save_file

from mlcore.artifacts import read_json
from mlcore.cli.arguments import add_weights, local_file, weights_changes
from mlcore.errors import WeightsError
from mlcore.networks.backbones import timm


def options(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_weights(parser)
    return parser.parse_args([str(word) for word in words])


def test_without_weights_the_protocol_has_its_own() -> None:
    assert local_file(options()) is None and weights_changes(options()) == {}


def test_weights_of_the_hub_are_no_file() -> None:
    given = options("--weights", "hub:resnet50.a1_in1k")
    assert local_file(given) is None
    assert weights_changes(given) == {"backbone": "resnet50", "weights": "hub:a1_in1k"}


def test_a_plain_file_gets_its_description_once(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), file)
    changes = {"backbone": "test_resnet", "weights": "local"}
    given = options("--weights", file)
    assert local_file(given) == file and weights_changes(given) == weights_changes(given) == changes
    assert read_json(file.with_suffix(".json"))["architecture"] == "test_resnet"


def test_the_architecture_of_a_file_can_be_given(tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    save_file(timm.create_model("tf_efficientnet_lite0").state_dict(), file)
    with pytest.raises(WeightsError, match="fit 2 architectures"):
        weights_changes(options("--weights", file))
    given = options("--weights", file, "--architecture", "tf_efficientnet_lite0")
    assert weights_changes(given)["backbone"] == "tf_efficientnet_lite0"
