"""Copies on a host: which go, and when."""

import os
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from storage import copies
from storage.store import Store, place_of
from tests.storage.conftest import host
from tests.storage.server import S3Server
from tests.storage.test_store import put, put_folder

pytestmark = pytest.mark.django_db
DAY = 86_400


def used(place: Path, seconds: float) -> Path:
    """Let the last use of a copy be that long ago."""
    then = time.time() - seconds
    os.utime(place, (then, place.stat().st_mtime))
    return place


def test_the_least_recently_used_go_until_the_rest_has_room(shared: Store) -> None:
    old = used(put_folder(shared, "runs/1", model=bytes(1000)), 3 * 3600)
    older = used(put(shared, "datasets/1-a/images/x/1.jpg", bytes(1000)), 4 * 3600)
    new = used(put_folder(shared, "indexes/ab/1", graph=bytes(1000)), 2 * 3600)
    assert copies.trim(limit=1500) == 2000
    assert not old.exists() and not older.exists() and new.is_dir()
    assert (shared.local_copy("runs/1") / "model").stat().st_size == 1000, "it is fetched again"


def test_what_was_used_just_now_stays_though_there_is_no_room(shared: Store) -> None:
    place = used(put_folder(shared, "runs/1", model=bytes(1000)), 60)
    assert copies.trim(limit=0) == 0 and place.is_dir()


def test_a_use_is_noted(shared: Store) -> None:
    place = used(put_folder(shared, "runs/1", model=bytes(1000)), 3600)
    changed = place.stat().st_mtime_ns
    shared.local_copy("runs/1")
    assert copies.trim(limit=0) == 0 and place.stat().st_mtime_ns == changed


def test_what_was_never_stored_stays_for_ever(shared: Store, settings: Settings, s3: S3Server) -> None:
    """As where STORAGE_URL is set before the files are moved, or with another one."""
    place = place_of("runs/1")
    place.mkdir(parents=True)
    (place / "model").write_bytes(bytes(1000))
    used(place, 800 * DAY)
    assert copies.trim(limit=0) == 0 and place.is_dir()
    shared.put("runs/1")
    settings.STORAGE_URL = s3.url(s3.new_bucket())
    used(place, 800 * DAY)
    assert copies.trim(limit=0) == 0 and place.is_dir()
    settings.STORAGE_URL = ""
    assert copies.trim(limit=0) == 0 and place.is_dir()


@pytest.mark.parametrize("key", ["datasets/1-a/images/1.jpg", "uploads/folder-1/a.jpg"])
def test_what_was_deleted_on_another_host_goes_after_a_week(shared: Store, key: str) -> None:
    put(shared, key, bytes(10))
    with host("b"):
        copy = shared.local_copy(key)
    with host("c"):
        shared.delete(key)
    with host("b"):
        used(copy, 6 * DAY)
        assert copies.trim(limit=10**9) == 0 and copy.exists()
        used(copy, 8 * DAY)
        assert copies.trim(limit=10**9) == 10 and not copy.exists()


def test_a_single_file_of_a_folder_goes_as_others_do(shared: Store) -> None:
    put_folder(shared, "runs/1", model=b"1", scores=b"23")
    with host("b"):
        used(shared.local_part("runs/1", "scores"), 3600)
        assert copies.trim(limit=0) == 2


def test_nothing_goes_while_all_is_needed(shared: Store) -> None:
    place = used(put_folder(shared, "runs/1", model=bytes(1000)), 800 * DAY)
    with copies.all_kept():
        assert copies.trim(limit=0) == 0 and place.is_dir()
    assert copies.trim(limit=0) == 1000


def test_what_dead_processes_left_goes_after_a_day(shared: Store) -> None:
    left = [place_of(key) for key in ("runs/.1-going-ab", "checkpoints/run-1/work-a/2", "indexes/ab/.3-host-77-x")]
    for place in left:
        place.mkdir(parents=True)
    for seconds, stays in ((DAY / 2, True), (2 * DAY, False)):
        for place in left:
            os.utime(place, (time.time() - seconds,) * 2)
        copies.trim()
        assert [place.exists() for place in left] == [stays] * 3


def test_while_a_job_runs_here_copies_of_the_last_day_stay(shared: Store) -> None:
    place = used(put_folder(shared, "runs/1", model=bytes(1000)), 3600)
    with copies.used_by_a_job():
        assert copies.trim(limit=0) == 0
        used(place, 2 * DAY)
        assert copies.trim(limit=0) == 1000
    used(put_folder(shared, "runs/2", model=bytes(1000)), 3600)
    assert copies.trim(limit=0) == 1000


def test_half_of_a_folder_is_never_at_its_place(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    place = put_folder(shared, "runs/1", model=b"1", history=b"2")
    monkeypatch.setattr(copies, "remove", lambda aside: None)  # as if the process died there
    copies.drop(place)
    assert not place.exists()
    assert len(list(shared.local_copy("runs/1").iterdir())) == 2


def test_they_are_looked_through_at_most_every_ten_minutes(shared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setattr(copies, "_trim_logged", lambda: looks.append(1))
    monkeypatch.setattr(copies, "_looked_at", time.monotonic() - 601)
    put_folder(shared, "runs/1", model=b"1")
    for _ in range(3):
        shared.local_copy("runs/1")
    assert looks == [1]
