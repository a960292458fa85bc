"""The one way from pictures to embeddings, and features that are computed once."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from mlcore.datasets import DatasetFolder, PixelCache, open_cache
from mlcore.errors import CheckpointError, ProtocolError, WeightsError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference import encode, engine, engine_export
from mlcore.inference.encode import (
    Encoder,
    cached_features,
    embed_rows,
    evaluation_pixels,
    features_folder,
    open_pixels,
    state_sha256,
)
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.embedder import Embedder
from tests.mlcore.tiny import flip_byte


def encoder(seed: int = 0, crop: int = 32) -> Encoder:
    torch.manual_seed(seed)
    spec = BackboneSpec("test_resnet", "scratch")
    preprocessing = Preprocessing(32, crop, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
    return Encoder(Embedder(build_backbone(spec), spec, "average", 8), preprocessing)


@pytest.fixture
def cache(wings: DatasetFolder, cache_root: Path) -> PixelCache:
    return open_cache(wings, 32, cache_root)


def test_embeddings_have_unit_length_and_the_order_of_the_pictures(wings: DatasetFolder, cache: PixelCache) -> None:
    network = encoder()
    rows = np.array([5, 0, 17])
    embeddings = embed_rows(network, cache, rows)
    assert embeddings.dtype == np.float32 and embeddings.shape == (3, network.dim)
    assert np.abs(np.linalg.norm(embeddings, axis=1) - 1).max() < 1e-6
    alone = network.embed([Image.fromarray(cache[17])])
    assert np.abs(alone[0] - embeddings[2]).max() < 1e-5


def test_pixels_are_scaled_by_mean_and_deviation() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    found = encoder().normalised(pixels).cpu().numpy()
    expected = (pixels / 255 - np.array([0.4, 0.5, 0.6])) / np.array([0.2, 0.3, 0.4])
    assert np.abs(found - expected.transpose(0, 3, 1, 2)).max() < 1e-5


def test_blocks_do_not_change_the_embeddings(cache: PixelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    network, rows = encoder(), np.arange(len(cache))
    whole, heard = embed_rows(network, cache, rows), []
    monkeypatch.setattr(encode, "BATCH", 7)
    parts = embed_rows(network, cache, rows, lambda *report: heard.append(report))
    assert np.abs(whole - parts).max() < 1e-5
    assert heard[0] == ("embed", 0, 48) and heard[-1] == ("embed", 48, 48)


def features_of(network: Encoder, wings: DatasetFolder, cache: PixelCache, root: Path) -> NDArray[np.float32]:
    return cached_features(network, wings, cache, root)


def test_features_are_computed_once(
    wings: DatasetFolder, cache: PixelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = encoder()
    first = features_of(network, wings, cache, tmp_path)
    embeddings = embed_rows(network, cache, np.arange(len(cache)))
    assert np.abs(network.embed_features(first) - embeddings).max() < 1e-5
    monkeypatch.setattr(Encoder, "features_of_pixels", None)  # a second computation would fail
    assert np.array_equal(features_of(network, wings, cache, tmp_path), first)


def test_features_of_other_weights_or_pixels_are_others(
    wings: DatasetFolder, cache: PixelCache, tmp_path: Path
) -> None:
    first = features_of(encoder(), wings, cache, tmp_path)
    assert not np.array_equal(features_of(encoder(seed=1), wings, cache, tmp_path), first)
    assert not np.array_equal(features_of(encoder(crop=24), wings, cache, tmp_path), first)
    assert len(list(tmp_path.iterdir())) == 3


def test_features_of_the_serving_engine_are_as_near_as_rounding_and_never_mixed(
    wings: DatasetFolder, cache: PixelCache, tmp_path: Path
) -> None:
    network = encoder()
    by_torch = features_of(network, wings, cache, tmp_path)
    drawn = torch.get_rng_state()
    by_onnx = cached_features(network, wings, cache, tmp_path, engine="onnxruntime")
    assert torch.equal(torch.get_rng_state(), drawn)  # so that a run is the same whether features were cached or not
    assert len(list(tmp_path.iterdir())) == 2
    assert 0 < np.abs(by_onnx - by_torch).max() < 1e-4 * np.abs(by_torch).max()
    assert np.array_equal(cached_features(network, wings, cache, tmp_path, engine="onnxruntime"), by_onnx)
    assert np.array_equal(features_of(network, wings, cache, tmp_path), by_torch)


def test_features_of_another_exporter_are_computed_again(
    wings: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {features_folder(encoder(), wings, tmp_path, name) for name in ("torch", "onnxruntime")}
    monkeypatch.setattr(engine, "EXPORTER", engine.EXPORTER + 1)
    assert features_folder(encoder(), wings, tmp_path, "torch") in folders
    assert features_folder(encoder(), wings, tmp_path, "onnxruntime") not in folders


def test_features_that_the_serving_engine_cannot_compute_say_the_way_out(
    wings: DatasetFolder, cache: PixelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(encoder: Encoder, file: Path) -> None:
        raise WeightsError("an operator is missing")

    monkeypatch.setattr(engine_export, "export_trunk", refuse)
    with pytest.raises(ProtocolError, match="an operator is missing; set feature_engine to torch"):
        cached_features(encoder(), wings, cache, tmp_path, engine="onnxruntime")


def test_other_features_of_the_serving_engine_are_refused(
    wings: DatasetFolder, cache: PixelCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = engine_export.export_trunk
    monkeypatch.setattr(engine_export, "export_trunk", lambda network, file: export(encoder(seed=1), file))
    with pytest.raises(ProtocolError, match="away from PyTorch; set feature_engine to torch"):
        cached_features(encoder(), wings, cache, tmp_path, engine="onnxruntime")


def test_features_of_another_padding_or_pooling_are_others(
    wings: DatasetFolder, cache: PixelCache, tmp_path: Path
) -> None:
    def network(pooling: str, **arguments: str) -> Encoder:
        torch.manual_seed(0)
        spec = BackboneSpec("test_efficientnet", "scratch", arguments)
        return Encoder(Embedder(build_backbone(spec), spec, pooling, 8), encoder().preprocessing)

    powerful = network("gem")
    with torch.no_grad():
        powerful.embedder.pool.pool.power.fill_(5)  # type: ignore[union-attr, operator]
    networks = [network("average"), network("average", pad_type="same"), network("gem"), powerful]
    found = [features_of(each, wings, cache, tmp_path) for each in networks]
    assert len(list(tmp_path.iterdir())) == len(networks)
    assert not np.array_equal(found[0], found[1]), "padding is in no weight, and yet it matters"


def test_pixels_resized_otherwise_are_never_embedded(wings: DatasetFolder, cache_root: Path) -> None:
    small = replace(encoder().preprocessing, short_side=20, crop=20, interpolation="bilinear")
    bilinear, bicubic = open_pixels(small, wings, cache_root), open_cache(wings, 20, cache_root)
    assert not np.array_equal(bilinear[0], bicubic[0]), "kept apart"
    expected = small.pixels([Image.open(wings.picture_path(wings.pictures[0]))])
    assert np.array_equal(evaluation_pixels(bilinear, np.array([0]), small), expected)
    with pytest.raises(ValueError, match="the cached pixels are bicubic, the model wants bilinear"):
        evaluation_pixels(bicubic, np.array([0]), small)


def test_damaged_features_are_refused(wings: DatasetFolder, cache: PixelCache, tmp_path: Path) -> None:
    features_of(encoder(), wings, cache, tmp_path)
    (file,) = tmp_path.glob("*/features.npy")
    flip_byte(file)
    with pytest.raises(CheckpointError, match="are damaged; remove that folder"):
        features_of(encoder(), wings, cache, tmp_path)


def test_features_that_another_run_stored_meanwhile_are_taken(
    wings: DatasetFolder, cache: PixelCache, tmp_path: Path
) -> None:
    expected = features_of(encoder(), wings, cache, tmp_path / "mine")

    class Beaten(Encoder):
        def features_of_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            (theirs,) = (tmp_path / "mine").iterdir()
            if not (tmp_path / "ours" / theirs.name).exists():
                shutil.copytree(theirs, tmp_path / "ours" / theirs.name)
            return super().features_of_pixels(pixels)

    network = encoder()
    beaten = Beaten(network.embedder, network.preprocessing)
    assert np.array_equal(features_of(beaten, wings, cache, tmp_path / "ours"), expected)


def test_the_hash_of_a_network_is_that_of_its_weights() -> None:
    assert state_sha256(encoder().embedder) == state_sha256(encoder().embedder)
    assert state_sha256(encoder().embedder) != state_sha256(encoder(seed=1).embedder)
