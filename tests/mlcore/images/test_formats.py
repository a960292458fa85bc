"""One table tells which formats are read: decoders, file names, the site and the documents agree with it."""

from pathlib import Path

import pytest
from PIL import Image

from mlcore.datasets.readers.folder import PICTURE_SUFFIXES
from mlcore.images.formats import (
    FORMAT_TITLES,
    PICTURE_FORMATS,
    SUFFIXES,
    PictureFormat,
    accept_attribute,
    listed_formats,
)

ROOT = Path(__file__).parents[3]


def test_imports_take_files_with_the_endings_of_the_table() -> None:
    assert PICTURE_SUFFIXES == SUFFIXES


@pytest.mark.parametrize("row", PICTURE_FORMATS, ids=FORMAT_TITLES)
def test_endings_are_those_that_pillow_knows(row: PictureFormat) -> None:
    Image.init()
    known = {suffix for suffix, name in Image.registered_extensions().items() if name == row.pillow}
    assert row.suffixes and (not known or set(row.suffixes) <= known | {".heif"})


def test_formats_are_listed_as_a_sentence_lists_them() -> None:
    assert listed_formats("or").startswith("JPEG, PNG, ") and listed_formats("or").endswith(" or TIFF")


def test_file_fields_offer_what_browsers_count_among_no_pictures() -> None:
    assert accept_attribute() == "image/*,.avif,.heic,.heif"


@pytest.mark.parametrize(
    ("document", "word"), [("docs/datasets.md", "and"), ("docs/search.md", "or"), ("docs/client.md", "or")]
)
def test_documents_list_the_formats(document: str, word: str) -> None:
    assert listed_formats(word) in " ".join((ROOT / document).read_text("utf-8").split())
