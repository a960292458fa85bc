"""What is only said in a state: wrong input, conflicts, nothing there yet, a failure, a fault of the site."""

import errno
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client, override_settings

from accounts.models import AuditEntry
from jobs.models import Job
from ratings.models import Ballot
from retrieval.models import Dataset, Experiment, Image, Index, Model, Ranking, Report, Run, Search, Upload
from tests.e2e.pages import PAGES
from tests.snapshots.pages import OWN_PICTURE, SITES_PICTURE, VOTED
from tests.snapshots.record import Record
from tests.snapshots.site import NOW, undone


def file(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def wrong_input(record: Record) -> None:
    """Send forms that are filled in wrongly."""
    for who, path, fields in WRONG:
        record.know(who, path if path.endswith("/") else path.rpartition("/")[0] + "/")
        with undone():
            record.send(who, path, fields)


EXPERIMENT = {"name": "Mine", "dataset": 1, "preset": "demo", "losses": ["soft_triple"], "seeds": "0"}
WRONG: list[tuple[str, str, dict[str, Any]]] = [
    ("member", "/", {"datasets": 1, "k": 0, "threshold": 7, "url": "ftp://example.org", "left": 200}),
    ("member", "/", {"datasets": 1, "image": 999_999}),
    ("member", "/", {"datasets": 1, "url": "http://localhost/picture.jpg"}),
    ("member", "/", {"datasets": 1, "upload": file("letter.txt", b"no picture")}),
    ("member", "/", {"image": 1}),
    ("member", "/", {"datasets": 1, "image": 1, "left": 50, "right": 50.01, "top": 1, "bottom": 2}),
    ("member", f"/searches/{OWN_PICTURE}/refine", {"datasets": 1, "threshold": 7}),
    ("member", f"/searches/{SITES_PICTURE}/refine", {"datasets": 1, "marks": "use"}),
    ("member", f"/searches/{OWN_PICTURE}/save", {"name": " "}),
    ("member", f"/searches/{OWN_PICTURE}/save", {"name": "long" * 100}),
    ("member", "/rate/", {"ballot": "5287db4b-819f-4ee8-a485-b664e3f52932", "rating-44": 9}),
    ("member", "/rankings/1/mark", {"image": 999_999, "value": 1}),
    ("curator", "/lab/import/", {"name": "Wings", "source": "wings:species=4,per_class=3,size=32,seed=5"}),
    ("curator", "/lab/import/", {"name": "New", "source": "/etc"}),
    ("curator", "/lab/import/", {"name": "New", "source": "wings:species=many"}),
    ("curator", "/lab/import/", {"name": "New", "archive": file("letter.txt", b"none"), "source": "wings"}),
    ("curator", "/lab/import/", {"name": "New", "archive": file("letter.txt", b"none")}),
    ("curator", "/lab/datasets/wings/pictures/", {"action": "hide"}),
    ("curator", "/lab/datasets/wings/pictures/", {"action": "move", "image": [1], "name": "Nobody knows"}),
    ("curator", "/lab/datasets/wings/pictures/", {"action": "hide", "image": [1]}),
    ("curator", "/lab/datasets/wings/pictures/", {"action": "move", "image": [1], "name": "New", "half": "train"}),
    ("curator", "/lab/datasets/wings/classes/0/", {"name": "Orlenia picta"}),
    ("curator", "/lab/datasets/wings/classes/0/", {"into": "Renamed"}),
    ("curator", "/lab/datasets/wings/classes/0/", {"into": "Orlenia picta"}),
    ("curator", "/lab/datasets/wings/classes/0/", {"into": "Coralia perlata"}),
    ("curator", "/lab/datasets/wings/add/", {"name": "Nobody knows", "files": file("one.jpg", b"no picture")}),
    ("curator", "/lab/datasets/moths/reimport/", {}),
    ("curator", "/lab/datasets/moths/delete/", {}),
    ("curator", "/lab/datasets/wings/delete/", {}),
    ("curator", "/lab/experiments/new/", EXPERIMENT | {"seeds": "zero"}),
    ("curator", "/lab/experiments/new/", EXPERIMENT | {"changes": "epochs"}),
    ("curator", "/lab/experiments/new/", EXPERIMENT | {"changes": "epochs=0"}),
    ("curator", "/lab/experiments/new/", EXPERIMENT | {"params": "triplet_hard.margin=1"}),
    ("curator", "/lab/experiments/new/", EXPERIMENT | {"params": "soft_triple.gama=1"}),
    ("curator", "/lab/experiments/new/", EXPERIMENT | {"trials": 2, "validation_classes": 1}),
    ("curator", "/lab/experiments/new/", EXPERIMENT | {"dataset": 4}),
    ("curator", "/lab/experiments/estimate", EXPERIMENT | {"dataset": ""}),
    ("curator", "/lab/models/new/", {"name": "New", "dataset": 1, "weights": file("net.txt", b"none")}),
    ("curator", "/lab/compare/test", {"run": [1]}),
    ("curator", "/lab/storage/", {"path": "media/datasets"}),
    ("admin", "/lab/people/invite/", {"email": "mia@example.org", "role": "member"}),
    ("admin", "/lab/people/invite/", {"email": "no address", "role": "king"}),
    ("admin", "/lab/people/1/role", {"role": "member"}),
    ("admin", "/lab/people/3/role", {"role": "king"}),
    ("admin", "/lab/people/3/role", {"role": "curator"}),
    ("admin", "/lab/people/3/second-factor", {}),
]


def conflicts(record: Record) -> None:
    """Ask for what is under way already, or over."""
    for path in ("/jobs/1/cancel", "/jobs/1/retry", "/jobs/33/retry", "/jobs/34/retry", "/jobs/52/cancel"):
        with undone():
            record.send("curator", path)
    for path in ("/lab/experiments/1/report/make", "/lab/models/4/publish", "/lab/models/1/resume"):
        with undone():
            record.send("curator", path)
    for path, fields in (
        ("/datasets/wings/map/6/make", {}),
        ("/datasets/moths/map/14/make", {}),
        ("/lab/datasets/moths/reimport/", {"source": "wings"}),
        ("/lab/datasets/loose/delete/", {}),
        ("/lab/storage/", {"path": "media/runs/9001"}),
        ("/lab/compare/test", {"run": [1, 2, 3]}),
        ("/lab/compare/test", {"run": [1, 3]}),
        ("/lab/experiments/estimate", EXPERIMENT),
        ("/lab/experiments/new/", EXPERIMENT),
    ):
        record.know("curator", path)
        with undone():
            record.send("curator", path, fields)
    with undone():
        record.send("member", f"/rate/{VOTED}/undo")
    with undone():
        record.send("member", "/searches/delete/", {"saved": "on"})


def searching(record: Record) -> None:
    """Search, with too high a demand, in a part, among classes, and with what cannot be searched with."""
    record.see("member", f"/searches/{SITES_PICTURE}/")
    wish = {"datasets": 1, "models": [1, 7], "image": 31, "k": 3}
    box = {"left": 10, "top": 10, "right": 60, "bottom": 60}
    only = {"models": 7}
    for changes in (
        {},
        only | {"threshold": 0.9999},
        only | {"classes": "1:1", "splits": "query"},
        box,
        only | {"datasets": 2},
    ):
        with undone():
            record.send("member", "/", wish | changes)
    with undone():
        record.send("member", "/", wish | {"image": Image.objects.get(hidden=True).pk})
    with undone():
        for ranking in Ranking.objects.filter(search=SITES_PICTURE, model__in=(1, 7)).order_by("pk"):
            record.see("member", f"/searches/{SITES_PICTURE}/explanation/{ranking.pk}/{ranking.image_ids[0]}/")
    with undone():
        Dataset.objects.filter(pk=1).update(public=False)
        record.see("visitor", f"/shared/{record.site.keys['share']}/")
    with undone():
        Image.objects.update(hidden=True)
        record.see("member", f"/searches/{SITES_PICTURE}/")


def empty_site(record: Record) -> None:
    """See every list where nothing has been done yet."""
    of_all = ("search", "searches", "searches-saved", "leaderboard", "datasets", "downloads")
    of_admins = ("lab", "jobs", "storage", "experiment-new", "model-new", "audit", "share-links", "people")
    for who, names in (("visitor", of_all), ("member", (*of_all, "rate")), ("admin", of_all + of_admins)):
        record.know(who, *(PAGES[name] for name in names))
        with emptied():
            for name in names:
                record.see(who, PAGES[name])


@contextmanager
def emptied() -> Iterator[None]:
    """Delete everything but the people, until the context ends."""
    with undone():
        for kind in (Ballot, Search, Report, Index, Model, Run, Experiment, Image, Dataset, Upload, Job, AuditEntry):
            kind.objects.all().delete()
        yield


def nothing_to_search(record: Record) -> None:
    """See the search where no model is published."""
    for who in ("member", "curator"):
        with undone():
            Model.objects.update(published=False)
            record.see(who, "/")
            Job.objects.update(state="cancelled", finished_at=NOW)
            record.see(who, "/")


RUNNING = {"state": "running", "attempt": 1, "started_at": NOW, "heartbeat_at": NOW, "finished_at": None}
FAILED = {"state": "failed", "finished_at": NOW, "error": "the disk is full"}


def work_in_progress(record: Record) -> None:
    """See jobs, runs and experiments while they run, as they stop, and after they failed."""
    pages = ("/jobs/35/", "/lab/runs/6/", "/lab/experiments/3/", "/lab/experiments/4/", "/lab/", "/lab/jobs/", "/")
    steps: tuple[dict[str, Any], ...] = (
        RUNNING | {"phase": "train", "done": 3, "total": 30},
        {"cancel_asked": True},
        FAILED | {"cancel_asked": False},
    )
    record.know("curator", *pages)
    with undone():
        for step in steps:
            Job.objects.filter(kind__in=("train", "tune"), finished_at=None).update(**step)
            Job.objects.filter(pk=35).update(**step)
            for path in pages:
                record.see("curator", path)
            record.press_all("curator", "/jobs/35/")
            record.press_all("curator", "/lab/experiments/3/")


def measuring(record: Record) -> None:
    """See the estimate, the report, the comparison, the map and the index while they are made, and failed."""
    wish = EXPERIMENT | {"name": "Like the first", "changes": "\n".join(map("=".join, PROBED.items())), "dataset": 3}
    wish |= {"losses": ["triplet_hard"], "weights": "small.safetensors"}
    pages = ("/lab/experiments/1/report/", "/lab/compare/?run=1&run=2&run=3", "/datasets/wings/map/?model=2")
    record.know("curator", *pages)
    with undone():
        for step in (RUNNING | {"phase": "measure", "done": 1, "total": 4}, FAILED):
            Job.objects.filter(pk__in=MEASURING).update(**step)
            for path in pages:
                record.see("curator", path)
            record.send("curator", "/lab/experiments/estimate", wish)


MEASURING = (45, 46, 48, 49)  # a comparison, an estimate, a map, a report
PROBED = {"short_side": "32", "crop": "32", "batch_size": "16", "dim": "4", "samples_per_class": "2"}
PROBED |= {"epochs": "2", "backbone": "resnet10t", "weights": "local"}


def models_and_indexes(record: Record) -> None:
    """See a model that is suspended, one whose index is behind, one without an index."""
    record.know("curator", "/", "/lab/models/1/")
    record.know("member", "/", f"/searches/{SITES_PICTURE}/")
    with undone():
        Model.objects.filter(pk=1).update(suspended_at=NOW)
        record.see("curator", "/lab/models/1/")
        record.press_all("curator", "/lab/models/1/")
        record.send("member", "/", {"datasets": 1, "image": 60})
    with undone():
        Index.objects.filter(model=1).update(active=False)
        record.see("curator", "/lab/models/1/")
        record.send("member", "/", {"datasets": 1, "models": 1, "image": 60})
    with undone():
        Dataset.objects.update(revision=9)
        record.see("curator", "/lab/models/1/")
        record.see("member", f"/searches/{SITES_PICTURE}/")
        record.see("curator", "/")
    with undone():
        record.press_all("curator", "/lab/models/4/")
        record.press_all("curator", "/lab/models/6/")
        record.press_all("curator", "/lab/models/7/")


def other_buttons(record: Record) -> None:
    """Press the buttons of pages that are not the first of their kind."""
    for who, path in (
        ("admin", "/lab/people/3/"),
        ("admin", "/lab/people/5/"),
        ("admin", "/lab/people/6/"),
        ("admin", "/lab/people/7/"),
        ("curator", "/lab/datasets/broken/delete/"),
        ("curator", "/datasets/moths/map/"),
        ("curator", "/lab/experiments/2/report/"),
        ("curator", "/lab/compare/?run=1&run=3"),
        ("curator", "/datasets/moths/"),
        ("member", "/searches/saved/"),
        ("member", "/searches/delete/"),
        ("member", "/me/tokens/"),
        ("member", "/me/data/"),
        ("member", "/accounts/email/"),
    ):
        record.press_all(who, path)
    for action in ("save", "unsave"):
        with undone():
            record.send("member", f"/searches/{SITES_PICTURE}/{action}", {"name": "Another name"})


def frame(record: Record) -> None:
    """See what stands around every page."""
    for who in ("visitor", "member", "curator", "admin"):
        record.add(who, record.site.browser(who).get("/nowhere/"), whole=True)
    with override_settings(REQUIRE_2FA="curators"):
        record.see("curator", "/me/security/")
        record.see("curator", "/lab/")
        record.see("curator", "/lab/people/")
        record.see("admin", "/lab/people/")


def refusals(record: Record) -> None:
    """Ask for what is not there, not allowed, not understood."""
    record.see("visitor", "/nowhere/")
    record.see("member", "/lab/")
    record.see("curator", "/lab/people/invite/")
    record.send("member", "/leaderboard/")
    record.see("member", "/jobs/1/cancel")
    record.send("member", "/searches/delete/", {f"field-{number}": "" for number in range(5000)})
    strict = Client(enforce_csrf_checks=True)
    record.add("visitor: a form from elsewhere", strict.post("/accounts/login/", {}))
    guessing = record.site.browser("visitor")
    for _ in range(25):
        answer = guessing.post("/accounts/login/", {"login": "mia@example.org", "password": "guessed"})
    record.add("visitor: guesses passwords", answer)
    for _ in range(25):
        answer = guessing.post("/accounts/password/reset/", {"email": "mia@example.org"})
    mail.outbox.clear()
    record.add("visitor: asks for many mails", answer)


def faults(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meet an unknown host, a busy and a broken database, a full disk, a fault."""
    browser = record.site.browser("member")
    browser.raise_request_exception = False
    with override_settings(ALLOWED_HOSTS=["kindred.example"]):
        record.see("visitor", "/leaderboard/", headers={"host": "192.168.1.20"})
    for error in (
        OperationalError("database is locked"),
        OperationalError("no such table: jobs_job"),
        OSError(errno.ENOSPC, "No space left on device"),
        RuntimeError("a fault"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr("django.contrib.sessions.backends.db.SessionStore.load", raising(error))
            record.add(f"member: {type(error).__name__}", browser.get("/me/tokens/"))


def raising(error: Exception) -> Callable[..., None]:
    def fail(*args: object) -> None:
        raise error

    return fail


def about_the_api(record: Record) -> None:
    """Read the pages about the API's problems."""
    record.see("visitor", "/api/docs/")
    answer = record.see("visitor", "/api/problems/")
    for address in sorted(set(re.findall(r'href="(/api/problems/[\w-]+)"', answer.content.decode()))):
        record.see("visitor", address)
