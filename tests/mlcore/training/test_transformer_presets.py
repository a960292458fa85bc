"""The presets of transformers, with random weights and at small size: their own preprocessing, baselines and heads."""

from pathlib import Path
from typing import Any

import pytest

from mlcore.artifacts import read_json
from mlcore.config import Protocol, preset
from mlcore.datasets import DatasetFolder
from mlcore.networks.backbones import BackboneSpec, build_backbone, timm
from mlcore.networks.embedder import Embedder
from mlcore.runs import RunSpec
from mlcore.training.train import train
from tests.mlcore.tiny import paths_in

FOUNDATIONS = ("vit_small_patch14_dinov2", "vit_small_patch16_dinov3", "vit_base_patch16_siglip_224")
BATCH = {"batch_size": 8, "samples_per_class": 2, "epochs": 1}


def small(name: str, **changes: Any) -> Protocol:
    sizes: dict[str, Any] = {"weights": "scratch", "short_side": 32, "crop": 32, "dim": 16, **BATCH}
    return preset(name).with_changes(**{**sizes, **changes})


@pytest.mark.parametrize("architecture", FOUNDATIONS)
def test_the_head_of_a_foundation_is_narrower_than_its_features(architecture: str) -> None:
    protocol = preset("foundation-frozen")
    patch = 14 if "patch14" in architecture else 16
    assert protocol.crop % patch == 0
    assert Embedder(*backbone_of(architecture), protocol.pooling, protocol.dim).num_features >= protocol.dim


def backbone_of(architecture: str) -> tuple[Any, BackboneSpec]:
    spec = BackboneSpec(architecture, "scratch", {"img_size": 32, "depth": 1})
    return build_backbone(spec), spec


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("architecture", "crop", "loss"),
    [
        (FOUNDATIONS[0], 28, "untrained"),
        (FOUNDATIONS[0], 28, "multi_similarity"),
        (FOUNDATIONS[1], 32, "half_whitened_pca"),
        (FOUNDATIONS[2], 32, "untrained"),
    ],
)
def test_a_frozen_foundation_gives_its_baselines_and_heads(
    architecture: str, crop: int, loss: str, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    protocol = small("foundation-frozen", backbone=architecture, crop=crop)
    metrics = train(RunSpec(protocol=protocol, loss=loss), wings, paths_in(tmp_path, cache_root))
    assert 0 <= metrics["recall_at"]["1"] <= 1
    described = read_json(tmp_path / "run" / "model.json")
    assert described["embedder"]["backbone"]["arguments"] == {"img_size": crop}
    assert described["preprocessing"]["crop"] == crop


@pytest.mark.usefixtures("one_thread")
def test_a_vision_transformer_is_fine_tuned(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    protocol = small("vit-fine-tune", backbone="vit_tiny_patch16_224")
    train(RunSpec(protocol=protocol, loss="multi_similarity"), wings, paths_in(tmp_path, cache_root))
    assert (tmp_path / "run" / "model.safetensors").is_file()


@pytest.mark.parametrize("architecture", [*FOUNDATIONS, "vit_small_patch16_224"])
def test_timm_has_a_preprocessing_for_each(architecture: str) -> None:
    config = timm.get_pretrained_cfg(architecture)
    assert len(config.mean) == len(config.std) == 3 and config.interpolation == "bicubic"
