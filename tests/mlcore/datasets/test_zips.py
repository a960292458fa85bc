"""Zips as systems write them: names, passwords and methods of compression."""

import zipfile
from pathlib import Path

import pytest

from mlcore.datasets.archives import open_tree
from mlcore.errors import DatasetError


def zip_of(where: Path, *names: str) -> Path:
    with zipfile.ZipFile(where, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), name.encode())
    return where


def patched(where: Path, in_local: int, in_central: int, value: int) -> Path:
    """Write a byte at an offset of every local header and of every entry of the directory."""
    data = bytearray(where.read_bytes())
    for signature, offset in ((b"PK\x03\x04", in_local), (b"PK\x01\x02", in_central)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] = value
            at = data.find(signature, at + 4)
    where.write_bytes(data)
    return where


def test_backslashes_part_folders(tmp_path: Path) -> None:
    with open_tree(zip_of(tmp_path / "set.zip", "set\\a\\1.jpg", "set\\b\\", "set/c/2.jpg")) as tree:
        assert set(tree.sizes) == {"set/a/1.jpg", "set/c/2.jpg"}
        assert tree.read("set/a/1.jpg") == b"set\\a\\1.jpg"


def test_password_is_named(tmp_path: Path) -> None:
    where = patched(zip_of(tmp_path / "set.zip", "a/1.jpg"), 6, 8, 1)
    with pytest.raises(DatasetError, match="password"), open_tree(where):
        pass


@pytest.mark.parametrize(("method", "name"), [(9, "Deflate64"), (93, "Zstandard"), (98, "PPMd"), (77, "method 77")])
def test_method_that_is_not_read_is_named(method: int, name: str, tmp_path: Path) -> None:
    where = patched(zip_of(tmp_path / "set.zip", "a/1.jpg"), 8, 10, method)
    with pytest.raises(DatasetError, match=name), open_tree(where):
        pass


@pytest.mark.parametrize("name", ["Grünfink/1.jpg", "シジュウカラ/1.jpg"])
def test_utf8_name_without_its_flag_is_read_as_utf8(name: str, tmp_path: Path) -> None:
    where = patched(zip_of(tmp_path / "set.zip", name), 7, 9, 0)  # bit 11 of the flags, as macOS leaves it
    with open_tree(where) as tree:
        assert set(tree.sizes) == {name}
        assert tree.read(name) == name.encode()


def test_name_of_another_code_page_is_kept_readable(tmp_path: Path) -> None:
    where = zip_of(tmp_path / "set.zip", "Gr_nfink/1.jpg")
    where.write_bytes(where.read_bytes().replace(b"Gr_nfink/1.jpg", b"Gr\x81nfink/1.jpg"))
    with open_tree(where) as tree:
        assert set(tree.sizes) == {"Grünfink/1.jpg"}


def test_name_of_255_bytes_is_read(tmp_path: Path) -> None:
    name = "a/" + "n" * 251 + ".jpg"
    with open_tree(zip_of(tmp_path / "set.zip", name)) as tree:
        assert tree.read(name) == name.encode()
