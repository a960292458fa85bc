"""The search form of a site with many data sets and models: its work grows with what it lists, not with its square."""

import sys
from types import FrameType

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from retrieval.models import Dataset, Image, Index, Model

pytestmark = pytest.mark.django_db

MODELS = 10  # of each data set


def plant(count: int) -> None:
    """Make data sets with a few pictures, each with MODELS published models that have an active index."""
    for number in range(Dataset.objects.count(), count):
        row = Dataset.objects.create(name=f"Set {number}", slug=f"set-{number}", source="x", revision=1)
        Image.objects.bulk_create(
            Image(dataset=row, path=str(n), label=0, split="test", sha256=f"{n:064d}", width=1, height=1)
            for n in range(3)
        )
        models = [
            Model(
                dataset=row, name=f"Model {number}-{n}", loss="margin", artifact=f"runs/{number}-{n}", dim=8,
                weights_sha256=f"{number}-{n}", color=n % 8, published=True, measured={"map_at_r": n / MODELS},
            )
            for n in range(MODELS)
        ]  # fmt: skip
        Model.objects.bulk_create(models)
        Index.objects.bulk_create(
            Index(
                model=model, dataset=row, revision=1, path=f"indexes/{model.pk}", manifest={}, recall=1, count=3,
                active=True,
            )
            for model in models
        )  # fmt: skip


class Work:
    """How many queries and calls of Python functions a page takes; neither depends on how busy the machine is."""

    def __init__(self, client: Client, url: str) -> None:
        self.calls = 0
        client.get(url)  # templates are compiled, caches filled
        with CaptureQueriesContext(connection) as captured:
            sys.setprofile(self._count)
            try:
                self.status = client.get(url).status_code
            finally:
                sys.setprofile(None)
        self.queries = sum("retrieval_" in query["sql"] for query in captured)  # not of the session, which has its hour

    def _count(self, frame: FrameType, event: str, argument: object) -> None:
        self.calls += event in ("call", "c_call")


def test_the_front_page_of_a_hundred_sets_takes_as_many_times_the_work_as_it_lists(member_client: Client) -> None:
    plant(20)
    small = Work(member_client, "/")
    plant(100)
    large = Work(member_client, "/")
    assert small.status == large.status == 200
    assert large.queries == small.queries <= 20
    assert large.calls < 6 * small.calls, "five times the rows; with its square it would be 25 times"
    assert large.calls < 1500 * 100 * MODELS, "some thousand calls a model, of a tenth of a microsecond each"
