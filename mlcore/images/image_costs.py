"""The memory that decoding an image takes, read from its header, and the reduction that keeps it bounded.

The figures are upper bounds for Pillow 13, libjpeg-turbo 3.2, libwebp 1.6, libtiff 4.7, libheif 1.23 and
libavif 1.4 on up to 64 cores; a test measures every format and mode at the largest size that is accepted.
"""

import math
from collections.abc import Iterator

from PIL import Image, ImageFile, JpegImagePlugin, TiffImagePlugin

from mlcore.errors import PictureError

MOST_MEMORY = 275 * 2**20  # bytes; with what allocators keep for themselves a decode stays below 300 MB
WHOLE_PIXELS = 25_000_000  # pictures up to this size stay as they are; larger ones are reduced by a whole factor
FACTORS = (1, 2, 3, 4)
JPEG_FACTORS = (1, 2, 4)  # what libjpeg can leave out while it decodes

_RGB = 4  # bytes that Pillow takes for a pixel in RGB, as in every mode that is not listed
_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2}
_WEBP_CANVAS = 12  # bytes of a pixel: the animation decoder's two canvases, and a copy
_GIF_CANVAS = 2
_AV1_DECODER = 1.5  # bytes of a pixel that dav1d takes for its threads, for colour; alpha is decoded apart
_PLANES_APART = 2
_RLE_ROWS = 3  # bytes of a pixel that Pillow's reader of run-length BMPs collects first
_DCT_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)  # of JPEG: what can be reduced while it is decoded
_FIRST_FRAME, _LAST_FRAME, _NO_FRAMES, _SCAN = 0xC0, 0xCF, (0xC4, 0xC8, 0xCC), 0xDA


def reduction_of(header: Image.Image, data: bytes) -> int:
    """Return the factor by which width and height must be divided; 1 where the picture can stay as it is.

    Raises:
        PictureError: it would take too much memory however it is reduced.
    """
    pixels = header.width * header.height
    factors = _jpeg_factors(data) if isinstance(header, JpegImagePlugin.JpegImageFile) else FACTORS
    for factor in factors:
        if pixels <= WHOLE_PIXELS * factor**2 and decoding_bytes(header, data, factor) <= MOST_MEMORY:
            return factor
    fixed = _fixed_bytes(data)
    each = (decoding_bytes(header, data, factors[-1]) - fixed) / pixels
    most = min((MOST_MEMORY - fixed) / each, WHOLE_PIXELS * factors[-1] ** 2) / 1e6
    raise PictureError(
        f"the picture is {header.width} x {header.height} px; of this kind of {header.format} ({header.mode}) "
        f"at most {math.floor(most)} megapixels are read; save it smaller or as a JPEG"
    )


def decoding_bytes(header: Image.Image, data: bytes, factor: int) -> int:
    """Return how many bytes the picture takes at most while it is decoded, reduced, converted to RGB and turned."""
    pixels = header.width * header.height
    result = _RGB * pixels // factor**2
    if header.format == "HEIF":
        decoded, rows = _heif_bytes(header)
        return _fixed_bytes(data) + max(math.ceil(decoded * pixels), rows * pixels + result, 2 * result)
    if header.format == "AVIF":
        return _fixed_bytes(data) + math.ceil(_avif_bytes(header, data, result / pixels) * pixels)
    stored = _MODE_BYTES.get(header.mode, _RGB) * pixels
    if isinstance(header, JpegImagePlugin.JpegImageFile):
        stored = stored // factor**2 + _coefficient_bytes(header, data)
    return _fixed_bytes(data) + max(stored + _buffers(header) + result, 2 * result)


def _fixed_bytes(data: bytes) -> int:
    """Return what does not depend on the pixels: the file, and copies of whatever metadata it is full of."""
    return 2 * len(data) + 8 * 2**20


def _buffers(header: Image.Image) -> int:
    """Return the bytes that a decoder takes beside the picture."""
    pixels = header.width * header.height
    if isinstance(header, TiffImagePlugin.TiffImageFile):
        return _tiff_block(header)
    if header.format == "WEBP":
        return _WEBP_CANVAS * pixels
    if header.format == "GIF":
        return _GIF_CANVAS * pixels
    if isinstance(header, ImageFile.ImageFile) and [tile[0] for tile in header.tile] == ["bmp_rle"]:
        return _RLE_ROWS * pixels
    return 0


def _tiff_block(header: TiffImagePlugin.TiffImageFile) -> int:
    """Return the bytes of the largest strip or tile, which libtiff decodes as a whole."""
    tags = header.tag_v2
    width = int(tags.get(TiffImagePlugin.TILEWIDTH, header.width))
    rows = min(int(tags.get(TiffImagePlugin.ROWSPERSTRIP, header.height)), header.height)
    length = int(tags.get(TiffImagePlugin.TILELENGTH, rows))
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    apart = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == _PLANES_APART
    samples = 1 if apart else int(tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1))
    block = width * length * max(1, samples) * int(max(bits)) // 8
    if header.info.get("compression") in ("jpeg", "tiff_jpeg"):
        return 3 * block + 4 * width * length  # the coefficients of a progressive one, and RGBA rows
    return block


def _heif_bytes(header: Image.Image) -> tuple[float, int]:
    """Return bytes of a pixel while libheif decodes and converts it, and of its interleaved result."""
    deep = 2 if int(header.info.get("bit_depth", 8)) > 8 else 1
    grey = header.mode in ("L", "LA")
    halved = not grey and header.info.get("chroma") == 420
    planes = 1.0 if grey else 1.5 if halved else 3.0
    planes += header.mode in ("LA", "RGBA")
    steps = planes * deep  # what was decoded; 10 and 12 bits become 8, and colours in full RGB planes, on the way
    steps += planes if deep == 2 else 0.0
    steps += 0.0 if grey or halved else planes * deep
    rows = len(header.getbands())
    return steps + rows + (0.5 if header.mode in ("LA", "RGBA") else 0.25), rows


def _avif_bytes(header: Image.Image, data: bytes, result: float) -> float:
    """Return bytes of a pixel while libavif decodes and Pillow copies what it decoded; `result` is those of the end."""
    grey, alpha = header.mode == "L", header.mode == "RGBA"
    deep, halved = _av1_planes(data)
    planes = (1.0 if grey else 1.5 if halved else 3.0) + alpha
    copies = 2 if b"grid" in data else 1  # the tiles, and the whole that is put together of them
    decoder = (1 + alpha) * _AV1_DECODER / (2 if grey else 1)
    copied = max(len(header.getbands()), result)
    return planes * (2 if deep else 1) * copies + decoder + (1 if grey else _RGB) + copied


def _av1_planes(data: bytes) -> tuple[bool, bool]:
    """Return whether a part of an AVIF is of 10 or 12 bits, and whether the colours of all have half the resolution.

    Both stand in the third byte of each AV1 configuration: bits 6 and 5, and 3 and 2.
    """
    flags = [data[at + 6] for at in _places(data, b"av1C") if at + 6 < len(data)] or [0x60]
    return any(flag & 0x60 for flag in flags), all(flag & 0x0C == 0x0C for flag in flags)


def _places(data: bytes, word: bytes) -> Iterator[int]:
    at = data.find(word)
    while at >= 0:
        yield at
        at = data.find(word, at + 1)


def _jpeg_factors(data: bytes) -> tuple[int, ...]:
    """Return the factors that this JPEG can be reduced by: a lossless one by none."""
    return JPEG_FACTORS if _frame_and_scan(data)[0] in _DCT_FRAMES else (1,)


def _coefficient_bytes(header: JpegImagePlugin.JpegImageFile, data: bytes) -> int:
    """Return the bytes of the coefficients, which libjpeg holds until the last scan where there are several."""
    components = _frame_and_scan(data)[1]
    if components == header.layers and not header.info.get("progressive"):
        return 0
    widest = max((layer[1] * layer[2] for layer in header.layer), default=1) or 1
    samples = sum(layer[1] * layer[2] for layer in header.layer) / widest
    blocks = math.ceil(header.width / 32) * math.ceil(header.height / 32) * 32 * 32
    return math.ceil(2 * samples * blocks)


def _frame_and_scan(data: bytes) -> tuple[int, int]:
    """Return the marker of a JPEG's frame and how many components its first scan holds; 0 where that is not told."""
    at, frame = 2, 0
    while at + 5 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == _SCAN:
            return frame, data[at + 4]
        if _FIRST_FRAME <= marker <= _LAST_FRAME and marker not in _NO_FRAMES:
            frame = marker
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return frame, 0
