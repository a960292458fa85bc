"""Formats of archives that are read, and those that are refused by name."""

import zipfile
from pathlib import Path

import pytest

from mlcore.datasets.archive_formats import ARCHIVE_SUFFIXES, is_archive_name, refuse_unread_format, stem_of
from mlcore.errors import DatasetError


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
def test_every_ending_is_known_and_taken_off(suffix: str) -> None:
    assert is_archive_name(f"Birds{suffix.upper()}")
    assert stem_of(Path(f"birds.v2{suffix}")) == "birds.v2"
    assert not is_archive_name("birds.rar")


@pytest.mark.parametrize(
    ("name", "data", "format_name"),
    [
        ("set.rar", b"Rar!\x1a\x07\x01\x00", "RAR"),
        ("set.zip", b"7z\xbc\xaf\x27\x1c", "7z"),
        ("set.zip.001", b"PK\x03\x04", "several parts"),
        ("set.z01", b"PK\x07\x08PK\x03\x04", "several parts"),
        ("set.tar.gz.002", b"xxxx", "several parts"),
        ("set.zip", b"xxxx" + b"PK\x05\x06\x02\x00" + bytes(16), "several parts"),
    ],
)
def test_unread_format_is_refused_by_its_name(name: str, data: bytes, format_name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DatasetError, match=format_name):
        refuse_unread_format(tmp_path / name)


def test_zip_with_a_comment_is_no_part_of_several(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a/1.jpg", b"x")
        archive.comment = b"c" * 60_000
    refuse_unread_format(tmp_path / "set.zip")
