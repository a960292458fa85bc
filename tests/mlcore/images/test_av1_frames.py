"""The frames of an AVIF's streams are known before they are decoded."""

import io
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mlcore.errors import PictureError
from mlcore.images import av1_frames
from mlcore.images.av1_frames import largest_frame
from mlcore.images.image_io import open_picture


def avif(size: tuple[int, int], mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 77 if mode == "L" else (9, 99, 199, 50)[: len(mode)]).save(
        buffer, "AVIF", speed=10, **options
    )
    return buffer.getvalue()


def claiming(data: bytes, width: int, height: int) -> bytes:
    """Return the file with another size in all of its boxes that say one."""
    changed, at = bytearray(data), data.find(b"ispe")
    while at >= 0:
        changed[at + 8 : at + 16] = struct.pack(">II", width, height)
        at = data.find(b"ispe", at + 1)
    return bytes(changed)


@pytest.mark.parametrize("size", [(16, 16), (100, 37), (2049, 1025)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_frames_are_those_that_were_written(size: tuple[int, int], mode: str, subsampling: str) -> None:
    assert largest_frame(avif(size, mode, subsampling=subsampling)) == size[0] * size[1]


def test_frames_of_an_animation_are_found() -> None:
    more = [Image.new("RGB", (64, 48), (shade, 9, 9)) for shade in (50, 150, 250)]
    data = avif((64, 48), save_all=True, append_images=more)
    assert largest_frame(data) == 64 * 48 and open_picture(data).size == (64, 48)


def test_a_stream_larger_than_the_header_says_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PictureError, match=r"header says 64 x 64 px, its stream frames of 0.5 megapixels"):
        open_picture(claiming(avif((1000, 500)), 64, 64))


def test_a_frame_with_padding_is_read() -> None:
    assert open_picture(claiming(avif((100, 100)), 98, 97)).size == (98, 97)


def test_random_damage_gives_a_number_or_a_value_error() -> None:
    whole = avif((64, 48), "RGBA")
    random = np.random.default_rng(5)
    for _ in range(500):
        data = bytearray(whole)
        for place in random.integers(0, len(data), 6):
            data[place] = random.integers(0, 256)
        try:
            assert largest_frame(bytes(data)) >= 0
        except ValueError as error:
            assert str(error)


@pytest.mark.parametrize("data", [b"", b"abc", struct.pack(">I4s", 8, b"free") * 3])
def test_what_has_no_stream_has_no_frame(data: bytes) -> None:
    assert largest_frame(data) == 0


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av1_frames, "_MOST", 3)
    with pytest.raises(ValueError, match="too many boxes"):
        largest_frame(struct.pack(">I4s", 8, b"free") * 4)
