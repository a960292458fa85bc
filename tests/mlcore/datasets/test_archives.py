"""Archives from strangers: read by name, or refused in a sentence."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import zstandard

from mlcore.datasets.archive_formats import ARCHIVES_READ
from mlcore.datasets.archives import open_tree
from mlcore.datasets.compressed_streams import MAX_WINDOW
from mlcore.datasets.filetree import ArchiveLimits
from mlcore.errors import DatasetError, Stopped

COMPRESSED = ["tar.gz", "tar.bz2", "tar.xz", "tar.zst"]
KINDS = ["zip", "tar", *COMPRESSED]
Files = dict[str, bytes]


def pack(folder: Path, kind: str, files: Files) -> Path:
    where = folder / f"set.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(where, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return where
    with open_tar(where) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return where


@contextmanager
def open_tar(where: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar for writing, compressed as its name says."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        yield tar
    pack_bytes = {
        ".tar": bytes,
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
        ".zst": zstandard.ZstdCompressor().compress,
    }[where.suffix]
    where.write_bytes(pack_bytes(plain.getvalue()))


def pack_link(folder: Path, kind: str, tar_type: bytes = tarfile.SYMTYPE) -> Path:
    where = pack(folder, kind, {"a/1.jpg": b"x"})
    if kind == "zip":
        info = zipfile.ZipInfo("a/link.jpg")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        with zipfile.ZipFile(where, "w") as archive:
            archive.writestr(info, "/etc/passwd")
        return where
    with open_tar(where) as tar:
        member = tarfile.TarInfo("a/link.jpg")
        member.type, member.linkname = tar_type, "/etc/passwd"
        tar.addfile(member)
    return where


def refusal(where: Path, limits: ArchiveLimits = ArchiveLimits()) -> str:  # noqa: B008 - frozen
    with pytest.raises(DatasetError) as caught, open_tree(where, limits=limits):
        pytest.fail("the archive was opened")
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_read_by_name_in_any_order(kind: str, tmp_path: Path) -> None:
    files = {f"top/{name}": name.encode() * 700 for name in ("a", "b", "c")}
    with open_tree(pack(tmp_path, kind, files)) as tree:
        assert tree.name == "set"
        assert tree.sizes == {name: 700 for name in files}
        for name in reversed(files):
            assert tree.read(name) == files[name]


def test_directory_is_read_alike(tmp_path: Path) -> None:
    (tmp_path / "top" / "a").mkdir(parents=True)
    (tmp_path / "top" / "a" / "1.jpg").write_bytes(b"one")
    with open_tree(tmp_path / "top") as tree:
        assert tree.name == "top"
        assert tree.read("a/1.jpg") == b"one"


def test_tar_of_the_current_folder_has_clean_paths(tmp_path: Path) -> None:
    with open_tree(pack(tmp_path, "tar", {"./a/1.jpg": b"one"})) as tree:
        assert tree.read("a/1.jpg") == b"one"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name",
    [
        "/etc/evil.jpg",
        "../evil.jpg",
        "a/../../evil.jpg",
        "a\\..\\..\\evil.jpg",
        "C:/evil.jpg",
        "C:\\evil.jpg",
        "\\evil",
    ],
)
def test_path_that_leaves_the_archive_is_refused(kind: str, name: str, tmp_path: Path) -> None:
    assert "absolute or leaves the archive" in refusal(pack(tmp_path, kind, {"a/1.jpg": b"x", name: b"evil"}))


@pytest.mark.parametrize("kind", KINDS)
def test_file_without_a_name_is_refused(kind: str, tmp_path: Path) -> None:
    assert "is a link or a device, not a file" in refusal(pack(tmp_path, kind, {".": b"x"}))


@pytest.mark.parametrize("kind", KINDS)
def test_link_is_refused(kind: str, tmp_path: Path) -> None:
    assert "is a link or a device" in refusal(pack_link(tmp_path, kind))


@pytest.mark.parametrize("tar_type", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_hard_link_or_device_in_a_tar_is_refused(tar_type: bytes, tmp_path: Path) -> None:
    assert "is a link or a device" in refusal(pack_link(tmp_path, "tar", tar_type))


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_members_are_refused(kind: str, tmp_path: Path) -> None:
    where = pack(tmp_path, kind, {f"a/{n}.jpg": b"" for n in range(5)})
    assert "more than 4 entries" in refusal(where, ArchiveLimits(members=4))
    with open_tree(where, limits=ArchiveLimits(members=5)) as tree:
        assert len(tree.sizes) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_total_size_is_bounded_before_it_is_unpacked(kind: str, tmp_path: Path) -> None:
    where = pack(tmp_path, kind, {"a/1.jpg": bytes(600), "a/2.jpg": bytes(600)})
    assert "more than 1,000 bytes" in refusal(where, ArchiveLimits(total_bytes=1_000))


@pytest.mark.parametrize("kind", ["zip", *COMPRESSED])
def test_zip_bomb_is_refused_by_its_ratio(kind: str, tmp_path: Path) -> None:
    where = pack(tmp_path, kind, {"a/1.jpg": bytes(3_000_000)})
    assert "more than 100 times its size" in refusal(where, ArchiveLimits(ratio_floor=1_000_000))


def test_flat_but_small_archive_is_not_called_a_bomb(tmp_path: Path) -> None:
    with open_tree(pack(tmp_path, "zip", {"a/1.jpg": bytes(1_000_000)})) as tree:
        assert len(tree.read("a/1.jpg")) == 1_000_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_name_that_appears_twice_is_refused(kind: str, tmp_path: Path) -> None:
    where = pack(tmp_path, kind, {"a/1.jpg": b"one", "a/2.jpg": b"two"})
    if kind == "zip":
        with zipfile.ZipFile(where, "a") as archive:
            archive.writestr("a/1.jpg", b"other")
    else:
        with open_tar(where) as tar:
            for _ in range(2):
                tar.addfile(tarfile.TarInfo("a/1.jpg"))
    assert "holds 'a/1.jpg' twice" in refusal(where)


@pytest.mark.parametrize("kind", KINDS)
def test_desktop_litter_is_left_out(kind: str, tmp_path: Path) -> None:
    litter = {"__MACOSX/a/._1.jpg": b"x", "a/.DS_Store": b"x", "a/Thumbs.db": b"x", ".git/config": b"x"}
    with open_tree(pack(tmp_path, kind, {"a/1.jpg": b"one", **litter})) as tree:
        assert set(tree.sizes) == {"a/1.jpg"}
        (remark,) = tree.remarks
        assert remark.startswith("4 files") and "1 of Thumbs.db" in remark


@pytest.mark.parametrize("kind", KINDS)
def test_archive_cut_short_is_refused(kind: str, tmp_path: Path) -> None:
    where = pack(tmp_path, kind, {f"a/{n}.jpg": bytes(range(256)) * 40 for n in range(4)})
    data = where.read_bytes()
    where.write_bytes(data[: len(data) * 3 // 5])
    assert "cannot be read" in refusal(where)


@pytest.mark.parametrize("kind", KINDS)
def test_random_damage_gives_bytes_or_a_sentence_never_a_crash(kind: str, tmp_path: Path) -> None:
    where = pack(tmp_path, kind, {f"a/{n}.jpg": bytes(range(256)) for n in range(3)})
    whole = where.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(150):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 4):
            data[place] = rng.integers(0, 256)
        where.write_bytes(data)
        with suppress(DatasetError), open_tree(where) as tree:
            for path in tree.sizes:
                with suppress(DatasetError):
                    assert len(tree.read(path)) == tree.sizes[path]


def test_tar_with_a_damaged_header_is_refused_not_cut_off_there(tmp_path: Path) -> None:
    where = pack(tmp_path, "tar", {"a/1.jpg": b"one", "a/2.jpg": b"two", "a/3.jpg": b"three"})
    data = bytearray(where.read_bytes())
    data[1024:1034] = b"\xff" * 10  # the second entry's header
    where.write_bytes(data)
    assert "header is damaged" in refusal(where)


def test_tar_header_that_claims_huge_metadata_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 2**33
    where = tmp_path / "set.tar"
    where.write_bytes(header.tobuf(format=tarfile.GNU_FORMAT) + bytes(2048))
    assert "at once" in refusal(where)


def test_damaged_member_is_an_error_of_that_file_only(tmp_path: Path) -> None:
    where = tmp_path / "set.zip"
    with zipfile.ZipFile(where, "w") as archive:
        archive.writestr("a/1.jpg", b"first-content")
        archive.writestr("a/2.jpg", b"second-content")
    where.write_bytes(where.read_bytes().replace(b"first-content", b"FIRST-content"))
    with open_tree(where) as tree:
        assert tree.read("a/2.jpg") == b"second-content"
        with pytest.raises(DatasetError, match="cannot be read"):
            tree.read("a/1.jpg")


def test_file_larger_than_asked_for_is_not_read(tmp_path: Path) -> None:
    with (
        open_tree(pack(tmp_path, "zip", {"a/1.jpg": bytes(2_000)})) as tree,
        pytest.raises(DatasetError, match="2,000 bytes; at most 1,000"),
    ):
        tree.read("a/1.jpg", 1_000)


def test_unknown_file_is_named(tmp_path: Path) -> None:
    with open_tree(tmp_path) as tree, pytest.raises(DatasetError, match="has no file b.jpg"):
        tree.read("b.jpg")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        b"\x1f\x8b broken",
        b"PK\x03\x04 broken",
        b"BZh9 broken",
        b"\xfd7zXZ\0 broken",
        b"\x28\xb5\x2f\xfd broken",
    ],
)
def test_file_that_is_no_archive_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "set.dat").write_bytes(data)
    assert f"set.dat cannot be read as a directory, {ARCHIVES_READ}" in refusal(tmp_path / "set.dat")


def test_nothing_there_is_said(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.zip") == "there is no directory or archive named gone.zip"


@pytest.mark.parametrize("kind", ["tar", *COMPRESSED])
def test_tar_that_ends_with_a_zip_is_a_tar(kind: str, tmp_path: Path) -> None:
    inner = pack(tmp_path, "zip", {"b/2.jpg": b"two"}).read_bytes()
    with open_tree(pack(tmp_path, kind, {"a/1.jpg": b"one", "more.zip": inner})) as tree:
        assert set(tree.sizes) == {"a/1.jpg", "more.zip"}


@pytest.mark.parametrize("kind", COMPRESSED)
def test_streams_in_a_row_are_read_as_one(kind: str, tmp_path: Path) -> None:
    whole = gzip.decompress(pack(tmp_path, "tar.gz", {f"a/{n}.jpg": bytes([n]) * 3000 for n in range(4)}).read_bytes())
    compress = {
        "tar.bz2": bz2.compress,
        "tar.gz": gzip.compress,
        "tar.xz": lambda data: lzma.compress(data) + bytes(4),
        "tar.zst": zstandard.ZstdCompressor().compress,
    }[kind]
    where = tmp_path / f"parts.{kind}"
    where.write_bytes(b"".join(compress(whole[start : start + 700]) for start in range(0, len(whole), 700)))
    with open_tree(where) as tree:
        assert [tree.read(f"a/{n}.jpg") for n in range(4)] == [bytes([n]) * 3000 for n in range(4)]


def test_stream_that_asks_for_much_memory_is_refused(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2 * MAX_WINDOW}]
    (tmp_path / "set.tar.xz").write_bytes(lzma.compress(bytes(1000), filters=filters))
    assert "cannot be read" in refusal(tmp_path / "set.tar.xz")
    parameters = zstandard.ZstdCompressionParameters(window_log=29)
    packed = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    (tmp_path / "set.tar.zst").write_bytes(packed.compress(bytes(1000)) + packed.flush())
    assert "cannot be read" in refusal(tmp_path / "set.tar.zst")


def test_unpacking_reports_leaves_nothing_behind_and_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    where = pack(tmp_path, "tar.gz", {f"a/{n}.jpg": bytes(100) for n in range(3)})
    heard: list[str] = []
    with open_tree(where, progress=lambda phase, done, total: heard.append(phase)):
        assert len(list(scratch.iterdir())) == 1
    assert heard == ["unpack"] * 3
    assert list(scratch.iterdir()) == []

    def stop(phase: str, done: int, total: int) -> None:
        raise Stopped("asked to stop")

    with pytest.raises(Stopped), open_tree(where, progress=stop):
        pytest.fail("went on")
    assert list(scratch.iterdir()) == []


def test_callers_own_error_is_not_blamed_on_the_archive(tmp_path: Path, write_files: Callable[..., Path]) -> None:
    with pytest.raises(OSError, match="mine"), open_tree(write_files({"a/1.jpg": None})):
        raise OSError("mine")
