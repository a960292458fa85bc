"""The picture that a search asks with: read, cut out, and made small enough to keep."""

from typing import TYPE_CHECKING

from mlcore.errors import MlcoreError
from mlcore.pictures import crop_box, open_picture, thumbnail
from retrieval.errors import Refused
from retrieval.models import Image, Search

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

STORED_SIDE = 1024  # pixels of an uploaded query that are kept; networks see 64 to 512


def given_picture(upload: bytes | None, like: Search | None) -> "Picture":
    """Return the picture of an upload, or that an earlier search keeps.

    Raises:
        Refused: it cannot be read, or is gone.
    """
    try:
        return open_picture(like.upload.read_bytes() if like else upload or b"")
    except MlcoreError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"the picture of that search is gone ({error.strerror}); search with it anew") from error


def gallery_picture(image: Image) -> "Picture":
    """Return a picture of a data set. Raises Refused when its file is damaged or gone."""
    try:
        return open_picture(image.file.read_bytes())
    except MlcoreError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"the file of that picture is gone ({error.strerror}); import the data set again") from error


def boxed(picture: "Picture", search: Search) -> "Picture":
    """Return what of the picture is searched. Raises Refused when the box is too small."""
    try:
        return picture if search.box is None else crop_box(picture, search.box)
    except MlcoreError as error:
        raise Refused(f"{error}; draw it larger", field="box") from error


def bounded(picture: "Picture") -> "Picture":
    """Return the picture as it is kept."""
    return thumbnail(picture, STORED_SIDE) if max(picture.size) > STORED_SIDE else picture
