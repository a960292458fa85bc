import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.kindred_client.scripted import gives, refuses
from tests.kindred_client.shell import MODEL, Routes, page, run

REFUSED = {
    "type": "/api/problems/invalid", "title": "No", "status": 400, "detail": "no picture",
    "errors": [{"field": "image_id", "code": "invalid", "detail": "there is no picture 9"}],
}  # fmt: skip


def answer(name: Any) -> dict[str, Any]:
    row = {"rank": 1, "ranking": 5, "image": 311, "class_name": "Tawny owl", "similarity": 0.9132}
    return {"id": f"s-{name}", "columns": [{"model": 3, "model_name": "SoftTriple", "results": [row]}]}


def finds(request: httpx.Request) -> httpx.Response:
    """Answer each, but refuse image 9."""
    if "multipart" in request.headers["Content-Type"]:
        names = [part.split(b'"')[0].decode() for part in request.content.split(b'filename="')[1:]]
        return gives({"results": [{"search": answer(name)} for name in names]})
    asked = [search.get("image_id", "url") for search in json.loads(request.content)["searches"]]
    return gives({"results": [{"problem": REFUSED} if one == 9 else {"search": answer(one)} for one in asked]})


@pytest.fixture
def searching(site: Routes) -> Routes:
    site["POST /searches/batch/"] = finds
    site["GET /models/"] = page(MODEL)
    return site


def lines_of(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_one_picture_is_searched_with(searching: Routes, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"owl")
    found = run(searching, "search", photo, "--dataset", "wings")
    assert found.exit_code == 0
    assert found.stdout.splitlines() == [str(photo), "  SoftTriple    1   0.9132  Tawny owl  (image 311)"]


def test_every_term_is_passed_on(searching: Routes) -> None:
    run(
        searching, "search", "310", "--dataset", "wings", "--model", "SoftTriple", "-k", "5", "--box", "0", "0.1", "1",
        "0.9", "--threshold", "0.4", "--split", "test",
    )  # fmt: skip
    assert searching.asked("POST /searches/batch/") == [
        {"searches": [{"image_id": 310, "datasets": [4], "models": [3], "k": 5, "box": [0, 0.1, 1, 0.9],
                       "threshold": 0.4, "filters": {"splits": ["test"]}, "exclude_self": True}]}
    ]  # fmt: skip


def test_what_was_not_said_is_not_asked(searching: Routes) -> None:
    run(searching, "search", "310", "--dataset", "wings")
    assert searching.asked("POST /searches/batch/") == [
        {"searches": [{"image_id": 310, "datasets": [4], "exclude_self": True}]}
    ]


def test_files_folders_addresses_ids_and_lists_are_lines_in_their_order(searching: Routes, tmp_path: Path) -> None:
    for name in ("owls/1.jpg", "owls/2.jpg", "a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    words = ("search", tmp_path / "a.jpg", tmp_path / "owls", "https://x.test/1.jpg", "--from", "-", "--json")
    found = run(searching, *words, "--dataset", "wings", stdin="310\n\n311\n")
    assert found.exit_code == 0
    assert [(line["picture"].rpartition("/")[2], line["search"]["id"]) for line in lines_of(found.stdout)] == [
        ("a.jpg", "s-a.jpg"), ("1.jpg", "s-1.jpg"), ("2.jpg", "s-2.jpg"), ("1.jpg", "s-url"), ("310", "s-310"),
        ("311", "s-311"),
    ]  # fmt: skip


def test_some_that_fail_are_told_and_end_with_eight(searching: Routes) -> None:
    found = run(searching, "search", "8", "9", "10", "--dataset", "wings", "--json")
    assert found.exit_code == 8 and "1 of 3 failed: invalid (1)" in found.stderr
    lines = lines_of(found.stdout)
    assert [next(iter(line.keys() - {"picture"})) for line in lines] == ["search", "problem", "search"]
    assert lines[1]["problem"] == REFUSED
    assert "9: No (400): image_id: there is no picture 9" in run(searching, "search", "9", "--dataset", "4").stderr


def test_all_that_fail_end_with_why(searching: Routes, tmp_path: Path) -> None:
    assert run(searching, "search", "9", "--dataset", "wings").exit_code == 3
    assert run(searching, "search", tmp_path / "gone.jpg", "--dataset", "wings").exit_code == 2
    searching["POST /searches/batch/"] = httpx.ConnectError("refused")
    assert run(searching, "search", "8", "--dataset", "wings").exit_code == 6
    searching["POST /searches/batch/"] = refuses(409, "nothing-searchable")
    assert run(searching, "search", "8", "--dataset", "wings").exit_code == 3


def test_thousands_are_told_as_they_come(searching: Routes) -> None:
    numbers = "\n".join(str(number) for number in range(100, 1300))
    found = run(searching, "search", "--from", "-", "--dataset", "wings", "--json", stdin=numbers)
    assert [line["search"]["id"] for line in lines_of(found.stdout)] == [f"s-{number}" for number in range(100, 1300)]
    searching["POST /searches/batch/"] = [finds, KeyboardInterrupt()]
    found = run(searching, "search", "--from", "-", "--dataset", "wings", "--json", "--workers", "1", stdin=numbers)
    assert found.exit_code == 130 and "for the rest" in found.stderr
    assert len(lines_of(found.stdout)) >= 1


def test_nothing_to_search_with_is_wrong_usage(searching: Routes, tmp_path: Path) -> None:
    assert run(searching, "search", "--dataset", "wings").exit_code == 2
    assert run(searching, "search", tmp_path, "--dataset", "wings").exit_code == 2
    assert run(searching, "search", "8").exit_code == 2
    assert run(searching, "search", "8", "--dataset", "wings", "--threshold", "2").exit_code == 2
    assert run(searching, "search", "8", "--dataset", "wings", "--box", "0", "1").exit_code == 2
