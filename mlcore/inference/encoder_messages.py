"""Messages between the process of an encoder and its parent: a header of nine bytes, then raw bytes.

Nothing is pickled: who sends garbage is found out by the header, and can do nothing else with it.
"""

import struct

HEADER = struct.Struct("<4scI")
MAGIC = b"KNE1"
REQUEST_BYTES = 2**29  # eight pictures of 4,000 px take less
ANSWER_BYTES = 2**26

EMBED, EXPLAIN = b"E", b"X"
"""What a parent asks: the body holds prepared squares, uint8 [N, crop, crop, 3]; of two to be explained."""

READY, VECTORS, SHARES, PROBLEM = b"R", b"V", b"S", b"P"
"""What a process answers: JSON when it has loaded, float32 [N, dim], JSON of an explanation, JSON of an error."""


def header_of(kind: bytes, body: bytes) -> bytes:
    """Return the header of a message."""
    return HEADER.pack(MAGIC, kind, len(body))


def read_header(header: bytes | bytearray, most_bytes: int) -> tuple[bytes, int]:
    """Return kind and length of the body that follows.

    Raises:
        ValueError: it is no header, or the body is too long.
    """
    magic, kind, length = HEADER.unpack(header)
    if magic != MAGIC or length > most_bytes:
        raise ValueError("that is no message of an encoder")
    return kind, length
