import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from config.errors import Rejected
from mlcore.config import PRESETS
from mlcore.losses import LOSSES
from retrieval.experiments.services import options
from retrieval.registry.services.legend import loss_titles


def put_weights(name: str, beside: str | None) -> None:
    folder = Path(settings.WEIGHTS_DIR)
    folder.mkdir(parents=True)
    (folder / f"{name}.safetensors").write_bytes(b"")
    if beside is not None:
        (folder / f"{name}.json").write_text(beside)


def test_every_loss_and_baseline_is_described() -> None:
    table = options.loss_table()
    assert [row["name"] for row in table] == [*LOSSES, "untrained", "half_whitened_pca"]
    assert all(row["title"] == loss_titles()[row["name"]] and row["idea"] for row in table)
    assert [row["name"] for row in options.presets()] == list(PRESETS)


def test_a_preset_is_changed_field_by_field() -> None:
    protocol = options.make_protocol("demo", {"epochs": "3", "learning_rate": 0.5}, "")
    assert (protocol.epochs, protocol.learning_rate, protocol.name) == (3, 0.5, "demo (changed)")


@pytest.mark.parametrize(
    ("preset", "changes", "weights", "sentence"),
    [
        ("nothing", {}, "", "no preset named 'nothing'; known: demo"),
        ("demo", {"epoch": 3}, "", "no field 'epoch'"),
        ("demo", {"epochs": 0}, "", "epochs must be at least 1"),
        ("demo", {"epochs": "many"}, "", "epochs must be"),
        ("demo", {"learning_rate": "nan"}, "", "learning_rate must be"),
        ("demo", {"learning_rate": "inf"}, "", "learning_rate must be"),
        ("demo", {"weights": "local"}, "", "select one"),
        ("demo", {}, "../secret", "no weights file named '../secret'; known: efficientnet_lite0"),
        ("demo", {}, "hub:../secret", "named as by timm"),
        ("demo", {}, "hub:resnet51", "no backbone named 'resnet51'"),
        ("demo", {"weights": "scratch"}, "hub:resnet50", "would not be used"),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(
    preset: str, changes: dict[str, Any], weights: str, sentence: str
) -> None:
    with pytest.raises(Rejected, match=sentence):
        options.make_protocol(preset, changes, weights)


def test_local_weights_bring_their_backbone() -> None:
    put_weights("small", json.dumps({"architecture": "resnet10t", "mean": [0.5] * 3, "std": [0.5] * 3}))
    protocol = options.make_protocol("fine-tune-small", {}, "small.safetensors")
    assert (protocol.weights, protocol.backbone) == ("local", "resnet10t")


@pytest.mark.parametrize("beside", [None, "{", "[]", "{}"])
def test_weights_without_a_description_are_refused(beside: str | None) -> None:
    put_weights("small", beside)
    with pytest.raises(Rejected, match=r"small\.json"):
        options.make_protocol("demo", {}, "small.safetensors")


def test_weights_of_the_hub_bring_their_backbone_and_no_file() -> None:
    protocol = options.make_protocol("frozen-features", {}, "hub:vit_small_patch14_dinov2.lvd142m")
    assert (protocol.weights, protocol.backbone) == ("hub:lvd142m", "vit_small_patch14_dinov2")
    assert options.make_protocol("frozen-features", {"epochs": 3}, "hub:resnet50").weights == "hub"
