"""Plans of the queries behind every page and list of a data set with many pictures: each uses an index.

The database plans each SELECT again, over enough rows, with statistics, to prefer an index where there is one.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from retrieval.datasets.services import curating
from retrieval.models import Dataset, Image, Search
from tests.retrieval.datasets.services.test_counted_changes import filled

pytestmark = [pytest.mark.django_db, pytest.mark.services]

LARGE = {"sqlite": ("retrieval_image",), "postgresql": ("retrieval_image", "retrieval_search")}
"""Tables that no page reads whole. SQLite still reads all searches for the list of a person's own."""

PICTURES = 10_000
CLASSES = 1_000

PUBLIC = (
    "/datasets/",
    "/datasets/{slug}/",
    "/datasets/{slug}/?page=3",
    "/datasets/{slug}/?page={last}",
    "/datasets/{slug}/?sort=class&page=3",
    "/datasets/{slug}/?sort=class&page={last}",
    "/datasets/{slug}/?sort=newest&page=3",
    "/datasets/{slug}/?sort=newest&split=test&page=3",
    "/datasets/{slug}/?sort=class&split=test&page={last}",
    "/datasets/{slug}/?class=class+77",
    "/datasets/{slug}/?label=7",
    "/datasets/{slug}/classes/",
    "/datasets/{slug}/classes/?q=77",
    "/datasets/{slug}/classes/suggestions?class=77",
    "/datasets/{slug}/classes/7/",
    "/datasets/{slug}/pictures/{image}/",
    "/datasets/{slug}/map/",
    "/api/v1/datasets/",
    "/api/v1/datasets/{pk}/",
    "/api/v1/datasets/{pk}/images/",
    "/api/v1/datasets/{pk}/images/?split=test",
    "/api/v1/datasets/{pk}/images/?label=7",
    "/api/v1/images/?dataset={pk}",
    "/api/v1/images/?dataset={pk}&class_name=class+77",
    "/api/v1/images/?sha256={sha256}",
    "/api/v1/images/{image}/",
)
"""Lists that a page shows a part of. `GET /api/v1/datasets/1/classes/` counts every picture, as it is asked to."""

CURATORS = (
    *PUBLIC,
    "/",
    "/searches/",
    "/searches/saved/",
    "/downloads/",
    "/lab/",
    "/lab/datasets/",
    "/lab/datasets/{slug}/pictures/",
    "/lab/datasets/{slug}/pictures/?page=100",
    "/lab/datasets/{slug}/pictures/?class=class+77",
    "/lab/datasets/{slug}/pictures/?shown=hidden",
    "/lab/datasets/{slug}/pictures/?shown=shown&page=100",
    "/lab/datasets/{slug}/classes/",
    "/lab/datasets/{slug}/classes/?name=77",
    "/lab/datasets/{slug}/classes/7/",
    "/lab/datasets/{slug}/add/",
    "/api/v1/datasets/{pk}/images/?hidden=true",
    "/api/v1/searches/",
)


@pytest.fixture
def large(other_member: User) -> Dataset:
    """Return a public data set of many pictures, among larger ones; the database knows how large they are."""
    filled(["train", "test"], CLASSES, 2 * PICTURES)
    row = filled(["train", "test"], CLASSES, PICTURES)
    filled(["train", "test"], CLASSES, 2 * PICTURES + 1)
    Search.objects.bulk_create((Search(owner=other_member, k=1) for _ in range(PICTURES)), batch_size=1000)
    Dataset.objects.update(public=True)
    curating.set_hidden(row, list(row.images.values_list("pk", flat=True)[:3]), True, by=None)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return Dataset.objects.get(pk=row.pk)


def scans(sql: str) -> list[str]:
    """Return the steps of a plan that read a whole large table, not a part of it by an index."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            steps = [str(row[3]) for row in cursor.fetchall()]
            return [step for step in steps if re.match(rf"SCAN ({'|'.join(LARGE['sqlite'])})\b", step)]
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        (plan,) = cursor.fetchone()
    found = json.loads(plan) if isinstance(plan, str) else plan
    return [
        f"{step['Node Type']} on {step['Relation Name']}: {step.get('Filter', '')}"
        for step in steps_of(found[0]["Plan"])
        if step["Node Type"] == "Seq Scan" and step["Relation Name"] in LARGE["postgresql"]
    ]


def steps_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from steps_of(part)


def whole_reads(get: Callable[[], int]) -> list[tuple[str, str]]:
    """Return the steps that read a whole large table, each with the query."""
    with CaptureQueriesContext(connection) as captured:
        assert get() == 200
    selects = [str(query["sql"]) for query in captured if str(query["sql"]).startswith("SELECT")]
    concerned = [sql for sql in selects if any(name in sql for name in LARGE[connection.vendor])]
    return [(step, sql) for sql in concerned for step in scans(sql)]


def reads_of(client: Client, patterns: tuple[str, ...], dataset: Dataset) -> dict[str, list[str]]:
    """Return the steps of each page's plans that read a whole large table; pages without one are left out."""
    image = dataset.images.filter(label=7)[0]
    names: dict[str, Any] = {"slug": dataset.slug, "pk": dataset.pk, "image": image.pk, "sha256": image.sha256}
    names["last"] = -(-PICTURES // 60) - 1
    reads = {}
    for pattern in patterns:
        url = pattern.format(**names)
        reads[url] = [step for step, _ in whole_reads(lambda url=url: client.get(url).status_code)]  # type: ignore[misc]
    return {url: steps for url, steps in reads.items() if steps}


def test_a_scan_is_found(large: Dataset) -> None:
    assert whole_reads(lambda: 200 if Image.objects.filter(width=3).count() == 0 else 500)
    assert not whole_reads(lambda: 200 if large.images.filter(label=7).count() else 500)


def test_no_page_or_list_reads_all_pictures(large: Dataset, curator: User) -> None:
    client = Client()
    assert reads_of(client, PUBLIC, large) == {}
    client.force_login(curator)
    assert reads_of(client, CURATORS, large) == {}


def test_a_change_reads_no_more_than_its_pictures(large: Dataset, curator: User) -> None:
    pictures = list(large.images.filter(label=7, hidden=False).values_list("pk", flat=True)[:2])

    def change() -> int:
        curating.set_hidden(large, pictures[:1], True, by=curator)
        curating.set_hidden(large, pictures[:1], False, by=curator)
        curating.relabel(large, pictures, "class 9", by=curator)
        curating.rename_class(large, 9, "another", by=curator)
        curating.describe(large, licence="CC0", by=curator)
        return 200

    assert [step for step, _ in whole_reads(change)] == []
