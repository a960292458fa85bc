"""Long lists: a slice from either end is the slice of the whole, and counts are those of the rows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from retrieval.datasets.services import curating
from retrieval.datasets.services.curated_pictures import pictures_to_curate
from retrieval.datasets.services.long_lists import LongList, count_visible
from retrieval.models import Dataset, Image
from tests.retrieval.datasets.services.test_counted_changes import filled

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_a_slice_is_the_same_from_either_end() -> None:
    row = filled(["train", "test"], 7, 50)
    images = Image.objects.filter(dataset=row)
    for order in (("label", "pk"), ("-pk",)):
        whole, pictures = list(images.order_by(*order)), LongList(images, order, 50)
        for start in range(0, 50, 6):
            assert pictures[start : start + 6] == whole[start : start + 6]
        assert pictures[49] == whole[49] and pictures[50:60] == [] and len(pictures) == 50


def test_the_last_page_is_read_from_the_end() -> None:
    row = filled(["train", "test"], 7, 50)
    with CaptureQueriesContext(connection) as captured:
        assert len(LongList(Image.objects.filter(dataset=row), ("label", "pk"), 50)[48:50]) == 2
    (query,) = captured
    assert "OFFSET" not in query["sql"] and '"label" DESC' in query["sql"]


def test_counts_are_those_of_the_rows_and_need_no_count() -> None:
    row = filled(["train", "test"], 6, 30)
    curating.set_hidden(row, list(row.images.values_list("pk", flat=True)[:3]), True, by=None)
    row = Dataset.objects.get(pk=row.pk)
    for split in ("", "train", "test", "query", "gallery"):
        images = row.images.filter(hidden=False)
        with CaptureQueriesContext(connection) as captured:
            found = count_visible(row, split)
        assert not any("COUNT(" in query["sql"] for query in captured)
        assert found == (images.filter(split=split) if split else images).count()


def test_a_set_that_no_job_imported_is_counted() -> None:
    row = filled(["train", "test"], 6, 30)
    row.report = {}
    assert (count_visible(row), count_visible(row, "test")) == (30, 15)


def test_a_gallery_without_queries_is_counted_as_what_it_is() -> None:
    row = filled(["gallery"], 6, 30)
    assert (count_visible(row, "gallery"), count_visible(row, "test")) == (30, 0)


def test_curators_see_hidden_pictures_too(curator: User) -> None:
    row = filled(["train", "test"], 6, 30)
    curating.set_hidden(row, list(row.images.values_list("pk", flat=True)[:3]), True, by=None)
    row = Dataset.objects.get(pk=row.pk)
    for hidden, count in ((None, 30), (True, 3), (False, 27)):
        pictures = pictures_to_curate(row, curator, hidden=hidden)
        assert len(pictures) == count == len(pictures[0:30])
    assert len(pictures_to_curate(row, curator, class_name="CLASS 1")) == 5
    assert len(pictures_to_curate(row, curator, class_name="no class")) == 0
