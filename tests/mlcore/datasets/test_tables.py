"""Tables are read in whatever dialect a program wrote them, and refused in a sentence that names the place."""

import codecs
import json
from pathlib import Path

import pytest

from mlcore.datasets import tables
from mlcore.datasets.tables import Table, load_table, read_json_lines, read_table
from mlcore.errors import DatasetError

PLAIN = "path,label\na/1.jpg,Grünfink\nb/2.jpg,Zaunkönig\n"
ROWS = [("a/1.jpg", "Grünfink"), ("b/2.jpg", "Zaunkönig")]


def read(text: str) -> Table:
    return read_table(text.encode(), "labels.csv")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"),
        PLAIN.encode("utf-32"),
    ],
    ids=["utf-8", "utf-8 with a mark", "utf-16", "utf-16, big end first", "utf-32"],
)
def test_encoding_is_found(data: bytes) -> None:
    table = read_table(data, "labels.csv")
    assert (table.columns, list(table.rows), list(table.lines)) == (("path", "label"), ROWS, [2, 3])


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ", "),
        PLAIN.replace(",", "  , "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", ",,\n").replace("label,,", "label"),
        PLAIN + "\n\n,\n",
        "sep=;\n" + PLAIN.replace(",", ";"),
        '"path","label"\n"a/1.jpg","Grünfink"\n"b/2.jpg", "Zaunkönig"',
    ],
    ids=[
        "semicolons",
        "tabs",
        "bars",
        "blanks after commas",
        "blanks on both sides",
        "CRLF",
        "CR",
        "empty cells at the end",
        "empty rows at the end",
        "separator stated above",
        "quoted",
    ],
)
def test_dialect_is_found(text: str) -> None:
    table = read(text)
    assert (table.columns, list(table.rows)) == (("path", "label"), ROWS)


def test_separator_is_the_one_that_makes_rows_as_wide_as_the_header() -> None:
    assert read("path;label\na.jpg;finch, green, male\nb.jpg;wren\n").rows[0] == ("a.jpg", "finch, green, male")
    assert read("path\tlabel, english\na.jpg\tfinch, green\n").columns == ("path", "label, english")
    assert read("label\nsmith, john\ndoe, jane; jr\n").rows == [("smith, john",), ("doe, jane; jr",)]


def test_quoted_cell_holds_separators_and_line_ends() -> None:
    table = read('path,label\n"a, 1.jpg","two\nlines"\nb.jpg,c\n')
    assert list(table.rows) == [("a, 1.jpg", "two\nlines"), ("b.jpg", "c")]
    assert list(table.lines) == [3, 4]


def test_columns_are_found_whatever_their_case_in_the_order_of_preference() -> None:
    table = read(" File_Name ,LABEL,label\nx,y,z\n")
    assert table.column(["class", "label"]) == 1
    assert table.column(["file_name", "label"]) == 0
    assert table.column(["split"]) is None
    with pytest.raises(DatasetError, match=r"labels.csv needs a column 'split' or 'set'; its header has 'File_Name'"):
        table.required("split", "set")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"\n\n", "no rows"),
        (PLAIN.encode("latin-1"), "byte 0xfc in line 2 .*save it as UTF-8"),
        (PLAIN.encode("utf-16-le"), "bytes of 0.*save it as UTF-8"),
        (PLAIN.encode("utf-16")[:-1], "byte-order mark of UTF-16, but is damaged"),
        (b"path,label\na,b,c\n", "line 2 of labels.csv has 3 columns, its header has 2"),
        (b"path,label\na,b\nc\n", "line 3 of labels.csv has 1 columns"),
        (b'path,label\na,"b\n', "cannot be read as CSV"),
    ],
)
def test_faulty_table_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        read_table(data, "labels.csv")


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_CELLS", 5)
    with pytest.raises(DatasetError, match="more than 5 cells"):
        read(PLAIN)
    with pytest.raises(DatasetError, match="more than 5 cells"):
        read_json_lines(b'{"a": 1, "b": 2}\n' * 3, "labels.jsonl")
    monkeypatch.setattr(tables, "MOST_BYTES", 2**20)
    with pytest.raises(DatasetError, match="larger than 1 MB"):
        read_table(bytes(2**20 + 1), "labels.csv")


def test_file_is_loaded_or_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(PLAIN, "utf-8")
    assert load_table(tmp_path / "labels.csv").name == "labels.csv"
    with pytest.raises(DatasetError, match=r"cannot read missing.csv: No such file"):
        load_table(tmp_path / "missing.csv")


def test_json_lines_are_a_table_of_all_their_keys() -> None:
    objects = [{"file_name": " a.jpg", "label": 3}, {"label": None, "more": {"x": [1]}}, {"file_name": "\ud800"}]
    text = "\n\n".join(json.dumps(values) for values in objects)
    table = read_json_lines(text.encode("utf-8-sig"), "metadata.jsonl")
    assert table.columns == ("file_name", "label", "more")
    assert list(table.rows) == [("a.jpg", "3", ""), ("", "", '{"x": [1]}'), ("?", "", "")]
    assert list(table.lines) == [1, 3, 5]


@pytest.mark.parametrize("text", ["[1]", "{", "[" * 100_000, "", "\n"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match=r"metadata.jsonl"):
        read_json_lines(text.encode(), "metadata.jsonl")
