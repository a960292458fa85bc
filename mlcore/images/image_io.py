"""Reading images of any format as bounded, upright RGB without metadata, and writing JPEG."""

import ctypes
import functools
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pillow_heif
from PIL import Image, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError

from mlcore.errors import PictureError
from mlcore.images.av1_frames import largest_frame
from mlcore.images.colour_profiles import ToRGB, srgb_colours
from mlcore.images.formats import PILLOW_FORMATS
from mlcore.images.image_costs import reduction_of
from mlcore.images.image_strips import plain_rgb, rows_of
from mlcore.images.unread_formats import raw_camera_fault, reason_not_read

MAX_BYTES = 25 * 2**20
MAX_PIXELS = 60_000_000  # the largest common phone sensors (50 megapixels) fit; image_costs bounds the memory
MAX_SIDE = 65_500  # the longest side that JPEG, which we store, can hold
MIN_SIDE = 16  # below this there is nothing to learn from or to recognise

INTERPOLATIONS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
_LARGE_PIXELS = 4_000_000  # from here on it is worth some milliseconds to return what was freed
_PADDING = 64  # pixels by which a coded frame may be larger on a side than the picture
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = [_UPRIGHT[orientation] for orientation in (5, 6, 7, 8)]


@dataclass(frozen=True)
class OpenedPicture:
    """A decoded picture; `full_size` is its upright size in the file, which is larger where it was reduced."""

    image: Image.Image
    full_size: tuple[int, int]


def open_picture(data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Return the picture in `data` as a plain RGB image that carries no metadata.

    The format is found from the content. Of an animation the first frame is taken, EXIF
    orientation is applied, transparency is laid on white, 16-bit grey is scaled to 8 bits. Colours are
    converted to sRGB by an embedded profile; see `srgb_colours` for those that are passed over.
    What has more than WHOLE_PIXELS is reduced by a whole factor: JPEGs while they are decoded, others after.

    Raises:
        PictureError: empty, too large in bytes, pixels or memory (seen before anything is decoded),
            under 16 px, of another format, or damaged.
    """
    return open_with_size(data, max_bytes=max_bytes, max_pixels=max_pixels).image


def open_with_size(data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> OpenedPicture:
    """Return the same as `open_picture`, with the upright size that the file has."""
    if not data:
        raise PictureError("the file is empty (0 bytes)")
    if len(data) > max_bytes:
        raise PictureError(f"the file has {_megabytes(len(data))} MB; at most {_megabytes(max_bytes)} MB are read")
    header = _read_header(data)
    if header.format == "TIFF" and (fault := raw_camera_fault(data)):
        raise PictureError(fault)
    _check_size(header.size, max_pixels)
    _check_tiles(header, max_pixels)
    _check_frames(header, data)
    try:
        turn = _turn_of(header)
        size = header.size[::-1] if turn in _SIDEWAYS else header.size
        plain = _decoded(header, data, reduction_of(header, data), max_pixels)
        del header  # and with it the decoded picture: turned is a third copy
        upright = plain if turn is None else plain.transpose(turn)
        del plain
        if size[0] * size[1] > _LARGE_PIXELS:
            give_back_memory()
        return OpenedPicture(upright, size)
    except PictureError:
        raise
    # Decoders fed with hostile bytes raise nearly anything: OSError, ValueError, struct.error, zlib.error...
    except Exception as error:
        raise PictureError(f"the picture is damaged and cannot be decoded: {error}") from error


def _decoded(header: Image.Image, data: bytes, factor: int, max_pixels: int) -> Image.Image:
    """Return the pixels as RGB, reduced by `factor`."""
    colours = srgb_colours(header.info.get("icc_profile"), header.mode)
    if header.format == "HEIF":
        return _decoded_heif(data, factor, max_pixels, colours)
    if factor > 1 and isinstance(header, JpegImagePlugin.JpegImageFile):
        header.draft(None, (header.width // factor, header.height // factor))
        factor = 1
    header.load()
    _check_size(header.size, max_pixels)
    return plain_rgb(rows_of(header), header.size, factor, colours)


def _decoded_heif(data: bytes, factor: int, max_pixels: int, colours: ToRGB) -> Image.Image:
    """Return the pixels of a HEIC from libheif's own buffer: Pillow would copy it before anything is reduced."""
    heif = pillow_heif.open_heif(io.BytesIO(data), remove_stride=False)
    pixels = np.asarray(heif)
    _check_size(heif.size, max_pixels)
    pixels = pixels[:, : heif.size[0]]  # rows may end in padding
    return plain_rgb(lambda top, bottom: Image.fromarray(pixels[top:bottom], heif.mode), heif.size, factor, colours)


def encode_jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """Return `image` as JPEG bytes: pixels only, no EXIF, profile or comment."""
    plain = image.convert("RGB")
    plain.info = {}  # Pillow would copy a comment found here into the file
    buffer = io.BytesIO()
    plain.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def resize_short_side(image: Image.Image, side: int, interpolation: str = "bicubic") -> Image.Image:
    """Return `image` with its short side `side` px long, the aspect kept; interpolation is of INTERPOLATIONS.

    A long side beyond twice the short one is cut to the centre first, so a panorama stays
    bounded. An image that already fits is returned as it is, pixel for pixel.
    """
    width, height = image.size
    longest = 2 * min(width, height)
    if max(width, height) > longest:
        image = _centre_cut(image, min(width, longest), min(height, longest))
    width, height = image.size
    short = min(width, height)
    if short == side:
        return image
    size = (round(width * side / short), round(height * side / short))
    return image.resize(size, INTERPOLATIONS[interpolation])


def centre_crop(image: Image.Image, size: int) -> Image.Image:
    """Return the central `size` x `size` square.

    Raises:
        ValueError: the image is smaller than that on a side.
    """
    if min(image.size) < size:
        raise ValueError(f"cannot cut a square of {size} px from {image.width} x {image.height}")
    return _centre_cut(image, size, size)


def crop_box(image: Image.Image, box: Sequence[float]) -> Image.Image:
    """Return what lies in `box`: left, top, right and bottom, each 0 to 1 of the picture's size.

    Raises:
        PictureError: the box is under 16 px on a side.
    """
    left, top, right, bottom = (
        round(share * side) for share, side in zip(box, (image.width, image.height) * 2, strict=True)
    )
    _check_size((right - left, bottom - top), MAX_PIXELS, "the box")
    return image.crop((left, top, right, bottom))


def thumbnail(image: Image.Image, side: int) -> Image.Image:
    """Return a copy whose longer side is at most `side` px, aspect kept, never enlarged."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _read_header(data: bytes) -> Image.Image:
    """Return the picture with its header read and its pixels not yet decoded."""
    _register_heif()
    try:
        return Image.open(io.BytesIO(data), formats=PILLOW_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow's own limit is one for the whole process; ours is per call, but both mean the same.
        raise PictureError(f"the picture has too many pixels: {error}") from error
    except UnidentifiedImageError as error:
        raise PictureError(reason_not_read(data)) from error
    except Exception as error:  # see open_picture
        raise PictureError(f"the picture's header is damaged: {error}") from error


def give_back_memory() -> None:
    """Return what was freed to the system: glibc would keep hundreds of megabytes that large pictures took."""
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    """Return glibc's function, None where the C library has none."""
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


@functools.cache
def _register_heif() -> None:
    """Teach Pillow to read HEIC, once per process."""
    pillow_heif.register_heif_opener(thumbnails=False)


def _check_size(size: tuple[int, int], max_pixels: int, what: str = "the picture") -> None:
    width, height = size
    if min(width, height) < MIN_SIDE:
        raise PictureError(f"{what} is {width} x {height} px, smaller than {MIN_SIDE} px on a side")
    if width * height > max_pixels:
        most = f"{max_pixels / 1e6:g} megapixels"
        raise PictureError(f"the picture is {width} x {height} px; at most {most} are read")
    if max(width, height) > MAX_SIDE:
        raise PictureError(f"the picture is {width} x {height} px; at most {MAX_SIDE} px on a side are read")


def _check_tiles(image: Image.Image, max_pixels: int) -> None:
    """Refuse a TIFF whose tiles are larger than any picture: a tile is decoded whole."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        width, length = (image.tag_v2.get(tag, 0) for tag in (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH))
        if not isinstance(width, int) or not isinstance(length, int) or width * length > max_pixels:
            raise PictureError(f"the TIFF has tiles of {width} x {length} px; save it again without tiles")


def _check_frames(header: Image.Image, data: bytes) -> None:
    """Refuse an AVIF whose streams hold larger frames than it says: its decoder would take the memory for them."""
    if header.format != "AVIF":
        return
    try:
        pixels = largest_frame(data)
    except ValueError as error:
        raise PictureError(f"the picture is damaged and cannot be decoded: {error}") from error
    if not 0 < pixels <= (header.width + _PADDING) * (header.height + _PADDING):
        raise PictureError(
            f"the picture is damaged: its header says {header.width} x {header.height} px, its stream frames of "
            f"{pixels / 1e6:g} megapixels"
        )


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    """Return how to turn the picture upright by its EXIF orientation; a damaged EXIF block counts as none.

    Not ImageOps.exif_transpose, which rewrites the whole EXIF block and fails on a damaged one.
    """
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except (SyntaxError, ValueError, OSError, KeyError, IndexError, TypeError):
        return None
    return _UPRIGHT.get(orientation)


def _centre_cut(image: Image.Image, width: int, height: int) -> Image.Image:
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _megabytes(count: int) -> str:
    return f"{count / 2**20:.1f}".removesuffix(".0")
