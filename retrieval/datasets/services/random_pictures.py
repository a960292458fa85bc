"""Pictures drawn at random, each as likely as any other, without reading those that are not drawn.

Keys are drawn from the range of a data set's keys, and looked up; a key that no eligible picture has is no hit. Where
hits are rare, because few pictures are eligible or their keys lie far apart, the keys of the eligible ones are read.
"""

import random
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from retrieval.models import Dataset, Image, ImageQuerySet

PROBES = 200
"""Keys of one query: enough for a page of pictures where one of eight keys is a hit."""

ROUNDS = 4
"""Queries before the keys are read. A share of hits below 1 in 30 rarely fills a page of 24 by then."""

_chance = random.SystemRandom()


def random_pictures(datasets: Iterable[Dataset], count: int, eligible: ImageQuerySet) -> list[Image]:
    """Return up to `count` different pictures of data sets, in random order; all of them where there are fewer.

    eligible: the pictures that may be drawn. Of equal chance is every one of them, whatever its data set.
    """
    keys = list(dict.fromkeys(dataset.pk for dataset in datasets))
    ranges = _ranges(keys)
    drawn: list[int] = []
    for _ in range(ROUNDS if ranges else 0):
        drawn += [key for key in _hits(ranges, eligible) if key not in set(drawn)]
        if len(drawn) >= count:
            break
    else:
        every = list(eligible.filter(dataset__in=keys).order_by().values_list("pk", flat=True))
        drawn = _chance.sample(every, min(count, len(every)))
    images = Image.objects.named().in_bulk(drawn[:count])
    return [images[key] for key in drawn[:count] if key in images]


Range = tuple[int, int, int]
"""A data set, and the first and last key of its pictures."""


def _ranges(datasets: Sequence[int]) -> list[Range]:
    own = Image.objects.filter(dataset=OuterRef("pk")).values("pk")
    ends: QuerySet[Any] = Dataset.objects.filter(pk__in=datasets).order_by()
    ends = ends.annotate(first=Subquery(own.order_by("pk")[:1]), last=Subquery(own.order_by("-pk")[:1]))
    rows = ends.values_list("pk", "first", "last")
    return [(dataset, first, last) for dataset, first, last in rows if first is not None]


def _hits(ranges: Sequence[Range], eligible: ImageQuerySet) -> list[int]:
    """Return the eligible ones among PROBES drawn keys, each once, in the order of the draw."""
    weights = [last - first + 1 for _, first, last in ranges]
    wanted = [
        (dataset, _chance.randint(first, last)) for dataset, first, last in _chance.choices(ranges, weights, k=PROBES)
    ]
    found = eligible.filter(pk__in={key for _, key in wanted}).order_by().values_list("dataset", "pk")
    there = set(found)  # a key counts for its own data set alone: the ranges of two may overlap
    return list(dict.fromkeys(key for dataset, key in wanted if (dataset, key) in there))
