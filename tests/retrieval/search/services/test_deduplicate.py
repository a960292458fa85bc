from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from mlcore.images.perceptual_hash import perceptual_hash
from retrieval.models import Image
from retrieval.search.services.deduplicate import ResultGroup, grouped
from retrieval.search.services.results import Result
from tests.retrieval.pictures import drawn
from tests.retrieval.world import World


def look(seed: int, mirror: bool = False) -> bytes:
    pixels = np.asarray(drawn(seed, (64, 64)))
    return perceptual_hash(pixels[:, ::-1] if mirror else pixels)


NAMES = ("dataset_name", "class_name", "path")


def results(*looks: bytes | None) -> list[Result]:
    values: dict[str, Any] = {
        "ranking": 1,
        "dataset": 1,
        "dataset_name": "",
        "path": "",
        "class_name": "",
        "mark": None,
    }
    return [
        Result(rank=rank, image=rank, similarity=0.5, shared_count=1, record=Image(look=value), **values)
        for rank, value in enumerate(looks, 1)
    ]


def ranks(groups: list[ResultGroup]) -> dict[int, list[int]]:
    return {group.best.rank: [other.rank for other in group.near_duplicates] for group in groups}


def test_what_looks_the_same_is_folded_into_the_best_of_them() -> None:
    found = grouped(results(look(1), look(2), look(1), look(3), look(2, mirror=True), look(1, mirror=True)))
    assert ranks(found) == {1: [3, 6], 2: [5], 4: []}


def test_pictures_without_a_look_stay_on_their_own() -> None:
    assert ranks(grouped(results(None, look(1), None, look(1)))) == {1: [], 2: [4], 3: []}
    assert ranks(grouped(results(None, None))) == {1: [], 2: []}
    assert grouped([]) == []


def test_likeness_does_not_travel_from_one_to_the_next() -> None:
    first, last = (np.frombuffer(look(seed), np.int8).astype(float) for seed in (1, 2))
    between = [
        np.rint(127 * row / np.abs(row).max()).astype(np.int8).tobytes()
        for row in (first + share * (last - first) for share in (0, 0.2, 0.4, 0.6))
    ]
    found = ranks(grouped(results(*between)))
    assert found[1] == [2] and 3 in found  # the third is like the second, which is not shown by itself


def test_nothing_is_lost() -> None:
    found = grouped(results(look(1), look(1), look(2)))
    assert sorted(rank for first, others in ranks(found).items() for rank in (first, *others)) == [1, 2, 3]


@pytest.mark.django_db
def test_the_page_opens_what_looks_the_same(world: World, member: User, member_client: Client) -> None:
    search = world.ask(member)
    where = reverse("search-detail", args=[search.pk])
    world.dataset.images.update(look=None)
    assert "near-duplicate" not in member_client.get(where).content.decode()
    first, second, _ = search.rankings.all()[0].image_ids
    world.dataset.images.filter(pk__in=[first, second]).update(look=look(1))
    text = member_client.get(where).content.decode()
    assert "+1 near-duplicate" in text
    assert text.count('class="answer"') == 6  # nothing is lost
