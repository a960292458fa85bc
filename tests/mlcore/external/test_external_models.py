"""A model from elsewhere is tried before it is listed, then treated like one of ours."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from PIL import Image
from safetensors.torch import save_file

from mlcore.artifacts import read_json, sha256_of_file
from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError, MlcoreError, ProtocolError, WeightsError
from mlcore.evaluation.diagnostics import GRADIENT_NORMS
from mlcore.external.external_models import add_model, check_encoder, open_external_model
from mlcore.external.model_description import MAX_BYTES
from mlcore.images.preprocessing import Preprocessing
from mlcore.index import build_index
from mlcore.inference.encode import Encoder
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.model_files import load_encoder
from mlcore.inference.onnx_network import OnnxEncoder
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.runs import read_ids
from mlcore.training.train import train
from tests.mlcore.onnx_models import expected_of, onnx_model, stored_onnx
from tests.mlcore.tiny import flip_byte, paths_in, tiny_spec

pytestmark = pytest.mark.usefixtures("one_thread")

FILES = [
    "diagnostics.json",
    "embeddings.npy",
    "further.json",
    "images.csv",
    "metrics.json",
    "model.json",
    "per_query.npz",
]


def stored_timm(folder: Path, made: str = "test_vit", **described: Any) -> Path:
    """Write a backbone with random weights and its JSON, as somebody would bring it."""
    torch.manual_seed(0)
    file = folder / "brought.safetensors"
    save_file(build_backbone(BackboneSpec(made, "scratch")).state_dict(), file)
    about = {"architecture": made, "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4], **described}
    file.with_suffix(".json").write_text(json.dumps(about))
    return file


def pixels_of(wings: DatasetFolder, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    return preprocessing.pixels([Image.open(wings.picture_path(picture)) for picture in wings.pictures])


def test_an_onnx_network_is_measured_and_stored_like_a_run(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    file = stored_onnx(tmp_path, name="Fields", licence="MIT")
    metrics = add_model(file, wings, tmp_path / "out", cache_root)
    assert (metrics["queries"], metrics["measured_on"], metrics["dataset"]) == (24, "test", "wings")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([*FILES, "model.onnx"])
    described = read_json(tmp_path / "out" / "model.json")
    assert (described["kind"], described["name"], described["licence"], described["dim"]) == (
        "onnx",
        "Fields",
        "MIT",
        5,
    )
    assert described["weights_sha256"] == described["origin_sha256"] == sha256_of_file(file)

    encoder = load_encoder(tmp_path / "out")
    embeddings = np.load(tmp_path / "out" / "embeddings.npy")
    assert np.abs(embeddings - expected_of(pixels_of(wings, encoder.preprocessing))).max() < 1e-5
    again = encoder.embed([Image.open(wings.picture_path(wings.pictures[3]))])
    assert np.abs(again[0] - embeddings[3]).max() < 1e-6
    assert encoder.weights_sha256 == described["weights_sha256"] and encoder.dim == 5


def test_a_backbone_is_measured_and_stored_like_a_run(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    file = stored_timm(tmp_path, pooling="cls", short_side=40, crop=32, interpolation="bilinear")
    add_model(file, wings, tmp_path / "out", cache_root)
    described, encoder = read_json(tmp_path / "out" / "model.json"), load_encoder(tmp_path / "out")
    assert isinstance(encoder, Encoder)
    assert described["embedder"]["pooling"] == "cls" and described["embedder"]["backbone"]["arguments"] == {
        "img_size": 32
    }
    assert encoder.preprocessing == Preprocessing(40, 32, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4), "bilinear")
    embeddings = np.load(tmp_path / "out" / "embeddings.npy")
    assert np.abs(encoder.embed_pixels(pixels_of(wings, encoder.preprocessing)) - embeddings).max() < 1e-5
    assert (described["name"], described["origin_sha256"]) == ("brought", sha256_of_file(file))


def test_a_backbone_that_says_no_sizes_gets_those_at_which_timm_evaluates_it(tmp_path: Path) -> None:
    preprocessing = open_external_model(stored_timm(tmp_path, "test_resnet")).encoder.preprocessing
    assert (preprocessing.crop, preprocessing.short_side) == (160, math.floor(160 / 0.95))


@pytest.mark.parametrize("kind", ["onnx", "timm"])
def test_the_network_of_a_finished_run_is_measured_on_another_data_set(
    kind: str, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    run = paths_in(tmp_path, cache_root)
    if kind == "onnx":
        add_model(stored_onnx(tmp_path), wings, run.out, cache_root)
    else:
        train(tiny_spec(epochs=1), wings, run)
    (weights,) = run.out.glob("model.[os]*")
    metrics = add_model(weights, wings, tmp_path / "again", cache_root)
    first = read_json(run.out / "metrics.json")
    for name in ("near_duplicates", *GRADIENT_NORMS):  # of its training, of which a model from elsewhere does not tell
        first["diagnostics"].pop(name, None)
    assert metrics == first
    before, after = (np.load(folder / "embeddings.npy") for folder in (run.out, tmp_path / "again"))
    assert np.abs(before - after).max() < 1e-5
    assert read_json(tmp_path / "again" / "model.json")["name"] == ("soft_triple" if kind == "timm" else "tiny")
    assert load_encoder(tmp_path / "again").dim == before.shape[1]


def test_a_damaged_or_renamed_network_of_a_run_is_refused(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    add_model(stored_onnx(tmp_path), wings, tmp_path / "run", cache_root)
    weights = tmp_path / "run" / "model.onnx"
    shutil.copy(weights, tmp_path / "run" / "model.safetensors")
    with pytest.raises(WeightsError, match="model.safetensors is not the network of the run in"):
        open_external_model(tmp_path / "run" / "model.safetensors")
    flip_byte(weights)
    with pytest.raises(CheckpointError, match="are damaged: their checksum differs"):
        open_external_model(weights)


def test_its_embeddings_are_indexed_and_searched_with_any_picture(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    add_model(stored_onnx(tmp_path), wings, tmp_path / "out", cache_root)
    described, encoder = read_json(tmp_path / "out" / "model.json"), load_encoder(tmp_path / "out")
    embeddings, ids = np.load(tmp_path / "out" / "embeddings.npy"), read_ids(tmp_path / "out")
    sha256, preprocessing = described["weights_sha256"], described["preprocessing"]
    manifest = build_index(tmp_path / "index", embeddings, ids, model_sha256=sha256, preprocessing=preprocessing)
    assert manifest.model_sha256 == encoder.weights_sha256 and manifest.dim == encoder.dim


def refusal(file: Path) -> str:
    with pytest.raises((WeightsError, ProtocolError)) as caught:
        open_external_model(file)
    return str(caught.value)


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"mean": [0.5, 0.5]}, "mean must be three numbers, one a channel, for pixels in 0..1; got [0.5, 0.5]"),
        ({"mean": "grey"}, "mean must be three numbers"),
        ({"std": [1, 1, float("nan")]}, "std must be three numbers"),
        ({"std": [1, 0, 1]}, "std above 0 and up to 1, for pixels in 0..1; got mean [0.4, 0.5, 0.6] and std [1.0, 0.0"),
        ({"std": [-0.5, 0.5, 0.5]}, "got mean [0.4, 0.5, 0.6] and std [-0.5"),
        ({"mean": [127.5] * 3, "std": [127.5] * 3}, "mean must lie in 0..1"),
        ({"std": [58.4, 57.1, 57.4]}, "Divide those of bytes by 255"),
        ({"mean": [-0.1, 0.5, 0.5]}, "mean must lie in 0..1"),
        ({"crop": 33}, "short_side and crop must be whole pixels, 16 <= crop <= short_side <= 2048; got 32 and 33"),
        ({"crop": 10**6, "short_side": 10**6}, "short_side <= 2048; got 1000000 and 1000000"),
        ({"crop": 10**400, "short_side": 10**400}, "short_side <= 2048; got 1000"),
        ({"crop": 8}, "short_side <= 2048; got 32 and 8"),
        ({"crop": "30"}, "must be whole pixels"),
        ({"interpolation": "nearest"}, "interpolation must be one of bicubic, bilinear; got 'nearest'"),
        ({"output": "z"}, "no output 'z'"),
    ],
)
def test_a_description_that_cannot_be_meant_is_refused(tmp_path: Path, described: dict[str, Any], message: str) -> None:
    assert message in refusal(stored_onnx(tmp_path, **described))


@pytest.mark.parametrize("missing", ["mean", "std", "short_side", "crop"])
def test_a_description_that_says_too_little_is_refused(tmp_path: Path, missing: str) -> None:
    file = stored_onnx(tmp_path)
    beside = file.with_suffix(".json")
    beside.write_text(
        json.dumps({key: value for key, value in json.loads(beside.read_text()).items() if key != missing})
    )
    assert refusal(file) == f"tiny.json does not say {missing}"


@pytest.mark.parametrize(
    ("text", "message"), [("mean: 1", "tiny.json is not JSON"), ("[1]", "must hold one JSON object")]
)
def test_a_description_that_is_no_json_object_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = stored_onnx(tmp_path)
    file.with_suffix(".json").write_text(text)
    assert message in refusal(file)


@pytest.mark.parametrize("gone", [".onnx", ".json"])
def test_a_missing_file_is_named(tmp_path: Path, gone: str) -> None:
    file = stored_onnx(tmp_path)
    file.with_suffix(gone).unlink()
    assert f"tiny{gone} is not there; a model is a .onnx file with its .json beside it" in refusal(file)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "model.pt") == "model.pt is not a model: it must end in .onnx or .safetensors"


def test_an_enormous_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = stored_onnx(tmp_path)
    with file.open("r+b") as opened:
        opened.truncate(MAX_BYTES + 1)  # a hole: it takes no room
    assert refusal(file) == f"tiny.onnx has {MAX_BYTES + 1} bytes; at most {MAX_BYTES} are read"


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"pooling": "median"}, "no pooling named 'median'"),
        ({"architecture": "resnet9000"}, "timm has no backbone named 'resnet9000'"),
        ({"short_side": 50, "crop": 50}, "crop 50 is not a multiple of the 16 px patches"),
        ({"architecture": "test_resnet"}, "brought.safetensors lacks [0-9]+ tensors"),
    ],
)
def test_a_backbone_that_cannot_be_built_is_refused(tmp_path: Path, described: dict[str, Any], message: str) -> None:
    with pytest.raises(MlcoreError, match=message):
        open_external_model(stored_timm(tmp_path, **described))


def constant(name: str, value: float) -> onnx.TensorProto:
    return numpy_helper.from_array(np.full((1, 12), value, np.float32), name)


def chain(*steps: tuple[str, str, str]) -> list[onnx.NodeProto]:
    """Return nodes (operator, inputs, output)."""
    return [helper.make_node(operator, inputs.split(), [output]) for operator, inputs, output in steps]


FAULTY: dict[str, tuple[list[onnx.NodeProto], str]] = {
    "not a number": (chain(("Div", "zero zero", "nan"), ("Add", "fields nan", "y")), "that are not finite"),
    "constant": (chain(("Mul", "fields zero", "none"), ("Add", "none one", "y")), "the same embedding for different"),
    "of its company": (
        [
            helper.make_node("ReduceMean", ["fields"], ["mean"], axes=[0]),
            *chain(("Sub", "fields mean", "centred"), ("Add", "centred one", "y")),
        ],
        r"another embedding when it is embedded alone \(cosine",
    ),
    "random": (chain(("RandomNormalLike", "fields", "y")), "another embedding when it is embedded twice"),
}


@pytest.mark.parametrize(("tail", "message"), FAULTY.values(), ids=FAULTY)
def test_a_network_that_computes_no_embedding_is_refused(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, tail: list[onnx.NodeProto], message: str
) -> None:
    model = onnx_model(tail=tail, outputs={"y": (None, 12)}, tensors=(constant("zero", 0), constant("one", 1)))
    with pytest.raises(WeightsError, match=message):
        add_model(stored_onnx(tmp_path, model), wings, tmp_path / "out", cache_root)
    assert not (tmp_path / "out").exists()


def test_a_trained_encoder_passes_the_same_check(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    paths = paths_in(tmp_path, cache_root)
    train(tiny_spec(epochs=1), wings, paths)
    check_encoder(load_encoder(paths.out))


def test_every_engine_has_the_same_face() -> None:
    assert issubclass(Encoder, PictureEncoder) and issubclass(OnnxEncoder, PictureEncoder)
