import csv
import io

import pytest

from retrieval.tables import csv_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_is_never_a_formula(text: str) -> None:
    [_, [cell]] = list(csv.reader(io.StringIO(csv_text(["name"], [[text]]), newline="")))
    assert cell == f"'{text}"


def test_numbers_and_other_text_stay_as_they_are() -> None:
    text = csv_text(["cosine", "path"], [[-0.25, 'a "b", c=d.jpg'], [3, "häher\nzwei"]])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["cosine", "path"],
        ["-0.25", 'a "b", c=d.jpg'],
        ["3", "häher\nzwei"],
    ]
