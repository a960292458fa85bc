"""One door for every kind of source."""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.errors import DatasetError

FILES = {f"flowers/{name}/{number}.jpg": None for name in ("rose", "aster", "tulip") for number in (1, 2)}


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_archive_and_directory_give_the_same_source(kind: str, write_files: Callable[..., Path]) -> None:
    folder = write_files(FILES)
    archive = shutil.make_archive(str(folder), kind, folder)
    with open_source(folder) as plain, open_source(archive) as packed:
        assert packed.name == plain.name == "set"
        assert packed.classes == plain.classes == ("aster", "rose", "tulip")
        assert [(item.path, item.label, item.split) for item in packed.items] == [
            (item.path, item.label, item.split) for item in plain.items
        ]
        assert [item.read() for item in packed.items] == [item.read() for item in plain.items]


def test_level_of_an_earlier_import_is_taken_again(write_files: Callable[..., Path]) -> None:
    where = write_files({f"{name}/{name}-{year}/1.jpg": None for name in ("oak", "fir", "elm") for year in (1, 2)})
    with open_source(where, like=("elm", "fir", "oak")) as source:
        assert source.classes == ("elm", "fir", "oak")
    for like in ((), ("elm-1", "oak-2"), ("Ulme", "Eiche")):
        with open_source(where, like=like) as source:
            assert source.classes[:2] == ("elm-1", "elm-2")
    with open_source(where, like=("elm",), choices=LayoutChoices(level=2)) as source:
        assert len(source.classes) == 6


def test_origin_names_the_file_and_not_the_machine(write_files: Callable[..., Path]) -> None:
    folder = write_files(FILES)
    archive = shutil.make_archive(str(folder), "zip", folder)
    with open_source(archive) as source:
        assert source.origin == "set.zip"


def test_unsafe_archive_is_refused_at_the_door(tmp_path: Path) -> None:
    where = tmp_path / "evil.tar"
    with tarfile.open(where, "w") as tar:
        tar.addfile(tarfile.TarInfo("../../evil.jpg"))
    with pytest.raises(DatasetError, match="not safe"), open_source(where):
        pytest.fail("opened")


def test_directory_named_wings_can_still_be_read(
    write_files: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(FILES, "wings")
    monkeypatch.chdir(tmp_path)
    for where in (Path("wings"), "./wings"):
        with open_source(where) as source:
            assert source.classes == ("aster", "rose", "tulip")
