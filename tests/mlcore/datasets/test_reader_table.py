"""A reader is one module: whatever lists, recognises or describes data sets takes it from its row."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlcore.datasets import open_source, readers
from mlcore.datasets.reader_table import PublishedFile, known_readers
from tools import docs_tables

PLANTED = """
from mlcore.datasets.reader_table import LayoutReader, folder_with
from mlcore.datasets.readers.folder import read_folder

READER = LayoutReader(
    title="Moths of the garden",
    recognised_by="`moths.txt`",
    also_needed="a lamp",
    training="the early ones",
    held_out="the late ones",
    licence="CC0",
    find=folder_with("moths.txt"),
    read=read_folder,
)
"""


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Return what puts one more module into `readers/`."""

    def planted(name: str, code: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.py").write_text(code)
        monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(folder)])
        known_readers.cache_clear()

    yield planted
    known_readers.cache_clear()


def test_a_new_module_is_all_that_a_new_reader_needs(
    plant: Callable[[str, str], None], write_files: Callable[..., Path]
) -> None:
    plant("garden_moths", PLANTED)
    folder = write_files({"moths.txt": b"", **{f"{name}/{n}.jpg": None for name in "abcd" for n in (1, 2)}})
    with open_source(folder) as source:
        assert len(source.classes) == 4 and ("moths.txt", "is not a picture: .txt") in source.broken
    text = docs_tables.with_tables(docs_tables.DATASETS.read_text())
    assert "| Moths of the garden | `moths.txt` | a lamp | the early ones | the late ones |\n" in text
    assert "| Moths of the garden | CC0 |\n" in text


def test_a_module_without_a_row_is_named(plant: Callable[[str, str], None]) -> None:
    plant("forgotten", "")
    with pytest.raises(TypeError, match=r"mlcore\.datasets\.readers\.forgotten has no READER"):
        known_readers()


def test_published_layouts_are_asked_before_those_that_people_make() -> None:
    titles = [reader.title for reader in known_readers()]
    assert len(set(titles)) == len(titles) >= 10
    assert titles[-5:] == ["WebDataset", "Table of labels", "Class in the file name", "Anything else", "Wings"]


def test_the_document_says_what_the_readers_say() -> None:
    text = docs_tables.DATASETS.read_text()
    assert text == docs_tables.with_tables(text), "run: python -m tools.docs_tables"


def test_a_table_that_is_not_there_is_missed() -> None:
    with pytest.raises(ValueError, match="not in list"):
        docs_tables.with_table("# Data sets\n", ["data set", "licence"], [])


OF_ABC = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, appendix A.5


def test_file_with_the_published_hash_is_named_so() -> None:
    said = PublishedFile("abc.txt", OF_ABC).remark_on(io.BytesIO(b"abc"))
    assert said == f"abc.txt has the published MD5 {OF_ABC}"


def test_other_hash_is_told_with_both() -> None:
    said = PublishedFile("abc.txt", OF_ABC).remark_on(io.BytesIO(b""))
    assert OF_ABC in said and "d41d8cd98f00b204e9800998ecf8427e" in said
