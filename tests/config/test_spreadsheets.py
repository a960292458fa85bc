import csv

import pytest

from config.spreadsheets import csv_response, csv_text, safe_cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_taken_for_a_formula(start: str) -> None:
    assert safe_cell(f"{start}cmd|calc") == f"'{start}cmd|calc"


@pytest.mark.parametrize("value", ["Wings", "", "a=b", -3.5, None])
def test_what_is_no_formula_stays_as_it_is(value: object) -> None:
    assert safe_cell(value) == value


def test_a_table_can_be_read_back() -> None:
    text = csv_text(("name", "votes"), [('a "b", c', -2), ("two\nlines", 3)])
    assert list(csv.reader(text.splitlines(keepends=True))) == [
        ["name", "votes"],
        ['a "b", c', "-2"],
        ["two\nlines", "3"],
    ]


def test_a_table_is_sent_as_a_file() -> None:
    answer = csv_response("votes.csv", ("name",), [("=1",)])
    assert answer["Content-Disposition"] == 'attachment; filename="votes.csv"'
    assert answer.getvalue() == b"name\r\n'=1\r\n"
