from pathlib import Path
from typing import Any

import httpx
import pytest

from kindred_client.cli.datasets import ARCHIVES
from mlcore.datasets.archive_formats import ARCHIVE_SUFFIXES
from tests.kindred_client.scripted import JOB, gives, refuses
from tests.kindred_client.shell import WINGS, Routes, page, run, told
from tests.kindred_client.test_folders import Site

DONE = {**JOB, "state": "succeeded", "result": {"dataset": 4}}


def queued(request: httpx.Request) -> httpx.Response:
    return gives(JOB, 202)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("owls/1.jpg", "owls/2.jpg", "jays/1.jpg"):
        (tmp_path / "birds" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "birds" / name).write_bytes(name.encode())
    return tmp_path / "birds"


@pytest.fixture
def importing(site: Routes) -> Routes:
    site["POST /datasets/"] = queued
    site["GET /jobs/7/"] = DONE
    return site


def test_data_sets_are_listed(site: Routes) -> None:
    lines = run(site, "datasets", "list").stdout.splitlines()
    assert lines[0].split() == ["id", "slug", "name", "classes", "images", "public", "licence"]
    assert lines[1].split() == ["4", "wings", "Wings", "2", "48", "yes", "CC0"]
    assert told(run(site, "datasets", "list", "--json")) == [WINGS]


IMAGES = [
    {"id": 7, "class_name": "Owl", "label": 0, "split": "train", "width": 8, "height": 8, "path": "0/7.png"},
    {"id": 8, "class_name": "../a/b: c", "label": 1, "split": "test", "width": 8, "height": 8, "path": "1/8.png"},
]


def test_pictures_are_listed_and_saved_class_by_class(site: Routes, tmp_path: Path) -> None:
    site["GET /datasets/4/images/"] = lambda request: gives(page(*IMAGES))
    site["GET /datasets/4/"] = WINGS
    for image in IMAGES:
        content = str(image["id"]).encode()
        site[f"GET /images/{image['id']}/file/"] = lambda request, content=content: httpx.Response(200, content=content)
    lines = run(site, "datasets", "images", "wings", "--class", "Owl").stdout.splitlines()
    assert lines[1].split()[:3] == ["7", "Owl", "train"]
    asked = [request for request in site.requests if request.url.path.endswith("/images/")][-1]
    assert asked.url.params["class_name"] == "Owl"
    assert told(run(site, "datasets", "images", "4", "--json")) == IMAGES

    out = tmp_path / "wings"
    assert told(run(site, "datasets", "images", "wings", "--out", out, "--json"))["saved"] == 2
    saved = {file.relative_to(out).as_posix() for file in out.rglob("*.jpg")}
    assert saved == {"00000 Owl/7.jpg", "00001 .._a_b_c/8.jpg"}
    assert (out / "00000 Owl" / "7.jpg").read_bytes() == b"7"
    assert "0 pictures saved" in run(site, "datasets", "images", "wings", "--out", out).stderr


def test_a_path_of_the_server_is_imported_and_waited_for(importing: Routes) -> None:
    words = ("datasets", "import", "wings:species=4", "--server-path", "--name", "Wings", "--licence", "CC0")
    assert told(run(importing, *words, "--public", "--json")) == WINGS
    assert importing.asked("POST /datasets/") == [
        {"name": "Wings", "source": "wings:species=4", "licence": "CC0", "attribution": "", "labelled": True,
         "public": True}
    ]  # fmt: skip
    assert "wings" in run(importing, *words).stdout


def test_an_archive_is_sent_as_a_file(importing: Routes, tmp_path: Path) -> None:
    archive = tmp_path / "birds.zip"
    archive.write_bytes(b"PK-these-bytes")
    found = run(importing, "datasets", "import", archive, "--name", "Birds", "--unlabelled")
    assert found.exit_code == 0
    (sent,) = [request for request in importing.requests if request.method == "POST"]
    assert b"PK-these-bytes" in sent.content and b'name="archive"; filename="birds.zip"' in sent.content
    assert b'name="labelled"\r\n\r\nfalse' in sent.content


def test_an_import_need_not_be_waited_for(importing: Routes) -> None:
    words = ("datasets", "import", "wings:", "--server-path", "--name", "Wings", "--no-wait")
    assert told(run(importing, *words, "--json"))["id"] == 7
    assert "kindred jobs wait 7" in run(importing, *words).stderr


def test_a_folder_is_sent_and_goes_on_where_it_was(home: Path, folder: Path) -> None:
    site = Site()
    site.fail_after = 0
    transport: Any = site
    words = ("datasets", "import", folder, "--name", "Birds")
    found = run(transport, *words)
    assert found.exit_code == 6 and "The same command resumes" in found.stderr
    site.fail_after = None
    found = run(transport, *words, "--json")
    assert told(found)["id"] == 5 and "3 pictures" in found.stderr
    assert sorted(site.taken) == ["jays/1.jpg", "owls/1.jpg", "owls/2.jpg"]


def test_what_cannot_be_imported_is_wrong_usage(site: Routes, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    for source, why in (
        (tmp_path / "gone", "--server-path"), (tmp_path / "empty", "no pictures"), (tmp_path / "notes.txt", "archive"),
    ):  # fmt: skip
        found = run(site, "datasets", "import", source, "--name", "B")
        assert found.exit_code == 2 and why in found.stderr
    assert run(site, "datasets", "import", folder, "--name", "B", "--no-wait").exit_code == 2
    assert not site.requests


def test_an_import_that_fails_is_told_with_its_reason(importing: Routes) -> None:
    importing["GET /jobs/7/"] = {**JOB, "state": "failed", "error": "no classes"}
    found = run(importing, "datasets", "import", "x", "--server-path", "--name", "B")
    assert found.exit_code == 7 and "no classes" in found.stderr


def test_an_import_that_is_interrupted_goes_on_and_is_named(importing: Routes) -> None:
    importing["GET /jobs/7/"] = [JOB, KeyboardInterrupt()]
    found = run(importing, "datasets", "import", "x", "--server-path", "--name", "B")
    assert found.exit_code == 130 and "kindred jobs wait 7" in found.stderr


@pytest.mark.parametrize("called", ["wings", "Wings", "4"])
def test_a_data_set_goes_by_slug_name_or_id(site: Routes, called: str, tmp_path: Path) -> None:
    site["GET /datasets/4/ratings/ratings.csv/"] = httpx.Response(200, text="person,rating\n")
    out = tmp_path / "ratings.csv"
    words = ("ratings", "export", "--dataset", called, "--part", "ratings", "--out", out)
    assert told(run(site, *words, "--json")) == {"dataset": 4, "part": "ratings", "file": str(out), "bytes": 14}
    assert out.read_text() == "person,rating\n"


def test_a_number_may_be_a_name(site: Routes, tmp_path: Path) -> None:
    site["GET /datasets/"] = page({**WINGS, "name": "101", "slug": "set-101"})
    site["GET /datasets/4/ratings/ratings.json/"] = {"ratings": []}
    words = ("ratings", "export", "--dataset", "101", "--part", "all", "--out", tmp_path / "all.json")
    assert run(site, *words).exit_code == 0


def test_what_has_no_name_or_two_is_told_with_what_there_is(site: Routes, tmp_path: Path) -> None:
    words = ("ratings", "export", "--part", "all", "--out", tmp_path / "all.json", "--dataset")
    found = run(site, *words, "birds")
    assert found.exit_code == 5 and "'birds'" in found.stderr and "wings" in found.stderr
    site["GET /datasets/"] = page(WINGS, {**WINGS, "id": 9, "slug": "wings-2"})
    found = run(site, *words, "Wings")
    assert found.exit_code == 2
    assert "4 (wings, Wings)" in found.stderr and "9 (wings-2, Wings)" in found.stderr


def test_ratings_are_kept_by_the_servers_name_in_a_folder(site: Routes, tmp_path: Path) -> None:
    headers = {"Content-Disposition": 'attachment; filename="wings-marks.csv"'}
    site["GET /datasets/4/ratings/marks.csv/"] = httpx.Response(200, text="a\n", headers=headers)
    words = ("ratings", "export", "--dataset", "wings", "--part", "marks", "--out")
    assert "wings-marks.csv" in run(site, *words, tmp_path).stderr
    assert (tmp_path / "wings-marks.csv").exists()
    assert run(site, *words, tmp_path / "gone" / "marks.csv").exit_code == 2
    site["GET /datasets/4/ratings/marks.csv/"] = refuses(403, "forbidden")
    assert run(site, *words, tmp_path).exit_code == 4


def test_every_archive_that_the_site_reads_can_be_sent() -> None:
    assert all(suffix.endswith(ARCHIVES) for suffix in ARCHIVE_SUFFIXES)


# --- previews and layouts

PREVIEW = {
    "reader": "folder", "title": "Folders", "recognised_by": "folders", "refusal": "", "images": 12, "classes": 4,
    "train_images": 6, "train_classes": 2, "test_images": 6, "test_classes": 2,
    "first_classes": [{"name": "owls", "images": 3, "held_out": 0}],
    "left_out": [{"files": 2, "reason": "is not a picture: .txt", "examples": ["a.txt"]}],
    "remarks": ["few pictures are held out"], "upload": None,
}  # fmt: skip


@pytest.fixture
def previewing(site: Routes) -> Routes:
    site["POST /datasets/preview/"] = queued
    site["GET /jobs/7/"] = {**DONE, "result": PREVIEW}
    return site


def test_a_preview_shows_classes_remarks_and_what_is_left_out(previewing: Routes) -> None:
    words = ("datasets", "import", "/srv/birds", "--server-path", "--preview", "--level", "2", "--rename", "owls=Owls")
    found = run(previewing, *words)
    assert found.exit_code == 0 and "owls" in found.stdout and "few pictures" in found.stderr
    assert "2 is not a picture: .txt, such as a.txt" in found.stderr
    layout = {"level": 2, "class_names": {"owls": "Owls"}}
    assert previewing.asked("POST /datasets/preview/") == [{"source": "/srv/birds", "labelled": True, "layout": layout}]
    assert told(run(previewing, *words, "--json")) == PREVIEW


def test_a_refusal_is_told_by_the_status(previewing: Routes) -> None:
    previewing["GET /jobs/7/"] = {**DONE, "result": {**PREVIEW, "refusal": "there is no column species"}}
    found = run(previewing, "datasets", "import", "/srv/birds", "--server-path", "--preview")
    assert found.exit_code == 3 and "no column species" in found.stderr


def test_the_archive_of_a_preview_goes_with_its_layout_as_text(previewing: Routes, tmp_path: Path) -> None:
    archive = tmp_path / "birds.zip"
    archive.write_bytes(b"PK-these-bytes")
    assert run(previewing, "datasets", "import", archive, "--preview", "--split", "halves").exit_code == 0
    (sent,) = [request for request in previewing.requests if request.method == "POST"]
    assert b'name="layout"\r\n\r\n{"split": "halves"}' in sent.content


def test_an_import_takes_a_layout(importing: Routes) -> None:
    words = ("datasets", "import", "/srv/birds", "--server-path", "--name", "Birds", "--label-column", "species")
    assert run(importing, *words).exit_code == 0
    assert importing.asked("POST /datasets/")[0]["layout"] == {"label_column": "species"}


@pytest.mark.parametrize("words", [(), ("--preview", "--rename", "owls")])
def test_what_is_missing_is_wrong_usage(site: Routes, words: tuple[str, ...]) -> None:
    assert run(site, "datasets", "import", "/srv/birds", "--server-path", *words).exit_code == 2


def test_a_folder_here_is_not_previewed(site: Routes, folder: Path) -> None:
    found = run(site, "datasets", "import", folder, "--preview")
    assert found.exit_code == 2 and "archive" in found.stderr
