"""Folders appear whole or not at all."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from mlcore.artifacts import allocate, published, read_json, refuse_existing, sha256_of_file, write_json


def build(target: Path, text: str = "whole") -> None:
    with published(target) as folder:
        (folder / "file").write_text(text)


def test_a_folder_appears_only_when_its_builder_is_done(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "target"
    with published(target) as folder:
        (folder / "file").write_text("half")
        assert not target.exists()
        assert folder.parent == target.parent, "a rename is atomic on one file system only"
    assert (target / "file").read_text() == "half"
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_failed_build_leaves_nothing(tmp_path: Path, fault: type[BaseException]) -> None:
    with pytest.raises(fault), published(tmp_path / "target") as folder:
        (folder / "file").write_text("half")
        raise fault
    assert not list(tmp_path.iterdir())


def test_what_is_published_never_changes(tmp_path: Path) -> None:
    build(tmp_path / "target")
    with pytest.raises(FileExistsError, match="is already there; choose another folder"):
        build(tmp_path / "target", "other")
    assert (tmp_path / "target" / "file").read_text() == "whole"


def test_the_first_of_two_builders_wins_and_the_second_is_told(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with pytest.raises(FileExistsError, match="already there"), published(target) as folder:
        (folder / "file").write_text("second")
        build(target, "first")
    assert (target / "file").read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_a_rename_that_fails_otherwise_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space"):
        build(tmp_path / "target")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_builder_left_is_removed_and_what_a_living_one_builds_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    prefix = f".target-{socket.gethostname()}-"
    left = tmp_path / f"{prefix}{dead.pid}-abc"
    others = [tmp_path / f"{prefix}{os.getpid()}-abc", tmp_path / f".target-elsewhere-{dead.pid}-abc"]
    for folder in (left, *others):
        folder.mkdir()
    build(tmp_path / "target")
    assert not left.exists()
    assert all(folder.exists() for folder in others)


def test_an_empty_place_may_be_built_on(tmp_path: Path) -> None:
    refuse_existing(tmp_path / "nothing here")


def test_json_is_replaced_whole_and_never_holds_nan(tmp_path: Path) -> None:
    file = tmp_path / "value.json"
    write_json(file, {"b": [1, 2.5], "a": None})
    assert read_json(file) == {"a": None, "b": [1, 2.5]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(file, {"a": float("nan")})
    assert read_json(file) == {"a": None, "b": [1, 2.5]}
    assert list(tmp_path.iterdir()) == [file]


def test_the_sum_of_a_file_is_the_known_one(tmp_path: Path) -> None:
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert sha256_of_file(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_allocated_file_has_no_hole_and_the_same_bytes(tmp_path: Path) -> None:
    file = tmp_path / "sparse"
    with file.open("wb") as opened:
        opened.write(b"begin")
        opened.truncate(2**20)
    allocate(file, file.stat().st_size)
    assert file.stat().st_size == 2**20 and file.stat().st_blocks * 512 >= 2**20
    assert file.read_bytes() == b"begin".ljust(2**20, b"\0")
