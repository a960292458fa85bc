"""The pixel cache: exact, shared, and never quietly wrong."""

import io
import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mlcore import artifacts
from mlcore.datasets import DatasetFolder, Source, import_pictures, load_dataset, open_cache
from mlcore.errors import DatasetError, Stopped
from mlcore.images.image_io import resize_short_side


@pytest.fixture
def dataset(make_source: Callable[..., Source], make_jpeg: Callable[..., bytes], tmp_path: Path) -> DatasetFolder:
    sizes = [(24, 20), (20, 24), (20, 20), (90, 20), (64, 48), (20, 31)]
    classes = {f"c{c}": [make_jpeg(10 * c + n, *sizes[2 * c + n]) for n in range(2)] for c in range(3)}
    import_pictures(make_source(classes, train=2), tmp_path / "set")
    return load_dataset(tmp_path / "set")


def folder_of(root: Path) -> Path:
    (folder,) = (path for path in root.iterdir() if path.is_dir())
    return folder


def decoded(dataset: DatasetFolder, row: int) -> Image.Image:
    data = dataset.picture_path(dataset.pictures[row]).read_bytes()
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_picture_of_the_right_size_keeps_every_pixel(dataset: DatasetFolder, tmp_path: Path) -> None:
    cache = open_cache(dataset, 20, tmp_path / "cache")
    assert len(cache) == 6
    for row in (0, 1, 2, 5):
        assert np.array_equal(cache[row], np.asarray(decoded(dataset, row))), row


def test_other_sizes_are_resized_whole_never_decoded_coarsely(dataset: DatasetFolder, tmp_path: Path) -> None:
    cache = open_cache(dataset, 20, tmp_path / "cache")
    assert [cache[row].shape for row in range(6)] == [
        (20, 24, 3),
        (24, 20, 3),
        (20, 20, 3),
        (20, 40, 3),
        (20, 27, 3),
        (31, 20, 3),
    ]
    for row in range(6):
        assert np.array_equal(cache[row], np.asarray(resize_short_side(decoded(dataset, row), 20))), row


def test_rows_are_read_only_views_of_one_file(dataset: DatasetFolder, tmp_path: Path) -> None:
    cache = open_cache(dataset, 20, tmp_path / "cache")
    assert not cache[0].flags.writeable
    assert not cache[0].flags.owndata
    assert cache[0].dtype == np.uint8
    assert np.array_equal(cache[np.int64(3)], cache[3])
    with pytest.raises(IndexError):
        cache[6]


def test_second_opening_builds_nothing(dataset: DatasetFolder, tmp_path: Path) -> None:
    heard: list[int] = []
    open_cache(dataset, 20, tmp_path / "cache", lambda phase, done, total: heard.append(done))
    assert heard == [1, 2, 3, 4, 5, 6]
    heard.clear()
    open_cache(dataset, 20, tmp_path / "cache", lambda phase, done, total: heard.append(done))
    assert heard == []


def test_sizes_and_data_sets_do_not_share_a_folder(dataset: DatasetFolder, tmp_path: Path) -> None:
    open_cache(dataset, 20, tmp_path / "cache")
    open_cache(dataset, 16, tmp_path / "cache")
    open_cache(replace(dataset, fingerprint="f" * 64), 20, tmp_path / "cache")
    prefix = dataset.fingerprint[:16]
    folders = {path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()}
    assert folders == {f"{prefix}-20", f"{prefix}-16", "f" * 16 + "-20"}


def test_same_pictures_in_another_order_get_their_own_pixels(dataset: DatasetFolder, tmp_path: Path) -> None:
    first = open_cache(dataset, 20, tmp_path / "cache")
    turned = replace(dataset, pictures=tuple(reversed(dataset.pictures)))
    second = open_cache(turned, 20, tmp_path / "cache")
    for row in range(6):
        assert np.array_equal(second[row], first[5 - row])


@pytest.mark.parametrize("name", ["pixels.bin", "shapes.npy", "offsets.npy", "contents.txt", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "remove"])
def test_damaged_cache_is_noticed_said_and_built_again(
    name: str, damage: str, dataset: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = [pixels.copy() for pixels in open_cache(dataset, 20, tmp_path / "cache")]
    file = folder_of(tmp_path / "cache") / name
    data = file.read_bytes()
    if damage == "remove":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(data[:-1])
    else:
        place = data.index(b"sha256") + 12 if name == "manifest.json" else len(data) // 2
        file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with caplog.at_level(logging.WARNING):
        cache = open_cache(dataset, 20, tmp_path / "cache")
    assert all(np.array_equal(cache[row], expected[row]) for row in range(6))
    if (name, damage) != ("manifest.json", "cut"):  # there, the last byte is a line feed
        assert "cannot be used" in caplog.text


def test_checksums_are_computed_once_for_a_state_of_the_files(
    dataset: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "cache"
    open_cache(dataset, 20, root)
    open_cache(dataset, 20, root)
    hashed: list[str] = []
    real = artifacts.sha256_of_file
    monkeypatch.setattr(artifacts, "sha256_of_file", lambda path: hashed.append(path.name) or real(path))
    open_cache(dataset, 20, root)
    assert hashed == []
    os.utime(folder_of(root) / "pixels.bin")
    open_cache(dataset, 20, root)
    assert "pixels.bin" in hashed


def test_file_cut_behind_an_old_time_stamp_is_noticed(dataset: DatasetFolder, tmp_path: Path) -> None:
    root = tmp_path / "cache"
    open_cache(dataset, 20, root)
    expected = open_cache(dataset, 20, root)[5].copy()  # this opening trusts its checksums from now on
    pixels = folder_of(root) / "pixels.bin"
    before = pixels.stat()
    with pixels.open("r+b") as file:
        file.truncate(before.st_size - 1)
    os.utime(pixels, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert np.array_equal(open_cache(dataset, 20, root)[5], expected)


def test_stopped_build_leaves_nothing_and_can_begin_again(dataset: DatasetFolder, tmp_path: Path) -> None:
    def stop(phase: str, done: int, total: int) -> None:
        if done == 3:
            raise Stopped("asked to stop")

    with pytest.raises(Stopped):
        open_cache(dataset, 20, tmp_path / "cache", stop)
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    assert len(open_cache(dataset, 20, tmp_path / "cache")) == 6


def test_picture_that_is_gone_or_damaged_is_named(dataset: DatasetFolder, tmp_path: Path) -> None:
    path = dataset.picture_path(dataset.pictures[4])
    path.write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=r"picture c2/0.jpg of data set tiny cannot be read any more"):
        open_cache(dataset, 20, tmp_path / "cache")
    path.unlink()
    with pytest.raises(DatasetError, match="c2/0.jpg"):
        open_cache(dataset, 20, tmp_path / "cache")


def open_in_child(dataset: DatasetFolder, root: Path, built: "multiprocessing.queues.Queue[int]") -> None:
    """Open the cache in another process and tell how many pictures that process decoded."""
    done: list[int] = []
    cache = open_cache(dataset, 20, root, lambda phase, count, total: done.append(count) if count else None)
    assert len(cache) == 6
    built.put(len(done))


def test_processes_that_build_at_once_build_once(dataset: DatasetFolder, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    built = context.Queue()
    children = [context.Process(target=open_in_child, args=(dataset, tmp_path / "cache", built)) for _ in range(3)]
    for child in children:
        child.start()
    counts = [built.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    assert sorted(counts) == [0, 0, 6]


def test_waiting_for_another_build_can_be_stopped(dataset: DatasetFolder, tmp_path: Path) -> None:
    building, release = threading.Event(), threading.Event()

    def hold(phase: str, done: int, total: int) -> None:
        building.set()
        release.wait(30)

    def stop(phase: str, done: int, total: int) -> None:
        assert (done, total) == (0, 0)
        raise Stopped("asked to stop")

    builder = threading.Thread(target=open_cache, args=(dataset, 20, tmp_path / "cache", hold))
    builder.start()
    try:
        assert building.wait(30)
        with pytest.raises(Stopped):
            open_cache(dataset, 20, tmp_path / "cache", stop)
    finally:
        release.set()
        builder.join()
    assert len(open_cache(dataset, 20, tmp_path / "cache")) == 6


def test_cache_of_an_earlier_version_is_built_again(
    dataset: DatasetFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = [pixels.copy() for pixels in open_cache(dataset, 20, tmp_path / "cache")]
    folder = folder_of(tmp_path / "cache")
    (folder / "pixels.bin").write_bytes(bytes((folder / "pixels.bin").stat().st_size))
    artifacts.write_json(folder / "manifest.json", artifacts.read_json(folder / "manifest.json") | {"format": 1})
    with caplog.at_level(logging.WARNING):
        cache = open_cache(dataset, 20, tmp_path / "cache")
    assert all(np.array_equal(cache[row], expected[row]) for row in range(6))
    assert "another version of Kindred built it, as format 1" in caplog.text
