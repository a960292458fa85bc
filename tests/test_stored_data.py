"""What a release has stored goes on: its rows are migrated, its files open, what waited in its queue is done.

`tests/fixtures/README.md` says what is in the data, and how the next release adds its own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings
from rest_framework.test import APIClient

from jobs import services as jobs
from jobs.models import Job
from jobs.registry import KINDS
from retrieval.models import Run
from tests.accounts.security.factors import code_of
from tests.fixtures.comparing import differences, leaves
from tests.fixtures.contents import contents, export, files
from tests.fixtures.loading import loaded
from tests.fixtures.packing import told, unpack_files
from tests.fixtures.readers import read

RELEASES = sorted(file.parent for file in (Path(__file__).parent / "fixtures").glob("*/keys.json"))
CONTENTS = {release: told(release)[0] for release in RELEASES}
TOLERANCE = 1e-3  # of cosines: another machine adds in another order
UNCONFIRMED = "ulla"


@dataclass(frozen=True)
class Kept:
    """A release's data: what was in it, what opens it, where its files are."""

    contents: dict[str, Any]
    keys: dict[str, Any]
    var: Path

    def api(self, token: str) -> APIClient:
        """Return a client with one of the tokens, such as "mia reading"."""
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {self.keys['tokens'][token]}")
        return client


@pytest.fixture(scope="module", params=RELEASES, ids=lambda release: release.name)
def unpacked(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Kept]:
    """Load the rows and migrate them, once for all tests."""
    folder = tmp_path_factory.mktemp("kept")
    unpack_files(request.param, folder / "var")
    found, keys = told(request.param)
    with django_db_blocker.unblock(), loaded(request.param, folder):
        yield Kept(found, keys, folder / "var")


@pytest.fixture
def kept(unpacked: Kept, db: None, own_surroundings: None, fresh_engine: None, settings: Settings) -> Kept:
    """Give the test files of its own, and the site the secret that the rows were written with."""
    for folder in unpacked.var.iterdir():
        copy = shutil.copy2 if folder.name == "scratch" else os.link  # a training goes on in its scratch folder
        shutil.copytree(folder, settings.VAR_DIR / folder.name, copy_function=copy)
    settings.SECRET_KEY = unpacked.keys["secret_key"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    return Kept(unpacked.contents, unpacked.keys, settings.VAR_DIR)


def test_there_is_a_release() -> None:
    assert RELEASES


@pytest.mark.services
def test_everything_is_as_it_was(kept: Kept) -> None:
    now = contents(kept.keys)
    then = {subject: values for subject, values in kept.contents.items() if subject not in ("export", "downloads")}
    assert not differences(then, now, TOLERANCE)
    sealed = {path: sha256 for path, sha256 in kept.contents["downloads"].items() if "/ratings/" not in path}
    assert set(sealed.values()) <= set(now["downloads"].values())
    assert len(now["downloads"]) >= len(kept.contents["downloads"])


@pytest.mark.services
def test_people_are_told_the_same_of_themselves(kept: Kept) -> None:
    """Fields may get other names, and more of them; what was told is told."""
    missing = leaves(kept.contents["export"]) - leaves(export("mia"))
    missing.pop(repr("a picture of your own"), None)  # `query` is null now
    assert not missing
    assert kept.api("mia reading").get("/api/v1/me/export/").status_code == 200


def test_every_file_opens(kept: Kept) -> None:
    read(kept.var, kept.contents["files"])


@pytest.mark.parametrize("lost", ["media/datasets/1-wings/images.csv", "media/runs/1/metrics.json"])
def test_a_lost_file_is_noticed(kept: Kept, lost: str) -> None:
    (kept.var / lost).unlink()
    assert differences(kept.contents["files"], files()) == [f"{lost}: gone"]
    with pytest.raises(Exception, match=Path(lost).name):
        read(kept.var, [lost])


def test_a_changed_manifest_is_noticed(kept: Kept) -> None:
    place = next(path for path in kept.contents["files"] if path.endswith("manifest.json"))
    text = (kept.var / place).read_text()
    (kept.var / place).unlink()
    (kept.var / place).write_text(text.replace('"count":', '"count": 1, "before":'))
    with pytest.raises(Exception, match="manifest"):
        read(kept.var, [place])


def test_the_same_search_finds_the_same(kept: Kept) -> None:
    rankings = kept.contents["rankings"].values()
    repeatable = {
        key: search
        for key, search in kept.contents["searches"].items()
        if search["owner"] and search["query_image"] and not search["filters"]
    }
    assert repeatable
    for key, search in repeatable.items():
        asked = [row["dataset"] for row in kept.contents["searched"].values() if row["search"] == key]
        before = {
            (row["model"], image): score
            for row in rankings
            if row["search"] == key
            for image, score in zip(row["image_ids"], row["scores"], strict=True)
        }
        wish = {"datasets": asked, "models": sorted({model for model, _ in before}), "image_id": search["query_image"]}
        answer = kept.api("cora writing").post("/api/v1/searches/", {**wish, "k": search["k"]})
        assert answer.status_code == 201, answer.content
        found = {
            (column["model"], shown["image"]): shown["similarity"]
            for column in answer.json()["columns"]
            for shown in column["results"]
        }
        assert found
        assert found == pytest.approx({pair: before[pair] for pair in found}, abs=TOLERANCE)


def test_tokens_still_open(kept: Kept) -> None:
    for token in kept.keys["tokens"]:
        name = token.split()[0]
        if name != UNCONFIRMED:  # whose rights are another release's to say
            assert kept.api(token).get("/api/v1/me/").json()["email"] == f"{name}@example.org"
    assert kept.api("cora reading").post("/api/v1/uploads/", {}).status_code == 403
    assert kept.api("cora writing").post("/api/v1/uploads/", {}).status_code == 201


def test_passwords_sessions_and_second_factors_still_open(kept: Kept) -> None:
    browser = Client()
    browser.post("/accounts/login/", {"login": "otto@example.org", "password": kept.keys["password"]})
    assert browser.get("/me/data/").status_code == 200
    for name, session in kept.keys["sessions"].items():
        browser = Client()
        browser.cookies["sessionid"] = session
        assert browser.get("/api/v1/me/").json()["email"] == f"{name}@example.org"
    for name, secret in kept.keys["totp"].items():
        factor = Authenticator.objects.get(type="totp", user__email=f"{name}@example.org")
        assert factor.wrap().validate_code(code_of(secret))


@pytest.mark.services
def test_a_reply_is_given_again_for_its_key(kept: Kept) -> None:
    sent = kept.keys["idempotent"]
    headers = {"Idempotency-Key": sent["key"]}
    answer = kept.api(f"{sent['by']} writing").post(sent["path"], sent["body"], headers=headers)
    assert answer.status_code == 202 and answer.headers["Idempotent-Replayed"] == "true"
    assert not differences(sent["reply"], answer.json())
    assert Job.objects.count() == kept.contents["rows"]["jobs_job"]


@pytest.mark.services
def test_an_open_ballot_is_offered_again(kept: Kept) -> None:
    ballots = {
        key: row for key, row in kept.contents["ballots"].items() if not row["voted_at"] and not row["withdrawn_at"]
    }
    ((key, ballot),) = ballots.items()
    offered = kept.api("mia writing").post("/api/v1/ballots/", {}).json()
    assert offered["id"] == key and [column["ranking"] for column in offered["columns"]] == ballot["order"]
    scores = {str(ranking): 3 for ranking in ballot["order"]}
    answer = kept.api("mia writing").post(f"/api/v1/ballots/{key}/rate/", {"ratings": scores})
    assert answer.status_code == 200, answer.content


def waiting() -> list[Any]:
    """Return the jobs that waited, by release."""
    return [
        pytest.param(
            release,
            key,
            id=f"{release.name} {job['kind']} {key}",
            marks=[pytest.mark.services] * (job["kind"] in ("import", "delete-dataset", "index")),
        )
        for release, found in CONTENTS.items()
        for key, job in found["jobs"].items()
        if job["state"] == "queued"
    ]


@pytest.mark.parametrize(("unpacked", "key"), waiting(), indirect=["unpacked"])
def test_a_job_that_waited_is_done(kept: Kept, key: str) -> None:
    jobs.run_job(int(key))
    job = Job.objects.get(pk=key)
    assert job.state == "succeeded", job.error
    if job.kind == "train":  # it goes on where it was stopped
        before = kept.contents["runs"][str(job.payload["run"])]["history"]
        run = Run.objects.get(pk=job.payload["run"])
        assert before and run.history[: len(before)] == before and len(run.history) > len(before)


@pytest.mark.full
def test_this_code_can_leave_data_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fixtures.make", str(tmp_path / "made")]
    subprocess.run(command, check=True, cwd=Path(__file__).parent.parent)
    found, keys = told(tmp_path / "made")
    assert found["board"] and keys["tokens"]


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.name)
def test_no_kind_of_job_is_forgotten(release: Path) -> None:
    """A kind that goes has to go on doing what waits."""
    assert {job["kind"] for job in CONTENTS[release]["jobs"].values()} <= KINDS.keys()
