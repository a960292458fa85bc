"""A stale or damaged index is refused in a sentence, never searched."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.errors import MlcoreError, StaleIndexError
from mlcore.index import IndexManifest, build_index, load_index, preprocessing_sha256
from mlcore.index.store import read_manifest

PREPROCESSING = {"size": 224, "crop": "centre"}
ROWS = np.random.default_rng(0).standard_normal((120, 6))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexes") / "sound"
    build_index(folder, ROWS, np.arange(120), model_sha256="a" * 64, preprocessing=PREPROCESSING)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "index"))


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_sound_index_loads_for_its_model_and_preprocessing(sound: Path) -> None:
    index = load_index(sound, model_sha256="a" * 64, preprocessing=dict(reversed(PREPROCESSING.items())))
    assert index.search(ROWS, 1)[0][:, 0].tolist() == list(range(120))


def test_a_manifest_comes_back_from_json_as_it_was(sound: Path) -> None:
    manifest = read_manifest(sound)
    assert IndexManifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest
    assert len(manifest.checksum) == 64


def test_another_model_is_refused_by_name(sound: Path) -> None:
    with pytest.raises(StaleIndexError, match="of model aaaaaaaaaaaa, not of bbbbbbbbbbbb"):
        load_index(sound, model_sha256="b" * 64)


def test_another_preprocessing_is_refused(sound: Path) -> None:
    with pytest.raises(StaleIndexError, match="another preprocessing"):
        load_index(sound, preprocessing=PREPROCESSING | {"size": 160})
    assert preprocessing_sha256({"a": 1, "b": 2}) == preprocessing_sha256({"b": 2, "a": 1})


@pytest.mark.parametrize("name", ["index.bin", "vectors.npy"])
@pytest.mark.parametrize("where", [0, 40, -1])
def test_a_flipped_byte_is_noticed(folder: Path, name: str, where: int) -> None:
    content = bytearray((folder / name).read_bytes())
    content[where] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(StaleIndexError, match=f"{name} is damaged"):
        load_index(folder)


@pytest.mark.parametrize("name", ["index.bin", "vectors.npy"])
def test_a_truncated_or_missing_file_is_noticed(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(StaleIndexError, match=f"{name} has .* bytes, its manifest says"):
        load_index(folder)
    (folder / name).unlink()
    with pytest.raises(StaleIndexError, match=f"{name} is missing"):
        load_index(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.update(format=4), "not of format 1 to 3"),
        (lambda m: m.update(space="l2"), "not of format 1 to 3 and space ip"),
        (lambda m: m.update(dim=5), "not float32 of dim 5"),
        (lambda m: m.update(dim="6"), "dim cannot be '6'"),
        (lambda m: m.update(count=119), "holds 120 pictures, its manifest says 119"),
        (lambda m: m.update(ef=0), "ef cannot be 0"),
        (lambda m: m.update(ids_sha256="0" * 64), "other pictures"),
        (lambda m: m.pop("seed"), r"lacks or adds \['seed'\]"),
        (lambda m: m.update(colour="red"), r"lacks or adds \['colour'\]"),
        (lambda m: m.update(attempts=[{"M": 1}]), "cannot be read"),
        (lambda m: m.update(files=3), "cannot be read"),
        (lambda m: m["files"].pop("vectors.npy"), "no checksum of vectors.npy"),
        (lambda m: m["files"]["index.bin"].update(sha256="0" * 64), "index.bin is damaged"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    rewrite(folder, change)
    with pytest.raises(StaleIndexError, match=message) as caught:
        load_index(folder)
    assert isinstance(caught.value, MlcoreError)


@pytest.mark.parametrize("content", ["", "[]", "{", "null", "\x00\xff"])
def test_a_manifest_that_is_none_is_refused(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(StaleIndexError, match="manifest"):
        load_index(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StaleIndexError, match="index gone has no readable manifest"):
        load_index(tmp_path / "gone")


def test_a_removed_folder_still_serves_those_who_loaded_it(folder: Path) -> None:
    index = load_index(folder)
    shutil.rmtree(folder)
    assert index.search(ROWS, 1, allowed=range(60))[0].max() < 60
