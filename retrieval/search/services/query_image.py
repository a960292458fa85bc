"""The picture that is searched with: read, cropped, and made small enough to store."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from config.errors import Rejected
from mlcore.errors import MlcoreError
from mlcore.images.formats import accept_attribute, listed_formats
from mlcore.images.image_io import crop_box, encode_jpeg, open_picture, resize_short_side, thumbnail
from retrieval.datasets.services.pictures import decoding
from retrieval.models import Search
from storage.store import store

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

ACCEPTED_FILES = accept_attribute()
"""The `accept` of the file field."""
FORMATS = listed_formats("or")
"""The formats that are read, as a sentence lists them."""
STORED_SIDE = 1024  # pixels of an uploaded query that are stored
SEEN_SIDE = 1024  # of a query's short side that networks get, of which they see 64 to 512


class Unreadable(Rejected):
    """The bytes that were sent, or fetched, are no picture that can be read."""


@dataclass(frozen=True)
class Query:
    """A picture once it is read: the searched part for networks, and the JPEG of an upload, to be stored."""

    for_networks: "Picture"
    upload_jpeg: bytes | None = None


def uploaded_query(data: bytes, search: Search) -> Query:
    """Return the query of an upload.

    Raises:
        Unreadable: it cannot be read.
        Rejected: the search's box is too small.
        Busy: too many pictures are being read.
    """
    with decoding():
        try:
            whole = open_picture(data, max_bytes=settings.PICTURE_MAX_BYTES, max_pixels=settings.PICTURE_MAX_PIXELS)
        except MlcoreError as error:
            raise Unreadable(str(error)) from error
        return Query(_searched_part(whole, search), encode_jpeg(_bounded(whole)))


def stored_query(search: Search) -> Query:
    """Return the query that is a picture of a data set, or that an earlier search keeps.

    Raises:
        Rejected: its file is damaged or gone, or the search's box is too small.
        Busy: too many pictures are being read.
    """
    image = search.query_image
    with decoding():
        try:
            whole = open_picture(image.file.read_bytes() if image else read_upload(search))
        except MlcoreError as error:
            raise Rejected(str(error)) from error
        except OSError as error:
            what = "the file of that picture" if image else "the picture of that search"
            way_out = "import the data set again" if image else "search with it anew"
            raise Rejected(f"{what} is gone ({error.strerror}); {way_out}") from error
        return Query(_searched_part(whole, search))


def read_upload(search: Search) -> bytes:
    """Return the JPEG of an uploaded query.

    Raises:
        OSError: it is gone.
    """
    with store().open(search.upload_key) as file:
        return file.read()


def _searched_part(picture: "Picture", search: Search) -> "Picture":
    """Return the part of the picture that is searched, for networks. Raises Rejected when the box is too small."""
    try:
        part = picture if search.box is None else crop_box(picture, search.box)
    except MlcoreError as error:
        raise Rejected(f"{error}; draw it larger", field="box") from error
    return shrunk_for_networks(part)


def shrunk_for_networks(picture: "Picture") -> "Picture":
    """Return a picture no larger than networks need; a smaller one stays as it is."""
    return resize_short_side(picture, min(SEEN_SIDE, *picture.size))


def _bounded(picture: "Picture") -> "Picture":
    """Return the picture as it is stored."""
    return thumbnail(picture, STORED_SIDE) if max(picture.size) > STORED_SIDE else picture
