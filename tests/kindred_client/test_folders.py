"""A folder on its way to a server that keeps files in a dict and starts jobs at once."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from kindred_client import Invalid, JobFailed, Kindred, KindredError, Unreachable, folders
from kindred_client.folders import SUFFIXES, ResumeState, in_batches, pictures_in, sha256_of, state_folder
from mlcore.datasets.readers.folder import PICTURE_SUFFIXES
from tests.kindred_client.scripted import JOB, gives, refuses


class Site:
    """The part of the API that takes in folders."""

    def __init__(self) -> None:
        self.uploads: dict[str, dict[str, bytes]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}  # by idempotency key
        self.sent: list[str] = []
        self.fail_after: int | None = None  # requests with files, before the server is gone
        self.ends = ["succeeded"]  # how one job after the other ends, the last one's for those to come
        self.damage = False
        self.refused = "a name that is taken"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.removeprefix("/api/v1/").strip("/").split("/")
        if parts[0] == "uploads" and len(parts) == 1:
            self.uploads[f"u{len(self.uploads) + len(self.jobs)}"] = {}
            return gives({"id": list(self.uploads)[-1]}, 201)
        if parts[0] == "uploads":
            return self.of_upload(request, parts[1], len(parts) == 3)
        if parts[0] == "jobs":
            state = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
            result = {"dataset": 5} if state == "succeeded" else None
            return gives({**JOB, "state": state, "result": result, "error": "no classes"})
        return gives({"id": 5}) if request.method == "GET" else self.starts(request)

    def of_upload(self, request: httpx.Request, name: str, files: bool) -> httpx.Response:
        if name not in self.uploads:
            return refuses(404, "not-found")
        there = self.uploads[name]
        if request.method == "GET":
            rows = [{"path": path, "sha256": sha256_of(content)} for path, content in there.items()]
            return gives({"results": rows, "next": None} if files else {"id": name})
        if request.method == "DELETE":
            del self.uploads[name]
            return httpx.Response(204)
        if self.fail_after == 0:
            raise httpx.ConnectError("refused")
        self.fail_after = None if self.fail_after is None else self.fail_after - 1
        return self.stores(request, there)

    def stores(self, request: httpx.Request, there: dict[str, bytes]) -> httpx.Response:
        paths, contents = parts_of(request)
        stored = dict(zip(paths, contents, strict=True))
        there |= stored
        self.sent += paths
        mark = "damaged" if self.damage else None
        return gives({"stored": [{"path": path, "sha256": mark or sha256_of(stored[path])} for path in paths]})

    def starts(self, request: httpx.Request) -> httpx.Response:
        key, asked = request.headers["Idempotency-Key"], json.loads(request.content)
        if key in self.jobs:
            return gives(JOB, 202) if self.jobs[key]["asked"] == asked else refuses(422, "idempotency-key-reused")
        if asked["upload"] not in self.uploads or asked.get("name") == self.refused:
            return refuses(400)
        self.jobs[key] = {"asked": asked, "files": self.uploads.pop(asked["upload"])}
        return gives(JOB, 202)

    @property
    def taken(self) -> dict[str, bytes]:
        """What the one job that was started has."""
        (job,) = self.jobs.values()
        files: dict[str, bytes] = job["files"]
        return files

    def client(self) -> Kindred:
        kindred = Kindred("http://kindred.test", "t", progress=False, retries=1, transport=httpx.MockTransport(self))
        kindred._transport.sleep = lambda _: None
        return kindred


def parts_of(request: httpx.Request) -> tuple[list[str], list[bytes]]:
    """Return the fields `paths` and the contents of `files` of a form."""
    boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
    paths, contents = [], []
    for part in request.read().split(b"--" + boundary)[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        if b'name="paths"' in head:
            paths.append(body[:-2].decode())
        else:
            contents.append(body[:-2])
    return paths, contents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of 12 pictures in three classes, and of what is left out."""
    top = tmp_path / "birds"
    for number in range(12):
        path = top / f"class {number % 3}" / f"{number}.JPG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture %d" % number)
    (top / "class 0" / ".hidden.jpg").write_bytes(b"hidden")
    (top / ".git").mkdir()
    (top / ".git" / "1.jpg").write_bytes(b"hidden")
    (top / "notes.txt").write_text("notes")
    return top


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(folders, "MOST_FILES", 2)


def sent_by(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("class*/[0-9]*")}


def test_a_folder_becomes_a_data_set(folder: Path) -> None:
    site = Site()
    assert site.client().datasets.import_folder(folder, "Birds", licence="CC0", workers=3) == {"id": 5}
    assert site.taken == sent_by(folder)
    (job,) = site.jobs.values()
    assert (job["asked"]["name"], job["asked"]["licence"]) == ("Birds", "CC0")
    assert not list(state_folder().iterdir())


def test_another_process_sends_only_what_is_missing(folder: Path) -> None:
    site = Site()
    site.fail_after = 3
    with pytest.raises(Unreachable):
        site.client().datasets.import_folder(folder, "Birds", workers=1)
    assert len(site.sent) == 6
    site.fail_after = None
    (folder / "class 0" / "0.JPG").write_bytes(b"another picture")
    site.client().datasets.import_folder(folder, "Birds", workers=1)
    assert sorted(site.sent) == sorted([*sent_by(folder), "class 0/0.JPG"])
    assert site.taken == sent_by(folder)


def test_what_was_taken_out_of_the_folder_is_not_imported(folder: Path) -> None:
    site = Site()
    site.fail_after = 3
    with pytest.raises(Unreachable):
        site.client().datasets.import_folder(folder, "Birds", workers=1)
    site.fail_after = None
    (folder / "class 0" / "0.JPG").unlink()
    site.client().datasets.import_folder(folder, "Birds")
    assert site.taken == sent_by(folder)
    assert not site.uploads


def test_a_job_that_was_asked_for_is_not_asked_for_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    kindred = site.client()
    with stopped_while_waiting(monkeypatch):
        kindred.datasets.import_folder(folder, "Birds")
    sent = len(site.sent)
    assert site.client().datasets.import_folder(folder, "Birds") == {"id": 5}
    assert len(site.jobs) == 1 and len(site.sent) == sent


@contextmanager
def stopped_while_waiting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("kindred_client.folder_upload.wait_for", interrupted)
        yield


def changes(folder: Path, how: str) -> None:
    first = folder / "class 0" / "0.JPG"
    if how == "added":
        (folder / "class 0" / "12.JPG").write_bytes(b"one more")
    elif how == "taken out":
        first.unlink()
    else:
        first.write_bytes(b"changed 0")  # as long as before
        os.utime(first, ns=(1, 1))  # a clock may be too coarse for what a test does


CHANGES = pytest.mark.parametrize("how", ["added", "changed", "taken out"])


@CHANGES
def test_a_folder_that_was_changed_after_its_job_was_asked_for_is_added_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    site = Site()
    with stopped_while_waiting(monkeypatch):
        site.client().datasets.add_folder(5, folder)
    changes(folder, how)
    assert site.client().datasets.add_folder(5, folder)["state"] == "succeeded"
    assert [job["files"] == sent_by(folder) for job in site.jobs.values()] == [False, True]
    assert not list(state_folder().iterdir())


@CHANGES
def test_a_folder_that_was_changed_after_its_import_is_told_how_to_go_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    site = Site()
    with stopped_while_waiting(monkeypatch):
        site.client().datasets.import_folder(folder, "Birds")
    changes(folder, how)
    with pytest.raises(KindredError, match=r"data set 5 \(Birds\).* datasets\.add_folder\(5, "):
        site.client().datasets.import_folder(folder, "Birds")
    site.client().datasets.add_folder(5, folder)
    assert [job["files"] == sent_by(folder) for job in site.jobs.values()] == [False, True]


def test_a_folder_that_was_mended_after_its_import_failed_is_imported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site()
    with stopped_while_waiting(monkeypatch):
        site.client().datasets.import_folder(folder, "Birds")
    changes(folder, "added")
    site.ends = ["failed", "succeeded"]
    assert site.client().datasets.import_folder(folder, "Birds") == {"id": 5}
    assert list(site.jobs.values())[-1]["files"] == sent_by(folder)


def test_a_job_that_was_asked_for_in_other_words_is_another_job(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    with stopped_while_waiting(monkeypatch):
        site.client().datasets.import_folder(folder, "Birds", licence="CC0")
    site.client().datasets.import_folder(folder, "Birds too", licence="CC-BY")
    assert [job["asked"]["name"] for job in site.jobs.values()] == ["Birds", "Birds too"]
    assert all(job["files"] == sent_by(folder) for job in site.jobs.values())


def test_a_name_that_is_refused_costs_no_second_sending(folder: Path) -> None:
    site = Site()
    site.refused = "Birds"
    with pytest.raises(Invalid):
        site.client().datasets.import_folder(folder, "Birds")
    sent = len(site.sent)
    site.client().datasets.import_folder(folder, "Other birds")
    assert len(site.sent) == sent and site.taken == sent_by(folder)


def test_an_upload_that_is_gone_is_begun_anew(folder: Path) -> None:
    site = Site()
    site.fail_after = 3
    with pytest.raises(Unreachable):
        site.client().datasets.import_folder(folder, "Birds")
    site.uploads.clear()
    site.fail_after = None
    site.client().datasets.import_folder(folder, "Birds")
    assert site.taken == sent_by(folder)


def test_a_failed_import_is_told_and_forgotten(folder: Path) -> None:
    site = Site()
    site.ends = ["failed"]
    with pytest.raises(JobFailed, match="no classes"):
        site.client().datasets.import_folder(folder, "Birds")
    assert not list(state_folder().iterdir())


def test_a_picture_that_arrives_damaged_is_told(folder: Path) -> None:
    site = Site()
    site.damage = True
    with pytest.raises(KindredError, match="arrived damaged"):
        site.client().datasets.import_folder(folder, "Birds")
    assert not site.jobs


def test_a_folder_is_added_to_a_data_set(folder: Path) -> None:
    site = Site()
    assert site.client().datasets.add_folder(5, folder, "test")["state"] == "succeeded"
    (job,) = site.jobs.values()
    assert job["asked"]["split"] == "test"
    assert job["files"] == sent_by(folder)


@pytest.mark.parametrize("what", ["nothing here", "birds.zip"])
def test_a_folder_without_pictures_is_refused_before_anything_is_sent(tmp_path: Path, what: str) -> None:
    (tmp_path / "nothing here").mkdir()
    site = Site()
    with pytest.raises(KindredError, match=what):
        site.client().datasets.import_folder(tmp_path / what, "Birds")
    assert not site.uploads


def test_a_request_is_bounded_in_files_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST_BYTES", 10)
    monkeypatch.setattr(folders, "MOST_FILES", 3)
    for number, size in enumerate([4, 4, 4, 30, 1, 1, 1, 1]):
        (tmp_path / f"{number}.png").write_bytes(b"x" * size)
    batches = [[picture.size for picture in batch] for batch in in_batches(pictures_in(tmp_path))]
    assert batches == [[4, 4], [4], [30], [1, 1, 1], [1]]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"upload": 1}', '{"upload": "u", "sent": true}', "\x00"])
def test_a_state_that_makes_no_sense_is_none(tmp_path: Path, content: str) -> None:
    memory = ResumeState("here", folder=tmp_path)
    memory.path.write_text(content)
    assert memory.recall() is None


def test_the_client_takes_for_pictures_what_the_server_does() -> None:
    assert SUFFIXES - {""} == PICTURE_SUFFIXES
