"""Streams of compressed archives, read forwards in bounded memory whatever their headers ask for."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, cast

MAX_WINDOW = 128 * 2**20
"""Bytes of memory that a stream may ask for to be unpacked: xz -9 takes 65 MiB, zstd --long 128 MiB."""
_PIECE = 2**14  # bytes that are read at once; many tiny streams in a row would each copy it


class _Decompressor(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Unpacked(io.RawIOBase):
    """The bytes of one or more compressed streams in a row, as parallel compressors write them."""

    def __init__(self, raw: IO[bytes], make: Callable[[], _Decompressor]) -> None:
        self._raw = raw
        self._make = make
        self._stream = make()
        self._packed = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the start of a buffer; return the number of bytes, 0 at the end."""
        while not self._stream.eof or self._has_another():
            if self._stream.needs_input and not self._packed:
                self._packed = self._raw.read(_PIECE)
                if not self._packed:
                    raise EOFError("the compressed data end too early")
            packed, self._packed = self._packed, b""
            data = self._stream.decompress(packed, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
        return 0

    def _has_another(self) -> bool:
        """Go to the stream that follows, if there is one; xz may pad with zeros before it."""
        self._packed = self._stream.unused_data.lstrip(b"\0")
        while not self._packed:
            piece = self._raw.read(_PIECE)
            if not piece:
                return False
            self._packed = piece.lstrip(b"\0")
        self._stream = self._make()
        return True


class _ForwardOnly:
    """A stream that can be read and skipped: `tarfile` seeks to the next entry."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._at = 0

    def __enter__(self) -> IO[bytes]:
        return cast(IO[bytes], self)

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end."""
        data = self._stream.read(size)
        self._at += len(data)
        return data

    def tell(self) -> int:
        """Return how many bytes were read or skipped."""
        return self._at

    def seek(self, place: int) -> int:
        """Skip to a place that lies ahead."""
        if place < self._at:
            raise io.UnsupportedOperation("a compressed stream is read forwards only")
        while self._at < place and self.read(min(_PIECE, place - self._at)):
            pass
        return self._at


@dataclass(frozen=True)
class Compression:
    """A way to compress a file. magic: its first bytes; unpack: the stream of what was compressed."""

    magic: bytes
    unpack: Callable[[IO[bytes]], IO[bytes]]

    def opened(self, raw: IO[bytes]) -> _ForwardOnly:
        """Return a context manager that gives the unpacked stream of an open file."""
        return _ForwardOnly(self.unpack(raw))


def _unpack_gzip(raw: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=raw))


def _unpack_bzip2(raw: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], io.BufferedReader(_Unpacked(raw, bz2.BZ2Decompressor), _PIECE))


def _unpack_xz(raw: IO[bytes]) -> IO[bytes]:
    def make() -> _Decompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_WINDOW)

    return cast(IO[bytes], io.BufferedReader(_Unpacked(raw, make), _PIECE))


class _Zstandard:
    """A zstd stream whose faults are those of a file."""

    def __init__(self, raw: IO[bytes]) -> None:
        import zstandard  # wanted for such files only

        self._fault = zstandard.ZstdError
        unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
        self._stream = unpacker.stream_reader(raw, read_across_frames=True)
        self.close = self._stream.close

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end. Raises OSError for damaged data."""
        try:
            return self._stream.read(size)
        except self._fault as error:
            raise OSError(str(error)) from error


def _unpack_zstd(raw: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], _Zstandard(raw))


_COMPRESSIONS = (
    Compression(b"\x1f\x8b", _unpack_gzip),
    Compression(b"BZh", _unpack_bzip2),
    Compression(b"\xfd7zXZ\0", _unpack_xz),
    Compression(b"\x28\xb5\x2f\xfd", _unpack_zstd),
)


def compression_of(where: Path) -> Compression | None:
    """Return how a file is compressed, by its first bytes; None where it is not."""
    with where.open("rb") as file:
        start = file.read(max(len(compression.magic) for compression in _COMPRESSIONS))
    return next((found for found in _COMPRESSIONS if start.startswith(found.magic)), None)
