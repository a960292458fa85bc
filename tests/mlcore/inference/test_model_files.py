"""A stored network gives the same embeddings again, or is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mlcore.artifacts import read_json, sha256_of_file, write_json
from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference.encode import Encoder
from mlcore.inference.model_files import environment, load_encoder, sample_pixels, write_model
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.embedder import Embedder
from tests.mlcore.tiny import cut_short, flip_byte, tiny_spec

PREPROCESSING = Preprocessing(32, 30, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))


@pytest.fixture
def stored(wings: DatasetFolder, tmp_path: Path) -> tuple[Path, Encoder]:
    torch.manual_seed(0)
    spec = BackboneSpec("test_resnet", "scratch", mean=PREPROCESSING.mean, std=PREPROCESSING.std)
    encoder = Encoder(Embedder(build_backbone(spec), spec, "average+max", 8), PREPROCESSING)
    write_model(tmp_path, encoder, tiny_spec(), wings)
    return tmp_path, encoder


def change(folder: Path, **fields: Any) -> None:
    write_json(folder / "model.json", {**read_json(folder / "model.json"), **fields})


def test_a_stored_network_embeds_as_it_did(stored: tuple[Path, Encoder]) -> None:
    folder, encoder = stored
    again = load_encoder(folder)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 30, 30, 3), dtype=np.uint8)
    assert np.array_equal(again.embed_pixels(pixels), encoder.embed_pixels(pixels))
    assert again.preprocessing == PREPROCESSING
    assert again.weights_sha256 == sha256_of_file(folder / "model.safetensors")


@pytest.mark.parametrize("damage", [flip_byte, cut_short, Path.unlink])
def test_damaged_weights_are_refused(stored: tuple[Path, Encoder], damage: Any) -> None:
    damage(stored[0] / "model.safetensors")
    with pytest.raises(CheckpointError, match="(weights in .* are damaged|cannot be read)"):
        load_encoder(stored[0])


@pytest.mark.parametrize("damage", [cut_short, Path.unlink])
def test_a_damaged_description_is_refused(stored: tuple[Path, Encoder], damage: Any) -> None:
    damage(stored[0] / "model.json")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_encoder(stored[0])


@pytest.mark.parametrize("described", [[], {"format": 2}, {"format": 1}])
def test_a_description_of_another_form_is_refused(stored: tuple[Path, Encoder], described: Any) -> None:
    write_json(stored[0] / "model.json", described)
    with pytest.raises(CheckpointError, match="(has format (None|2), not 1|model.json in .* lacks embedder, )"):
        load_encoder(stored[0])


def test_weights_of_another_network_are_refused(stored: tuple[Path, Encoder]) -> None:
    folder = stored[0]
    change(folder, embedder={**read_json(folder / "model.json")["embedder"], "dim": 9})
    with pytest.raises(CheckpointError, match="do not fit their network: .*size mismatch for head"):
        load_encoder(folder)


def test_an_engine_that_computes_otherwise_is_refused(stored: tuple[Path, Encoder]) -> None:
    folder = stored[0]
    samples = np.asarray(read_json(folder / "model.json")["sample_embeddings"])
    change(folder, sample_embeddings=samples[::-1].tolist())
    with pytest.raises(CheckpointError, match="gives other embeddings than the model in .* was stored with"):
        load_encoder(folder)


@pytest.mark.parametrize("crop", [24, 30, 33])
def test_sample_pictures_fill_the_square_and_never_change(crop: int) -> None:
    pixels = sample_pixels(Preprocessing(crop, crop, (), ()))
    assert pixels.shape == (4, crop, crop, 3) and pixels.dtype == np.uint8
    assert pixels[0, 0, 0].tolist() == [95, 130, 194]


def test_the_description_says_what_the_figures_depend_on(stored: tuple[Path, Encoder], wings: DatasetFolder) -> None:
    described = read_json(stored[0] / "model.json")
    assert described["dataset"] == {"name": wings.name, "fingerprint": wings.fingerprint}
    assert (described["loss"], described["seed"], described["dim"]) == ("soft_triple", 0, 8)
    assert described["environment"] == environment()
    assert {"torch", "timm", "numpy", "python", "device", "threads"} <= environment().keys()
