"""ONNX Runtime embeds as PyTorch does, or PyTorch embeds."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from mlcore.artifacts import read_json, write_json
from mlcore.butterflies import WingsSpec, draw
from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError, WeightsError
from mlcore.images.preprocessing import Preprocessing
from mlcore.inference import engine, engine_export
from mlcore.inference.encode import Encoder
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.engine import EngineEncoder, OnnxTrunk, _record_of, known_reason, load_engine, read_network
from mlcore.inference.engine_export import MOST_DIFFERENCE, prepare_engine
from mlcore.inference.explain import explain_pair
from mlcore.inference.knn_classifier import calibrate
from mlcore.inference.model_files import load_encoder, write_model
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.embedder import Embedder
from tests.mlcore.tiny import flip_byte, tiny_spec

QUERIES, GALLERY, SPECIES, K = 200, 80, 8, 10
SIDE = 32
PREPROCESSING = Preprocessing(36, SIDE, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
MODELS: tuple[tuple[str, str, int | None], ...] = (
    ("test_resnet", "average+max", 16),
    ("test_byobnet", "gem", 8),
    ("test_efficientnet", "average", None),
)
UNEXPORTABLE = "test_vit"  # of another size, it resizes its position embeddings by an operator that ONNX lacks

Floats = NDArray[np.float32]


def stored(folder: Path, data: DatasetFolder, architecture: str, pooling: str, dim: int | None, head: int = 0) -> Path:
    """Store a network of random weights; `head` draws the head."""
    torch.manual_seed(0)
    spec = BackboneSpec(architecture, "scratch")
    backbone = build_backbone(spec)
    torch.manual_seed(head)
    folder.mkdir()
    encoder = Encoder(Embedder(backbone, spec, pooling, dim), PREPROCESSING)
    write_model(folder, encoder, tiny_spec(), data)
    return folder


@pytest.fixture(scope="module")
def made(wings: DatasetFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in `run`, its engine in `cache`."""
    place = tmp_path_factory.mktemp("made")
    assert prepare_engine(stored(place / "run", wings, *MODELS[0]), place / "cache") == ""
    return place


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """The folder of a model that a test may damage; its engine is beside it, in `cache`."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path / "run"


@dataclass
class Drawn:
    """Prepared squares of drawn butterflies."""

    queries: NDArray[np.uint8]
    gallery: NDArray[np.uint8]
    labels: NDArray[np.int64]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    spec = WingsSpec(species=SPECIES, per_class=40, size=40)
    pictures = [draw(spec, number % SPECIES, number // SPECIES) for number in range(QUERIES + GALLERY)]
    squares = PREPROCESSING.pixels(pictures)
    return Drawn(squares[GALLERY:], squares[:GALLERY], np.arange(GALLERY) % SPECIES)


@pytest.mark.parametrize(("architecture", "pooling", "dim"), MODELS)
def test_both_engines_find_the_same(
    drawn: Drawn, wings: DatasetFolder, tmp_path: Path, architecture: str, pooling: str, dim: int | None
) -> None:
    folder = stored(tmp_path / "run", wings, architecture, pooling, dim)
    ours, theirs = load_engine(folder, tmp_path / "cache", 1), load_encoder(folder)
    assert isinstance(ours, EngineEncoder) and ours.dim == theirs.dim
    gallery = theirs.embed_pixels(drawn.gallery)
    found, expected = ours.embed_pixels(drawn.queries), theirs.embed_pixels(drawn.queries)
    assert np.linalg.norm(found - expected, axis=1).max() <= MOST_DIFFERENCE
    nearest, wanted = (np.argsort(-queries @ gallery.T, axis=1, kind="stable")[:, :K] for queries in (found, expected))
    similarities = expected @ gallery.T
    # Two results may change places where they are as similar as the engines are.
    assert np.abs(np.take_along_axis(similarities, nearest, 1) - np.take_along_axis(similarities, wanted, 1)).max() <= (
        2 * MOST_DIFFERENCE
    )
    assert (nearest == wanted).mean() > 0.99
    calibration = calibrate(gallery, drawn.labels, np.ones(GALLERY, bool))
    assert calibration is not None
    for query in range(QUERIES):
        ours_says, theirs_says = (
            calibration.predict(drawn.labels[rows[query]].tolist(), (queries[query] @ gallery[rows[query]].T).tolist())
            for queries, rows in ((found, nearest), (expected, wanted))
        )
        assert (ours_says.label, ours_says.unknown) == (theirs_says.label, theirs_says.unknown)
        assert ours_says.confidence == pytest.approx(theirs_says.confidence, abs=1e-2)


@pytest.mark.parametrize(("architecture", "pooling", "dim"), MODELS)
def test_an_explanation_sums_up_to_the_similarity_that_the_engine_gives(
    wings: DatasetFolder, tmp_path: Path, architecture: str, pooling: str, dim: int | None
) -> None:
    folder = stored(tmp_path / "run", wings, architecture, pooling, dim)
    spec = WingsSpec(species=4, per_class=2, size=40)
    pair = draw(spec, 0, 0), draw(spec, 1, 1)
    first, second = load_engine(folder, tmp_path / "cache", 1).embed(pair)
    explained = explain_pair(load_encoder(folder), *pair)
    for shares in (explained.first, explained.second):
        assert shares.sum() == pytest.approx(float(first @ second), abs=MOST_DIFFERENCE)


def noise(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 20])
def test_any_number_of_pictures_is_embedded_as_each_alone(run: Path, count: int) -> None:
    encoder = load_engine(run, run.parent / "cache", 1)
    pixels = noise(count)
    alone = np.concatenate([encoder.embed_pixels(pixels[row : row + 1]) for row in range(count)])
    assert np.abs(encoder.embed_pixels(pixels) - alone).max() < 1e-5


# --- one trunk for several models


def test_models_of_one_trunk_share_a_session_and_differ_in_their_heads(wings: DatasetFolder, tmp_path: Path) -> None:
    folders = [stored(tmp_path / str(head), wings, *MODELS[0], head=head) for head in range(3)]
    opened: dict[str, OnnxTrunk] = {}

    def open_trunk(trunk: str, load: Any) -> OnnxTrunk:
        if trunk not in opened:
            opened[trunk] = load()
        return opened[trunk]

    encoders = [load_engine(folder, tmp_path / "cache", 1, open_trunk) for folder in folders]
    assert len(opened) == len(list((tmp_path / "cache").iterdir())) == 1
    features = encoders[0].features_of_pixels(noise(3))
    for encoder, folder in zip(encoders, folders, strict=True):
        expected = load_encoder(folder).embed_pixels(noise(3))
        assert np.abs(encoder.embed_features(features) - expected).max() < MOST_DIFFERENCE
    assert np.abs(encoders[0].embed_features(features) - encoders[1].embed_features(features)).max() > 0.01


def test_what_decides_about_features_decides_about_the_trunk(
    wings: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trunk(*model: Any, **changes: Any) -> str:
        folder = stored(tmp_path / str(len(list(tmp_path.iterdir()))), wings, *model)
        write_json(folder / "model.json", {**read_json(folder / "model.json"), **changes})
        return read_network(folder).trunk

    ours = trunk("test_resnet", "average", 8)
    assert ours == trunk("test_resnet", "average", 16) == trunk("test_resnet", "average", None)
    others = [trunk("test_resnet", "max", 8), trunk("test_byobnet", "average", 8)]
    smaller = Preprocessing(36, 24, PREPROCESSING.mean, PREPROCESSING.std).to_json()
    others.append(trunk("test_resnet", "average", 8, preprocessing=smaller))
    monkeypatch.setattr(engine, "EXPORTER", engine.EXPORTER + 1)
    others.append(trunk("test_resnet", "average", 8))
    assert len({ours, *others}) == 5


def test_what_is_exported_is_opened_without_pytorch(run: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mlcore.inference.engine import load_engine; "
        "print(type(load_engine(Path(sys.argv[1]), Path(sys.argv[2]), 1)).__name__, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(run), str(run.parent / "cache")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "EngineEncoder False\n"


# --- where PyTorch has to embed


def assert_pytorch_embeds(folder: Path, cache: Path, reason: str) -> PictureEncoder:
    """See that PyTorch embeds, and that the reason is known to whoever asks."""
    encoder = load_engine(folder, cache, 1)
    assert isinstance(encoder, Encoder)
    assert np.array_equal(encoder.embed_pixels(noise(3)), load_encoder(folder).embed_pixels(noise(3)))
    assert reason in known_reason(encoder.weights_sha256, cache)
    return encoder


def test_a_network_that_cannot_be_exported_is_embedded_by_pytorch(wings: DatasetFolder, tmp_path: Path) -> None:
    folder, cache = stored(tmp_path / "run", wings, UNEXPORTABLE, "cls", 8), tmp_path / "cache"
    reason = "PyTorch cannot export the network to ONNX: Exporting the operator"
    assert prepare_engine(folder, cache).startswith(reason)
    same = stored(tmp_path / "same", wings, UNEXPORTABLE, "cls", 8, head=1)
    trunks = {assert_pytorch_embeds(one, cache, reason).trunk for one in (folder, same)}
    assert len(trunks) == 1  # and one forward pass is enough for both


def test_a_network_whose_export_differs_is_embedded_by_pytorch(
    wings: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = stored(tmp_path / "run", wings, *MODELS[0]), tmp_path / "cache"

    class Off(engine_export._PixelsToFeatures):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            features = super().forward(pixels)
            return features + 0.01 * features.norm(dim=1, keepdim=True) * torch.eye(1, features.shape[1])

    monkeypatch.setattr(engine_export, "_PixelsToFeatures", Off)
    assert "away from PyTorch; at most 1e-04 is allowed" in prepare_engine(folder, cache)
    assert_pytorch_embeds(folder, cache, "away from PyTorch")


def test_a_network_that_takes_its_example_for_every_batch_is_embedded_by_pytorch(
    wings: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = stored(tmp_path / "run", wings, *MODELS[0]), tmp_path / "cache"

    class Fixed(engine_export._PixelsToFeatures):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return super().forward(pixels).reshape(2, -1)

    monkeypatch.setattr(engine_export, "_PixelsToFeatures", Fixed)
    assert_pytorch_embeds(folder, cache, "ONNX Runtime gives [2, ")


def test_engines_are_compared_in_single_precision(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embed, enabled = Encoder.embed_pixels, list[bool]()

    def noted(encoder: Encoder, pixels: NDArray[np.uint8]) -> Floats:
        enabled.append(torch.backends.cudnn.enabled)
        return embed(encoder, pixels)

    monkeypatch.setattr(Encoder, "embed_pixels", noted)
    before = torch.backends.cudnn.enabled
    assert prepare_engine(run, run.parent / "cache") == ""
    assert enabled[-1] is False and torch.backends.cudnn.enabled is before


def test_not_a_number_is_a_difference() -> None:
    vectors = np.ones((1, 2), np.float32)
    assert engine_export._largest_distance(vectors * np.nan, vectors) == np.inf
    assert engine_export._largest_distance(vectors, np.ones((1, 3), np.float32)) == np.inf


def test_samples_that_this_machine_embeds_otherwise_are_embedded_by_pytorch(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = OnnxTrunk.features_of_pixels  # the cache came with the files from another machine, say
    monkeypatch.setattr(OnnxTrunk, "features_of_pixels", lambda self, pixels: features(self, 255 - pixels))
    assert_pytorch_embeds(
        run, run.parent / "cache", "ONNX Runtime gives other embeddings here than the model was stored with"
    )


def test_a_model_that_no_engine_embeds_as_stored_is_refused(run: Path) -> None:
    described = read_json(run / "model.json")
    samples = described["sample_embeddings"][::-1]
    write_json(run / "model.json", {**described, "sample_embeddings": samples})
    with pytest.raises(CheckpointError, match="gives other embeddings"):
        load_engine(run, run.parent / "cache", 1)


def test_a_gpu_embeds_by_pytorch(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "has_gpu", lambda: True)
    assert isinstance(load_engine(run, run.parent / "other", 1), Encoder)
    assert not (run.parent / "other").exists()  # nothing is exported for it


def test_a_driver_without_a_gpu_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "GPU_NODES", (str(tmp_path / "missing"),))
    assert not engine.has_gpu()
    monkeypatch.setattr(engine, "GPU_NODES", (str(tmp_path),))
    assert engine.has_gpu() == torch.cuda.is_available()


# --- damage


@pytest.mark.parametrize("damage", [flip_byte, Path.unlink])
def test_a_damaged_export_is_made_again(run: Path, damage: Any) -> None:
    (file,) = run.parent.glob("cache/trunk-*/network.onnx")
    damage(file)
    again = load_engine(run, run.parent / "cache", 1)
    assert isinstance(again, EngineEncoder) and file.is_file()
    assert np.abs(again.embed_pixels(noise(2)) - load_encoder(run).embed_pixels(noise(2))).max() < MOST_DIFFERENCE


@pytest.mark.parametrize("name", ["network.onnx", "manifest.json"])
def test_the_next_model_of_a_damaged_trunk_exports_it_again(run: Path, name: str) -> None:
    cache = run.parent / "cache"
    (folder,) = cache.glob("trunk-*")
    (folder / name).write_bytes(b"{")
    _record_of(read_network(run), cache).unlink()  # this model was not tried yet
    assert prepare_engine(run, cache) == ""
    assert isinstance(load_engine(run, cache, 1), EngineEncoder)


def test_a_damaged_record_is_made_again(run: Path) -> None:
    cache, network = run.parent / "cache", read_network(run)
    record = _record_of(network, cache)
    record.write_bytes(b"{")
    assert known_reason(network.weights_sha256, cache) == ""
    assert isinstance(load_engine(run, cache, 1), EngineEncoder)
    assert read_json(record)["why_pytorch"] == ""


@pytest.mark.parametrize("damage", [flip_byte, Path.unlink])
def test_damaged_weights_are_refused(run: Path, damage: Any) -> None:
    damage(run / "model.safetensors")
    with pytest.raises(CheckpointError, match="(are damaged|cannot be read)"):
        load_engine(run, run.parent / "cache", 1)


def test_pixels_of_another_size_are_an_error_of_the_network(run: Path) -> None:
    encoder = load_engine(run, run.parent / "cache", 1)
    with pytest.raises(WeightsError, match="ONNX Runtime cannot run the network"):
        encoder.embed_pixels(np.zeros((1, SIDE + 1, SIDE + 1, 3), np.uint8))


def test_a_trunk_is_exported_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_export, "export_trunk", None)  # a second export would fail
    assert prepare_engine(run, run.parent / "cache") == ""
    assert isinstance(load_engine(run, run.parent / "cache", 1), EngineEncoder)


def test_the_network_of_the_trainer_keeps_its_mode(run: Path, tmp_path: Path) -> None:
    encoder = load_encoder(run)
    assert isinstance(encoder, Encoder)
    engine_export.export_trunk(encoder, tmp_path / "network.onnx")
    assert not any(module.training for module in encoder.embedder.modules() if isinstance(module, nn.BatchNorm2d))
