"""Planted faults of the storage of files: keys, rights, owners, conditions and consistency."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from django.conf import settings as current
from pytest_django import Settings

from storage import claim, objects
from storage.models import Site
from storage.store import store, store_at
from tests.operations.doctor.doctoring import Doctor
from tests.operations.doctor.faulty_servers import Answer, Fault, error, faulty_s3
from tests.storage.conftest import bucket  # noqa: F401  # a fixture
from tests.storage.server import S3Server


@pytest.fixture
def in_bucket(healthy: Doctor, bucket: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Doctor:  # noqa: F811
    """Let the healthy site have its files in a bucket of its own."""
    monkeypatch.setattr(objects, "RETRY_SECONDS", 1)
    settings.COPIES_MAX_BYTES = 1
    store_at.cache_clear()
    store().check()
    doctor = healthy.found_healthy()
    assert [row["level"] for row in doctor.before if row["check"] == "storage"] == ["ok"]
    return doctor


@pytest.fixture
def behind(in_bucket: Doctor, s3: S3Server, settings: Settings) -> Callable[..., None]:
    """Return a function that puts a faulty server before the bucket."""
    with ExitStack() as ends:

        def put(fault: Fault, **options: float) -> None:
            address = ends.enter_context(faulty_s3(s3.address, fault, **options))
            settings.STORAGE_URL = settings.STORAGE_URL.replace(s3.address, address)

        yield put


def only_failure(doctor: Doctor, check: str = "storage") -> dict[str, str]:
    """Return the new failure of a check, which is the only one."""
    [failed] = [row for row in doctor.new() if row["level"] == "failure"]
    assert failed["check"] == check, failed
    return failed


def answering(answer: Answer, *methods: str) -> Fault:
    """Return a fault: these methods, or all, on objects get this answer."""
    return lambda method, path, headers: answer if path != "/" and method in (methods or (method,)) else None


@pytest.mark.parametrize(
    ("answer", "words", "do"),
    [
        (error("InvalidAccessKeyId", 403), "does not know this site's key", "AWS_ACCESS_KEY_ID"),
        (error("SignatureDoesNotMatch", 403), "refuses this site's secret", "AWS_SECRET_ACCESS_KEY"),
        (error("ExpiredToken", 400), "key has expired", "AWS_ACCESS_KEY_ID"),
        (error("RequestTimeTooSkewed", 403), "clock is wrong", "timedatectl"),
        ((403, b""), "refuses this site's key", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_key_that_is_refused(
    in_bucket: Doctor, behind: Callable[..., None], answer: Answer, words: str, do: str
) -> None:
    behind(answering(answer))
    failed = only_failure(in_bucket)
    assert words in failed["seen"] and do in failed["do"] and "not-a-secret" not in str(failed)


def test_a_bucket_that_is_read_only(in_bucket: Doctor, behind: Callable[..., None]) -> None:
    behind(answering(error("AccessDenied", 403), "PUT", "POST", "DELETE"))
    failed = only_failure(in_bucket)
    assert "can be read but not written" in failed["seen"] and "read, write and delete" in failed["do"]


def test_a_key_that_may_not_delete(in_bucket: Doctor, behind: Callable[..., None], s3: S3Server) -> None:
    behind(answering(error("AccessDenied", 403), "POST", "DELETE"))
    failed = only_failure(in_bucket)
    [left] = [name for name in s3.names(current.STORAGE_URL[5:].partition("/")[0]) if name.startswith("doctor-")]
    assert "does not delete" in failed["seen"] and f"Delete {left} by hand" in failed["do"]


def test_a_server_that_ignores_conditions(in_bucket: Doctor, behind: Callable[..., None]) -> None:
    def forgetful(method: str, path: str, headers: dict[str, str]) -> None:
        headers.pop("if-none-match", None)

    behind(forgetful)
    failed = only_failure(in_bucket)
    assert "ignores If-None-Match" in failed["seen"] and "docs/storage.md" in failed["do"]


def test_a_server_that_knows_no_conditions(in_bucket: Doctor, behind: Callable[..., None]) -> None:
    def unable(method: str, path: str, headers: dict[str, str]) -> Answer | None:
        return error("NotImplemented", 501) if "if-none-match" in headers else None

    behind(unable)
    assert "does not know If-None-Match" in only_failure(in_bucket)["seen"]


def test_a_bucket_that_is_eventually_consistent(in_bucket: Doctor, behind: Callable[..., None]) -> None:
    def late(method: str, path: str, headers: dict[str, str]) -> Answer | None:
        return error("NoSuchKey", 404) if method == "GET" and "/doctor-" in path else None

    behind(late)
    failed = only_failure(in_bucket)
    assert "does not show at once" in failed["seen"] and "shows every write at once" in failed["do"]


def test_a_bucket_that_is_not_there(in_bucket: Doctor, settings: Settings) -> None:
    settings.STORAGE_URL = settings.STORAGE_URL.replace("s3://kindred-", "s3://gone-")
    failed = only_failure(in_bucket)
    assert "no such bucket" in failed["seen"] and "Create the bucket" in failed["do"]


def test_a_storage_that_is_not_there(in_bucket: Doctor, settings: Settings, s3: S3Server) -> None:
    settings.STORAGE_URL = settings.STORAGE_URL.replace(s3.address, "http://127.0.0.1:9")
    failed = only_failure(in_bucket)
    assert "does not answer" in failed["seen"] and "STORAGE_URL" in failed["do"]


def test_the_bucket_of_another_site(in_bucket: Doctor) -> None:
    Site.objects.all().delete()  # another database, to which the same URL was given
    Site.own()
    failed = only_failure(in_bucket, "storage-owner")
    assert "files of another site" in failed["seen"] and "this site's own" in failed["do"]


def test_a_bucket_of_another_project(in_bucket: Doctor, settings: Settings, s3: S3Server) -> None:
    name = s3.new_bucket()
    s3.client.put_object(Bucket=name, Key="site/holiday.jpg", Body=b"1")
    settings.STORAGE_URL = s3.url(name)
    assert "none of a Kindred site" in only_failure(in_bucket, "storage-owner")["seen"]
    assert s3.names(name) == ["holiday.jpg"]


def test_a_claim_that_is_damaged(in_bucket: Doctor, settings: Settings, s3: S3Server) -> None:
    name = s3.new_bucket()
    s3.client.put_object(Bucket=name, Key=f"site/{claim.NAME}", Body=b"{")
    settings.STORAGE_URL = s3.url(name)
    assert "no claim of a site" in only_failure(in_bucket, "storage-owner")["seen"]


def test_an_empty_bucket_is_left_empty_and_unclaimed(in_bucket: Doctor, settings: Settings, s3: S3Server) -> None:
    name = s3.new_bucket()
    settings.STORAGE_URL = s3.url(name)
    assert [row for row in in_bucket.new() if row["level"] == "failure"] == [] and s3.names(name) == []


def test_the_clock_of_the_storage(in_bucket: Doctor, behind: Callable[..., None]) -> None:
    wrong = datetime.now(UTC).timestamp() - 3600
    behind(lambda method, path, headers: None, clock=wrong)
    failed = only_failure(in_bucket, "clocks")
    assert "ahead of the storage's" in failed["seen"] and "timedatectl" in failed["do"]


def test_copies_that_the_disk_has_no_room_for(in_bucket: Doctor, settings: Settings) -> None:
    settings.COPIES_MAX_BYTES = 2**50
    in_bucket.names("copies", "1,048,576.0 GB", do="KINDRED_COPIES_MAX_MB", level="warning")


def test_a_url_of_no_storage(healthy: Doctor, settings: Settings) -> None:
    settings.STORAGE_URL = "ftp://host/x"
    failed = [row for row in healthy.new() if row["check"] == "storage"]
    assert "STORAGE_URL must begin with s3://" in failed[0]["seen"] and "docs/storage.md" in failed[0]["do"]
