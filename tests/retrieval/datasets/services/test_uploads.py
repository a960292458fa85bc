from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from config.errors import Rejected
from jobs import sweeper
from jobs.models import Job
from retrieval.datasets.services import uploads
from retrieval.models import Upload
from retrieval.models.upload import KEPT
from retrieval.pages.services.storage.garbage import unused_files
from tests.retrieval.datasets.filled import filled, folders, sent

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def aged(upload: Upload, days: float) -> None:
    Upload.objects.filter(pk=upload.pk).update(changed_at=timezone.now() - timedelta(days=days))


def test_an_upload_begins_empty_and_is_somebodys(curator: User) -> None:
    upload = uploads.begin_upload(curator)
    assert (upload.owner, upload.files, upload.bytes) == (curator, 0, 0)
    assert upload.expires_at == upload.changed_at + KEPT
    assert folders() == [upload.folder]


def test_an_upload_outlives_the_account_that_began_it(curator: User) -> None:
    upload = uploads.begin_upload(curator)
    curator.delete()
    upload.refresh_from_db()
    assert upload.owner is None


def test_a_taken_upload_is_the_jobs_alone() -> None:
    upload = filled({"owls/1.jpg": b"one"})
    uploads.take_upload(upload)
    assert not uploads.visible_uploads().exists() and folders() == [upload.folder]
    with pytest.raises(Rejected, match="a job used it"):
        uploads.take_upload(upload)
    uploads.delete_upload(upload)
    assert folders() == [upload.folder]


def test_an_upload_that_was_not_taken_after_all_is_there_again() -> None:
    upload = filled({"owls/1.jpg": b"one"})
    with transaction.atomic():
        uploads.take_upload(upload)
        transaction.set_rollback(True)
    assert uploads.visible_uploads().get() == upload


def test_nothing_is_not_taken() -> None:
    with pytest.raises(Rejected, match="the upload is empty"):
        uploads.take_upload(uploads.begin_upload(None))


def test_a_deleted_upload_leaves_nothing() -> None:
    uploads.delete_upload(filled({"owls/1.jpg": b"one"}))
    assert not folders() and not Upload.objects.exists()


def test_the_sweep_deletes_what_nobody_added_to_for_a_week() -> None:
    old, young, taken = (filled({"owls/1.jpg": b"one"}) for _ in range(3))
    aged(old, 7.1)
    aged(young, 6.9)
    uploads.take_upload(taken)
    sweeper.sweep(timezone.now())
    assert uploads.visible_uploads().get() == young
    assert folders() == sorted([young.folder, taken.folder])


def test_adding_keeps_an_upload_for_another_week() -> None:
    upload = filled({"owls/1.jpg": b"one"})
    aged(upload, 7.1)
    sent(upload, {"owls/2.jpg": b"two"})
    sweeper.sweep(timezone.now())
    assert uploads.visible_uploads().get() == upload


def test_the_disk_page_offers_only_folders_that_neither_rows_nor_jobs_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.pages.services.storage.garbage.KEEP_NEW", timedelta(days=-1))
    filling, waiting, orphan = (filled({"owls/1.jpg": b"one"}) for _ in range(3))
    uploads.take_upload(waiting)
    Job.objects.create(kind="add-pictures", payload={"upload": waiting.folder.name}, state=Job.State.QUEUED)
    uploads.take_upload(orphan)
    assert [item.key for item in unused_files("uploads")] == [orphan.storage_key]
    assert filling.folder.exists()
