import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from kindred_client import Table, result_rows
from tests.kindred_client.scripted import Server, gives


def test_a_table_is_written_as_comma_separated_values(tmp_path: Path) -> None:
    table = Table.of([{"name": "Eule, klein", "found": {"k": 3}}, {"name": "Ü"}])
    table.to_csv(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_bytes().decode() == 'name,found.k\r\n"Eule, klein",3\r\nÜ,\r\n'
    buffer = io.StringIO()
    table.to_csv(buffer)
    assert buffer.getvalue().startswith("name,found.k")


def test_pandas_is_asked_for_only_when_a_data_frame_is(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=lambda rows, columns: made.append(rows)))
    Table.of([{"a": 1}]).to_pandas()
    assert made == [[{"a": 1}]]


def test_the_client_is_imported_without_what_the_site_is_made_of() -> None:
    code = "import sys, kindred_client; print(sorted({'pandas', 'django', 'torch', 'numpy'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_searchs_answers_are_one_table() -> None:
    column = {"model": 3, "model_name": "Soft Triple", "results": [{"rank": 1, "image": 5}, {"rank": 2, "image": 6}]}
    rows = result_rows({"id": "s", "columns": [column]})
    assert rows[1] == {"search": "s", "model": 3, "model_name": "Soft Triple", "rank": 2, "image": 6}


def test_a_file_of_rows_is_a_table() -> None:
    csv = Server(httpx.Response(200, text="person,rating\nMia,3\n")).client()
    assert csv.ratings.export(1, "ratings.csv").table() == [{"person": "Mia", "rating": "3"}]
    rows = Server(gives([{"who": {"id": 1}}])).client()
    assert rows.ratings.export(1, "ratings.json").table() == [{"who.id": 1}]
