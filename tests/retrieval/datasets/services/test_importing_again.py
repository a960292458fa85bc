"""A failed import does not keep its name."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.errors import Rejected
from retrieval.datasets.services.importing import submit_import
from retrieval.datasets.services.sources import kept_at
from retrieval.models import Dataset
from tests.retrieval.world import done, failed

pytestmark = pytest.mark.django_db
WINGS = "wings:species=3,per_class=4,size=32"


def test_another_archive_takes_the_name_of_a_failed_import(django_capture_on_commit_callbacks: object) -> None:
    first = submit_import(name="Moths", by=None, archive=SimpleUploadedFile("moths.zip", b"no archive"))
    failed(first.job)
    first.refresh_from_db()
    assert first.job is not None and first.job.refused_input
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        second = submit_import(name="Moths", by=None, source=WINGS)
    assert Dataset.objects.get() == second and not kept_at(first.source).exists()
    done(second.job)


def test_an_import_that_waits_or_has_succeeded_keeps_its_name() -> None:
    first = submit_import(name="Moths", by=None, source=WINGS)
    for _ in range(2):
        with pytest.raises(Rejected, match="is taken"):
            submit_import(name="Moths", by=None, source=WINGS)
        if first.job is not None and first.job.state == "queued":
            done(first.job)
