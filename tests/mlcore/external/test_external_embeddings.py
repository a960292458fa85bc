"""Embeddings from elsewhere find their pictures, whatever their order, or the error says which do not."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mlcore.artifacts import read_json, sha256_of_file
from mlcore.datasets import DatasetFolder
from mlcore.errors import CheckpointError, DatasetError
from mlcore.evaluation.evaluate import measure
from mlcore.external.external_embeddings import add_embeddings
from mlcore.index import build_index
from mlcore.inference.model_files import load_encoder
from mlcore.runs import read_ids

Floats = NDArray[np.float32]


def somebodys(wings: DatasetFolder) -> Floats:
    return np.random.default_rng(0).normal(size=(len(wings.pictures), 6)).astype(np.float32)


def stored(folder: Path, values: Any, rows: list[dict[str, str]]) -> tuple[Path, Path]:
    np.save(folder / "theirs.npy", values)
    with (folder / "theirs.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "theirs.npy", folder / "theirs.csv"


def rows_of(wings: DatasetFolder, *keys: str) -> list[dict[str, str]]:
    return [{key: str(getattr(picture, key)) for key in keys} for picture in wings.pictures]


@pytest.mark.parametrize("keys", [("path",), ("sha256",), ("label", "sha256"), ("sha256", "path")])
def test_rows_in_any_order_find_their_pictures(wings: DatasetFolder, tmp_path: Path, keys: tuple[str, ...]) -> None:
    values, order = somebodys(wings), np.random.default_rng(1).permutation(len(wings.pictures))
    rows = rows_of(wings, *keys)
    files = stored(tmp_path, 100 * values[order], [rows[row] for row in order])
    metrics = add_embeddings(*files, wings, tmp_path / "out")
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    assert np.abs(np.load(tmp_path / "out" / "embeddings.npy") - unit).max() < 1e-6
    test = wings.rows("test")
    assert metrics["map_at_r"] == pytest.approx(measure(unit[test], wings.labels[test])["map_at_r"])
    assert (metrics["measured_on"], metrics["dataset"], metrics["queries"]) == ("test", wings.name, 24)
    assert metrics == read_json(tmp_path / "out" / "metrics.json")


def test_they_are_indexed_and_searched_with_pictures_of_the_gallery_only(wings: DatasetFolder, tmp_path: Path) -> None:
    add_embeddings(*stored(tmp_path, somebodys(wings), rows_of(wings, "path")), wings, tmp_path / "out")
    described = read_json(tmp_path / "out" / "model.json")
    assert (described["kind"], described["name"], described["dim"]) == ("embeddings", "theirs", 6)
    assert described["weights_sha256"] == sha256_of_file(tmp_path / "out" / "embeddings.npy")
    embeddings, ids = np.load(tmp_path / "out" / "embeddings.npy"), read_ids(tmp_path / "out")
    sha256, preprocessing = described["weights_sha256"], described["preprocessing"]
    build_index(tmp_path / "index", embeddings, ids, model_sha256=sha256, preprocessing=preprocessing)
    with pytest.raises(CheckpointError, match="without their network: it can be searched with pictures of its gallery"):
        load_encoder(tmp_path / "out")


def refusal(wings: DatasetFolder, folder: Path, values: Any, rows: list[dict[str, str]]) -> str:
    with pytest.raises(DatasetError) as caught:
        add_embeddings(*stored(folder, values, rows), wings, folder / "out")
    assert not (folder / "out").exists()
    return str(caught.value)


def test_missing_pictures_are_named(wings: DatasetFolder, tmp_path: Path) -> None:
    paths = sorted(picture.path for picture in wings.pictures[5:])
    message = refusal(wings, tmp_path, somebodys(wings)[:5], rows_of(wings, "path")[:5])
    assert message == f"the list of pictures lacks {', '.join(paths[:3])} and {len(paths) - 3} more"


def test_pictures_that_the_data_set_does_not_have_are_named(wings: DatasetFolder, tmp_path: Path) -> None:
    values, rows = somebodys(wings), rows_of(wings, "path")
    message = refusal(wings, tmp_path, np.vstack([values, values[:1]]), [*rows, {"path": "elsewhere.png"}])
    assert message == "the list of pictures names pictures that wings does not have: elsewhere.png"


def test_two_different_embeddings_of_a_picture_are_refused(wings: DatasetFolder, tmp_path: Path) -> None:
    values, rows = somebodys(wings), rows_of(wings, "path")
    message = refusal(wings, tmp_path, np.vstack([values, values[1:2]]), [*rows, rows[0]])
    assert message == f"the list of pictures has two different embeddings for {rows[0]['path']}"


def test_pictures_alike_byte_for_byte_share_an_embedding(wings: DatasetFolder, tmp_path: Path) -> None:
    first, second, *others = wings.pictures
    doubled = replace(wings, pictures=(first, replace(second, sha256=first.sha256), *others))
    values = somebodys(wings)
    values[1] = values[0]
    add_embeddings(*stored(tmp_path, values, rows_of(doubled, "sha256")), doubled, tmp_path / "out")
    embeddings = np.load(tmp_path / "out" / "embeddings.npy")
    assert np.array_equal(embeddings[0], embeddings[1]) and not np.array_equal(embeddings[0], embeddings[2])


@pytest.mark.parametrize("fault", [0, np.nan, np.inf])
def test_a_row_without_a_direction_is_refused(wings: DatasetFolder, tmp_path: Path, fault: float) -> None:
    values = somebodys(wings)
    values[7] = fault
    message = refusal(wings, tmp_path, values, rows_of(wings, "path"))
    assert message == f"the embedding of {wings.pictures[7].path} is zero or not finite; it has no direction"


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_tiny_and_huge_rows_have_their_direction(wings: DatasetFolder, tmp_path: Path, scale: float) -> None:
    values = somebodys(wings)
    add_embeddings(*stored(tmp_path, values * scale, rows_of(wings, "path")), wings, tmp_path / "out")
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    assert np.abs(np.load(tmp_path / "out" / "embeddings.npy") - unit).max() < 1e-6


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(48), "theirs.npy must hold one array of numbers"),
        (np.zeros((48, 0)), "theirs.npy must hold one array of numbers"),
        (np.full((48, 2), "a"), "theirs.npy must hold one array of numbers"),
        (np.array([{}]), "cannot read the embeddings in theirs.npy"),
        (np.ones((47, 2)), "theirs.npy has 47 rows, theirs.csv names 48 pictures"),
    ],
)
def test_an_array_of_another_form_is_refused(wings: DatasetFolder, tmp_path: Path, values: Any, message: str) -> None:
    assert message in refusal(wings, tmp_path, values, rows_of(wings, "path"))


def test_a_list_without_names_is_refused(wings: DatasetFolder, tmp_path: Path) -> None:
    message = refusal(wings, tmp_path, somebodys(wings), rows_of(wings, "label"))
    assert "theirs.csv needs a column 'path' or 'sha256'; its header has 'label'" in message


@pytest.mark.parametrize(
    ("encoding", "change"),
    [
        ("utf-8-sig", lambda text: text),
        ("utf-16", lambda text: text.replace(",", "\t")),
        ("utf-8", lambda text: text.replace(",", ";").replace("path", "PATH")),
        ("utf-8", lambda text: text.replace(",", ", ").replace("\n", "\r\n")),
    ],
    ids=["byte-order mark", "UTF-16 and tabs", "semicolons and upper case", "blanks"],
)
def test_a_list_is_read_in_whatever_dialect(
    wings: DatasetFolder, tmp_path: Path, encoding: str, change: Callable[[str], str]
) -> None:
    embeddings, images = stored(tmp_path, somebodys(wings), rows_of(wings, "label", "path"))
    images.write_bytes(change(images.read_text()).encode(encoding))
    add_embeddings(embeddings, images, wings, tmp_path / "out")
    assert len(np.load(tmp_path / "out" / "embeddings.npy")) == len(wings.pictures)


def test_a_list_names_pictures_by_checksums_of_either_case(wings: DatasetFolder, tmp_path: Path) -> None:
    rows = [{"SHA256": row["sha256"].upper()} for row in rows_of(wings, "sha256")]
    add_embeddings(*stored(tmp_path, somebodys(wings), rows), wings, tmp_path / "out")
    assert (tmp_path / "out" / "model.json").exists()


def test_a_folder_that_is_there_is_refused(wings: DatasetFolder, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="is already there; choose another folder"):
        add_embeddings(tmp_path / "no.npy", tmp_path / "no.csv", wings, tmp_path)
