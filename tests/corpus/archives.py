"""Malformed archives: small zips and tars of pictures, damaged or hostile in every way that a seed draws."""

import gzip
import io
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator

from tests.corpus.pictures import valid_pictures

NAMES = (
    "../up.png", "/etc/passwd", "a/../../up.png", "C:\\up.png", "a\\b.png", "\\\\host\\x.png", "a/\0b.png", "a//b.png",
    "a/" * 900 + "b.png", "a/" + "n" * 4000 + ".png", "a/\u202egnp.png", "a/b.png", "a/B.png", ".", "..", "",
    "/", "a/.", "a/con.png", "a/ .png",
    "__MACOSX/a/b.png", "a/\udcff.png".encode("utf-8", "surrogateescape").decode("latin-1"),
)  # fmt: skip


def malformed_archives(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield (name with its suffix, bytes) of `count` archives; the same for the same seed."""
    for number in range(count):
        chance = random.Random(f"{seed}:{number}")
        damage = chance.choice(DAMAGES)
        suffix, data = damage(chance)
        yield f"{number}-{damage.__name__}.{suffix}", data


def _files(chance: random.Random, names: tuple[str, ...] = ()) -> list[tuple[str, bytes]]:
    usual = [f"{folder}/{number}.png" for folder in "abcd" for number in range(2)]
    return [(name, chance.choice(valid_pictures())) for name in [*usual, *names]]


def _zipped(files: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name or "x"), data, method)
    return buffer.getvalue()


def _tarred(files: list[tuple[str, bytes]], extra: tuple[tarfile.TarInfo, ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return buffer.getvalue()


def _one(chance: random.Random) -> tuple[str, bytes]:
    files = _files(chance)
    kind = chance.choice(("zip", "tar", "tar.gz"))
    if kind == "zip":
        method = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
        return kind, _zipped(files, method)
    tarred = _tarred(files)
    return kind, tarred if kind == "tar" else gzip.compress(tarred, mtime=0)


def cut_short(chance: random.Random) -> tuple[str, bytes]:
    kind, data = _one(chance)
    return kind, data[: chance.randrange(len(data))]


def bytes_changed(chance: random.Random) -> tuple[str, bytes]:
    kind, whole = _one(chance)
    data = bytearray(whole)
    for _ in range(chance.randint(1, 40)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return kind, bytes(data)


def directory_changed(chance: random.Random) -> tuple[str, bytes]:
    """Put extreme numbers into the list of files at the end of a zip."""
    data = bytearray(_zipped(_files(chance)))
    start = data.find(b"PK\1\2")
    for _ in range(chance.randint(1, 5)):
        value = chance.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF))
        struct.pack_into("<I", data, chance.randrange(start, len(data) - 4), value)
    return "zip", bytes(data)


def tar_header_changed(chance: random.Random) -> tuple[str, bytes]:
    """Change fields of a tar's entries, checksums made right again."""
    data = bytearray(_tarred(_files(chance)))
    for start in [match for match in range(0, len(data) - 512, 512) if data[match + 257 : match + 262] == b"ustar"]:
        if chance.random() < 0.5:
            size = chance.choice((b"77777777777\0", b"\x80" + b"\xff" * 11, b"-0000000001\0", b"            "))
            data[start + 124 : start + 136] = size
            data[start + 156] = chance.choice(b"01234567xgLKSVM")
            data[start + 148 : start + 156] = b" " * 8
            data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
    kind = chance.choice(("tar", "tar.gz"))
    return kind, bytes(data) if kind == "tar" else gzip.compress(bytes(data), mtime=0)


def hostile_names(chance: random.Random) -> tuple[str, bytes]:
    names = tuple(chance.sample(NAMES, chance.randint(1, 3)))
    if chance.random() < 0.5:
        return "zip", _zipped(_files(chance, names))
    return "tar", _tarred(_files(chance, names))


def the_same_name_twice(chance: random.Random) -> tuple[str, bytes]:
    files = _files(chance)
    return "tar", _tarred([*files, files[0]])


def links_and_devices(chance: random.Random) -> tuple[str, bytes]:
    info = tarfile.TarInfo("a/link.png")
    info.type = chance.choice((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE))
    info.linkname = chance.choice(("/etc/passwd", "../../x", "a/0.png", "a/link.png"))
    if chance.random() < 0.5:
        return "tar", _tarred(_files(chance), (info,))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("a/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, info.linkname)
    return "zip", buffer.getvalue()


def bombs(chance: random.Random) -> tuple[str, bytes]:
    """Unpack to a hundred times their size and more."""
    files = [*_files(chance), ("a/zeros.png", bytes(chance.choice((30, 90)) * 2**20))]
    kind = chance.choice(("zip", "tar.gz"))
    return kind, _zipped(files) if kind == "zip" else gzip.compress(_tarred(files), mtime=0)


def many_entries(chance: random.Random) -> tuple[str, bytes]:
    files = [(f"a/{number}", b"") for number in range(chance.choice((1000, 5000)))]
    return ("zip", _zipped(files)) if chance.random() < 0.5 else ("tar", _tarred(files))


def unknown_methods(chance: random.Random) -> tuple[str, bytes]:
    """A zip whose entries say that they are encrypted, or packed in a way that is not read."""
    data = bytearray(_zipped(_files(chance)))
    for mark, flags, method in ((b"PK\3\4", 6, 8), (b"PK\1\2", 8, 10)):
        start = data.find(mark)
        if chance.random() < 0.5:
            struct.pack_into("<H", data, start + flags, 1)
        struct.pack_into("<H", data, start + method, chance.choice((9, 12, 14, 93, 95, 99, 65_535)))
    return "zip", bytes(data)


def something_else(chance: random.Random) -> tuple[str, bytes]:
    kind = chance.choice(("zip", "tar", "tar.gz"))
    return kind, chance.choice(
        (b"", b"PK\5\6" + bytes(18), b"\x1f\x8b", bytes(10_240), chance.randbytes(5000), b"7z\xbc\xaf")
    )


DAMAGES: tuple[Callable[[random.Random], tuple[str, bytes]], ...] = (
    cut_short, bytes_changed, bytes_changed, directory_changed, tar_header_changed, tar_header_changed, hostile_names,
    the_same_name_twice, links_and_devices, bombs, many_entries, unknown_methods, something_else,
)  # fmt: skip
