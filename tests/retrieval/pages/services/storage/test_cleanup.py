import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import AuditEntry, User
from config.errors import Rejected
from jobs.models import Job
from retrieval.datasets.services.pictures import thumbnail_of
from retrieval.models import Dataset, Index
from retrieval.pages.services.storage import cleanup, sizes
from retrieval.pages.services.storage.garbage import unused_files
from retrieval.registry.services import indexes
from storage import folder as storage_folder
from tests.retrieval.world import World, done

pytestmark = [pytest.mark.django_db, pytest.mark.services]

DAY = 24 * 3600


def aged(path: Path, days: float) -> Path:
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


def folder(place: str, days: float = 2) -> Path:
    """Make a folder below the var folder that nobody has touched for so long."""
    made = Path(settings.VAR_DIR) / place
    made.mkdir(parents=True)
    (made / "weights.bin").write_bytes(b"x" * 1000)
    return aged(made, days)


def job(state: str, days: float = 0, **values: Any) -> Job:
    ended = timezone.now() - timedelta(days=days)
    values |= {"finished_at": ended} if state in Job.FINISHED else {}
    values |= {"heartbeat_at": ended, "attempt": 1} if state == "running" else {}
    return Job.objects.create(kind="train", state=state, **values)


def found(kind: str) -> list[str]:
    return [item.path for item in unused_files(kind)]


def collect(*paths: str, by: User | None = None) -> Job:
    return done(cleanup.submit_cleanup(paths, by=by))


# --- checkpoints and uploads


@pytest.mark.parametrize(
    ("state", "days", "goes"),
    [
        ("succeeded", 0, True),
        ("failed", 8, True),
        ("cancelled", 8, True),
        ("failed", 6, False),
        ("cancelled", 6, False),
        ("queued", 30, False),
        ("running", 30, False),
    ],
)
def test_what_a_job_left_goes_when_nobody_will_take_it_up(state: str, days: float, goes: bool) -> None:
    made = job(state, days, payload={"upload": "model-1"})
    left = folder(f"scratch/job-{made.pk}-1", 40)
    folder("media/uploads/model-1", 40)
    expected = [str(left.relative_to(settings.VAR_DIR))] if goes else []
    assert found("checkpoints") == expected
    assert found("uploads") == (["media/uploads/model-1"] if goes else [])


def test_an_upload_that_an_import_waits_for_stays() -> None:
    upload = Path(settings.MEDIA_ROOT) / "uploads" / "a.zip"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"x")
    aged(upload, 40)
    waiting = job("failed", 1)
    Dataset.objects.create(name="A", slug="a", source="upload:a.zip", job=waiting)
    assert found("uploads") == []
    Job.objects.update(finished_at=timezone.now() - timedelta(days=8))
    assert found("uploads") == ["media/uploads/a.zip"]


def test_what_is_brand_new_stays(db: None) -> None:
    folder("media/uploads/model-1", 0)
    folder("scratch/job-99-1", 0)
    folder("media/runs/99", 0)
    assert unused_files() == []


# --- indexes


def test_the_serving_index_and_the_one_before_stay(world: World) -> None:
    model = world.models[0]
    first = world.index_of(model)
    second = Index.objects.get(pk=done(indexes.submit_index(model, by=None)).result["index"])
    assert found("indexes") == []
    third = Index.objects.get(pk=done(indexes.submit_index(model, by=None)).result["index"])
    [item] = unused_files("indexes")
    assert item.key == first.path and "not active" in item.reason
    indexes.activate(first)
    assert found("indexes") == []
    indexes.activate(second)
    assert collect(item.path).result["deleted"] == 1
    assert not first.folder.exists() and not Index.objects.filter(pk=first.pk).exists()
    assert second.folder.exists() and third.folder.exists()


def test_an_index_that_answered_stays(world: World, member: User) -> None:
    model = world.models[0]
    world.ask(member, models=[model])
    for _ in range(2):
        done(indexes.submit_index(model, by=None))
    assert found("indexes") == []


def test_an_index_of_which_a_job_makes_a_map_stays(world: World) -> None:
    for _ in range(2):
        done(indexes.submit_index(world.models[0], by=None))
    [item] = unused_files("indexes")
    first = Index.objects.get(path=item.path.removeprefix("media/"))
    Job.objects.create(kind="map", payload={"index": first.pk})
    assert found("indexes") == []


def test_an_index_that_came_to_serve_since_it_was_shown_stays(world: World) -> None:
    model = world.models[0]
    first = world.index_of(model)
    for _ in range(2):
        done(indexes.submit_index(model, by=None))
    [path] = found("indexes")
    queued = cleanup.submit_cleanup([path], by=None)
    indexes.activate(first)
    result = done(queued).result
    assert result == {"deleted": 0, "freed_bytes": 0, "left": 1} and first.folder.exists()


# --- what no row has


@pytest.mark.parametrize(
    "place",
    [
        "media/datasets/99-gone",
        "media/runs/99",
        "media/outside/job-99",
        "media/indexes/abc/job-99-1",
        "media/reports/99",
    ],
)
def test_a_folder_without_a_row_goes(world: World, place: str) -> None:
    folder(place)
    if "indexes" in place:
        aged(Path(settings.MEDIA_ROOT) / "indexes" / "abc", 2)
    assert found("left-overs") == [place]
    collect(place)
    assert not (Path(settings.VAR_DIR) / place).exists() and found("left-overs") == []


def test_a_map_goes_with_its_index(world: World) -> None:
    maps = Path(settings.MEDIA_ROOT) / "maps"
    maps.mkdir(parents=True)
    pk = world.index_of(world.models[0]).pk
    for name in (f"index-{pk}-abc.json", "index-999-abc.json"):
        (maps / name).write_text("{}")
        aged(maps / name, 2)
    assert found("left-overs") == ["media/maps/index-999-abc.json"]


def test_everything_that_a_row_has_stays(world: World) -> None:
    for path in sorted(Path(settings.MEDIA_ROOT).rglob("*")):
        if path.is_dir():
            aged(path, 90)
    assert unused_files() == []


@pytest.mark.parametrize(
    "place", ["media/datasets/.9-new-host-1", "media/outside/job-{}", "media/indexes/abc/.job-{}-1-host"]
)
def test_what_an_active_job_is_making_stays(world: World, place: str) -> None:
    made = folder(place.format(job("running").pk))
    aged(made.parent, 2)
    assert found("left-overs") == []
    Job.objects.filter(state="running").update(state="succeeded", finished_at=timezone.now())
    assert found("left-overs") == [str(made.relative_to(settings.VAR_DIR))]


def test_a_thumbnail_goes_with_the_last_picture_of_its_content(world: World) -> None:
    image = world.test_images[0]
    thumbnail = aged(thumbnail_of(image), 2)
    assert found("renditions") == []
    image.delete()
    assert found("renditions") == [str(thumbnail.relative_to(settings.VAR_DIR))]
    collect(*found("renditions"))
    assert not thumbnail.exists()


# --- caches


def test_a_cache_goes_when_it_was_not_used_for_a_month_and_no_job_is_active(db: None) -> None:
    old, _, _ = folder("cache/old-32", 31), folder("cache/new-32", 29), folder("cache/checksums", 99)
    assert found("caches") == ["cache/old-32"]
    active = job("queued")
    assert found("caches") == []
    active.delete()
    collect("cache/old-32")
    assert not old.exists()


# --- deleting what was shown, no more


def test_what_was_not_chosen_stays_and_what_is_needed_is_refused(world: World, curator: User) -> None:
    one, other = folder("media/runs/98"), folder("media/runs/99")
    for path in (f"media/runs/{world.models[0].run_id}", "../../etc", "media/runs/97"):
        with pytest.raises(Rejected, match="is needed by now, or gone"):
            cleanup.submit_cleanup(["media/runs/98", path], by=curator)
    with pytest.raises(Rejected, match="select at least one"):
        cleanup.submit_cleanup([], by=curator)
    made = collect("media/runs/98", by=curator)
    assert not one.exists() and other.exists() and made.message == "1 deleted, 0.0 MB freed"
    entry = AuditEntry.objects.get(action="collect-disk")
    assert entry.who == curator and entry.details == {"bytes": 1000, "paths": ["media/runs/98"]}


def test_a_collection_that_fails_midway_can_be_repeated(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    folder("media/runs/98"), folder("media/runs/99")
    queued = cleanup.submit_cleanup(["media/runs/98", "media/runs/99"], by=None)
    remove = storage_folder.shutil.rmtree

    def once(place: Path, **how: Any) -> None:
        if place.name == "99":
            raise PermissionError(13, "Permission denied")
        remove(place, **how)

    with monkeypatch.context() as patched:
        patched.setattr(storage_folder.shutil, "rmtree", once)
        cleanup.jobs.run_job(queued.pk)
    assert Job.objects.get(pk=queued.pk).state == "failed"
    Job.objects.filter(pk=queued.pk).update(state="queued", finished_at=None)
    assert done(queued).result["deleted"] == 1 and found("left-overs") == []


def test_one_collection_is_at_work_at_a_time(db: None) -> None:
    folder("media/runs/98"), folder("media/runs/99")
    first = cleanup.submit_cleanup(["media/runs/98"], by=None)
    assert cleanup.submit_cleanup(["media/runs/98"], by=None) == first
    with pytest.raises(Rejected, match=f"job {first.pk} is a cleanup already"):
        cleanup.submit_cleanup(["media/runs/99"], by=None)


# --- sizes


def test_use_is_measured_once_a_minute_and_says_when(world: World) -> None:
    before = sizes.usage()
    titles = [group.title for group in before.groups]
    assert titles[:3] == ["Data sets", "Models", "Indexes"] and before.bytes > 0 and 0 < before.free <= before.total
    [wings] = before.groups[0].parts
    assert wings.name == "Wings" and wings.bytes == sizes.bytes_below(world.dataset.folder) > 0
    (world.dataset.folder / "more").write_bytes(b"x" * 5000)
    assert sizes.usage() == before
    after = sizes.usage(fresh=True)
    assert after.bytes == before.bytes + 5000 and after.measured_at > before.measured_at
    assert sizes.bytes_below(Path("/nothing/here")) == 0
