"""The largest frame that the AV1 streams of an AVIF declare.

A decoder takes memory for what the stream says, before anybody sees that the container promised something smaller.
Read are the boxes of ISO/IEC 14496-12 that say where the coded items and the first sample lie, and of each stream the
sequence headers (AV1 specification, section 5.5).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SEQUENCE_HEADER = 1
_CODED = b"av01"
_MOST = 100_000  # boxes, entries or units in a row: more is no picture, and would take seconds to walk through
_WIDTHS = {0: "", 1: "B", 2: "H", 4: "I", 8: "Q"}


@dataclass(frozen=True)
class _Extent:
    """Bytes of an item: `where` is 0 for the file and 1 for the idat box."""

    where: int
    offset: int
    length: int

    def taken(self, data: bytes) -> bytes:
        """Return the bytes; without a length all to the end."""
        return data[self.offset : self.offset + self.length if self.length else None]


class _Reader:
    """Big-endian whole numbers, one after the other. Raises struct.error at the end of the data."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self, size: int) -> int:
        """Return the number in the next `size` bytes; 0 where it has none."""
        kind = _WIDTHS[size]
        if not kind:
            return 0
        (value,) = struct.unpack_from(f">{kind}", self.data, self.at)
        self.at += size
        return int(value)


class _Bits:
    """Bits of bytes, the highest first; beyond the end they are 0."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number."""
        value = 0
        for _ in range(count):
            byte = self._data[self._at // 8] if self._at // 8 < len(self._data) else 0
            value = value << 1 | byte >> (7 - self._at % 8) & 1
            self._at += 1
        return value


def largest_frame(data: bytes) -> int:
    """Return the pixels of the largest frame that the file's AV1 streams declare; 0 where no stream is found.

    Raises:
        ValueError: the boxes are damaged.
    """
    try:
        return max((_frame_pixels(header) for stream in _streams(data) for header in _headers(stream)), default=0)
    except (struct.error, KeyError) as error:
        raise ValueError("its boxes are damaged") from error


def _streams(data: bytes) -> Iterator[bytes]:
    """Yield the bytes of each coded item, and what begins with the first sample of each track."""
    left = 4 * len(data) + 1  # items that share bytes are no reason to read a file a thousand times
    for kind, start, end in _boxes(data, 0, len(data)):
        parts: Iterator[bytes] = iter(())
        if kind == b"meta":
            parts = _items(data, start + 4, end)
        elif kind == b"moov":
            parts = _samples(data, start, end)
        for part in parts:
            left -= len(part)
            if left < 0:
                raise ValueError("its items overlap")
            yield part


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box, and where its content begins and ends."""
    for _ in range(_MOST):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        stop = end if size == 0 else start + size
        if stop < start + head or stop > end:
            raise ValueError("a box ends beyond the one that holds it")
        yield kind, start + head, stop
        start = stop
    raise ValueError("it has too many boxes")


def _items(data: bytes, start: int, end: int) -> Iterator[bytes]:
    boxes = {kind: (first, last) for kind, first, last in _boxes(data, start, end)}
    if not {b"iinf", b"iloc"} <= boxes.keys():
        return
    coded = _coded_items(data, *boxes[b"iinf"])
    stored = data[slice(*boxes[b"idat"])] if b"idat" in boxes else b""
    for item, extents in _places(_Reader(data, boxes[b"iloc"][0])):
        if item in coded:
            yield b"".join(extent.taken(stored if extent.where else data) for extent in extents)


def _coded_items(data: bytes, start: int, end: int) -> set[int]:
    """Return the numbers of the items that are AV1 streams."""
    coded = set()
    first = start + (6 if data[start] == 0 else 8)
    for kind, entry, _ in _boxes(data, first, end):
        if kind == b"infe":
            reader = _Reader(data, entry + 4)
            item = reader.number(2 if data[entry] < 3 else 4)
            if data[reader.at + 2 : reader.at + 6] == _CODED:
                coded.add(item)
    return coded


def _places(reader: _Reader) -> Iterator[tuple[int, list[_Extent]]]:
    """Yield the number of each item of an iloc box and where it lies."""
    version = reader.number(4) >> 24
    sizes = reader.number(2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    entries = 0
    for _ in range(reader.number(4 if version == 2 else 2)):
        item = reader.number(4 if version == 2 else 2)
        where = reader.number(2) & 15 if version else 0
        reader.number(2)  # in which file
        base = reader.number(base_size)
        count = reader.number(2)
        entries += 1 + count
        if entries > _MOST:
            raise ValueError("it has too many items")
        extents = []
        for _ in range(count):
            reader.number(index_size)
            extents.append(_Extent(where, base + reader.number(offset_size), reader.number(length_size)))
        yield item, extents


def _samples(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield what begins with the first chunk of each track; the boxes that say so lie deep, so they are looked for."""
    for name, size in ((b"stco", 4), (b"co64", 8)):
        at = data.find(name, start, end)
        while at >= 0:
            reader = _Reader(data, at + 8)
            if reader.number(4):
                yield data[reader.number(size) :]
            at = data.find(name, at + 4, end)


def _headers(stream: bytes) -> Iterator[bytes]:
    """Yield the sequence headers of a stream of units, as far as they can be told apart."""
    at = 0
    for _ in range(_MOST):
        if at >= len(stream):
            return
        first = stream[at]
        at += 2 if first & 4 else 1
        size = len(stream) - at
        if first & 2:
            size, at = _length(stream, at)
        if first >> 3 & 15 == _SEQUENCE_HEADER:
            yield stream[at : at + size]
        at += size
    raise ValueError("it has too many units")


def _length(stream: bytes, at: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, the lowest first, and where it ends."""
    value = 0
    for place in range(8):
        if at >= len(stream):
            break
        value |= (stream[at] & 127) << 7 * place
        at += 1
        if stream[at - 1] < 128:
            break
    return value, at


def _frame_pixels(header: bytes) -> int:
    """Return the pixels of the largest frame that a sequence header declares."""
    bits = _Bits(header)
    bits.take(4)  # profile, and whether it is a still picture
    if bits.take(1):  # whether the header is a reduced one
        bits.take(5)
    else:
        _skip_timing(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return (bits.take(width_bits) + 1) * (bits.take(height_bits) + 1)


def _skip_timing(bits: _Bits) -> None:
    """Pass over timing and operating points of a header that is not reduced."""
    delay_bits = 0
    if bits.take(1):  # timing
        bits.take(64)
        if bits.take(1):  # equal intervals: a number of as many bits as it has zeros before
            zeros = 0
            while zeros < 32 and not bits.take(1):
                zeros += 1
            bits.take(zeros)
        if bits.take(1):  # decoder model
            delay_bits = bits.take(5) + 1
            bits.take(42)
    has_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if has_delay and bits.take(1):
            bits.take(4)
