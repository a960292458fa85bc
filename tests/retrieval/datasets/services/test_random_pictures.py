"""Random pictures: uniform among the eligible ones, whatever gaps their keys have, and without a scan."""

from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retrieval.datasets.services.random_pictures import random_pictures
from retrieval.models import Dataset, Image
from tests.retrieval.datasets.services.test_counted_changes import filled

pytestmark = [pytest.mark.django_db, pytest.mark.services]

VISIBLE = Image.objects.filter(hidden=False)


def chi_squared(counts: list[int]) -> float:
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)


def with_gaps() -> list[Dataset]:
    """Return two data sets whose keys overlap: the first has some far behind the second's, and some are hidden."""
    one, other = filled(["train", "test"], 4, 40), filled(["train", "test"], 4, 20)
    last = one.images.latest("pk").pk
    Image.objects.bulk_create(
        Image(pk=last + 1000 + n, dataset=one, path=f"late {n}", label=0, split="train", sha256="0", width=1, height=1)
        for n in range(10)
    )
    hidden = list(one.images.values_list("pk", flat=True)[:5])
    Image.objects.filter(pk__in=hidden).update(hidden=True)
    return [one, other]


def test_each_eligible_picture_is_as_likely_whatever_its_data_set_and_its_gaps() -> None:
    datasets = with_gaps()
    keys = list(VISIBLE.values_list("pk", flat=True))
    assert len(keys) == 65
    drawn = Counter(image.pk for _ in range(400) for image in random_pictures(datasets, 5, VISIBLE))
    assert set(drawn) == set(keys) and sum(drawn.values()) == 2000
    assert chi_squared([drawn[key] for key in keys]) < 117, "64 degrees of freedom: p = 0.00005"


def test_probes_alone_are_uniform_too(monkeypatch: pytest.MonkeyPatch) -> None:
    row = filled(["train", "test"], 4, 50)
    keys = list(row.images.values_list("pk", flat=True))
    with CaptureQueriesContext(connection) as captured:
        drawn = Counter(image.pk for _ in range(200) for image in random_pictures([row], 5, VISIBLE))
    assert len(captured) == 200 * 4, "range, probes, pictures and their data sets: the keys are never read"
    assert chi_squared([drawn[key] for key in keys]) < 98, "49 degrees of freedom: p = 0.00004"


def test_no_more_than_there_are_each_once() -> None:
    one, other = with_gaps()
    assert {image.pk for image in random_pictures([other], 60, VISIBLE)} == set(
        other.images.values_list("pk", flat=True)
    )
    pictures = random_pictures([one, other], 24, VISIBLE)
    assert len({image.pk for image in pictures}) == 24 and not any(image.hidden for image in pictures)
    assert random_pictures([], 5, VISIBLE) == [] == random_pictures([one], 5, VISIBLE.filter(label=99))
    assert random_pictures([one], 1, Image.objects.asking())[0].split == "test"


def test_nothing_of_the_site_orders_by_chance() -> None:
    from pathlib import Path

    root = Path(__file__).resolve().parents[4]
    code = [file for app in ("retrieval", "ratings", "jobs", "accounts") for file in (root / app).rglob("*.py")]
    assert len(code) > 100
    assert [file for file in code if 'order_by("?")' in file.read_text()] == []
