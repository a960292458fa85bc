"""Selection of the pairs of models whose ratings are closest, where more ratings help most."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from django.db.models import Count, F, Sum

from ratings.models import BlindScore
from retrieval.models import Ranking

LARGEST_VARIANCE = 4.0
"""Of ratings 1 to 5: half of them 1, half of them 5."""

Pair = frozenset[int]


@dataclass(frozen=True)
class Standing:
    """A model's ratings so far: their number, their sum, and the sum of their squares."""

    count: int
    total: int
    squares: int

    @property
    def mean(self) -> float:
        return self.total / self.count

    @property
    def error(self) -> float:
        """The squared standard error of the mean, with one more rating of the largest variance added.

        (SS + 4) / n^2, where SS is the sum of squared distances from the mean: 4 after one rating, then towards
        variance / n; never 0, so that two equal ratings do not look certain.
        """
        spread = self.squares - self.total * self.mean
        return (spread + LARGEST_VARIANCE) / self.count**2


def standings(models: Iterable[int]) -> dict[int, Standing]:
    """Return how the models stand by their keys; those without ratings are left out."""
    ratings = BlindScore.objects.filter(ranking__model__in=list(models)).values_list("ranking__model")
    sums = ratings.annotate(count=Count("pk"), total=Sum("score"), squares=Sum(F("score") * F("score")))
    return {model: Standing(count, total, squares) for model, count, total, squares in sums}


def closeness(first: Standing | None, second: Standing | None) -> float:
    """Return how many standard errors lie between two models' means; 0 where one has no ratings. Lower is closer.

    |mean a - mean b| / sqrt(error a + error b), each mean over all blind ratings of that model.
    """
    if first is None or second is None:
        return 0.0
    return abs(first.mean - second.mean) / sqrt(first.error + second.error)


def contests_between(models: Collection[int], stand: Mapping[int, Standing]) -> dict[Pair, float]:
    """Return the closeness of every two models by the pair."""
    return {frozenset(pair): closeness(*map(stand.get, pair)) for pair in combinations(models, 2)}


def closest_contest(rankings: Sequence[Ranking], contests: Mapping[Pair, float]) -> float:
    """Return the closeness of the closest pair that a query's results can tell apart.

    Two models with the same results in the same order are no contest there. Infinite
    when no two differ.
    """
    pairs = combinations(rankings, 2)
    return min(
        (contests[frozenset((a.model_id, b.model_id))] for a, b in pairs if a.image_ids != b.image_ids),
        default=float("inf"),
    )


def columns_of(rankings: Sequence[Ranking], most: int, contests: Mapping[Pair, float]) -> list[Ranking]:
    """Return at most that many rankings to compare: those of the closest pairs, the closest first, chance at a tie."""
    if len(rankings) <= most:
        return list(rankings)
    by_model = {ranking.model_id: ranking for ranking in rankings}
    selected: dict[int, None] = {}
    for first, second in sorted(
        combinations(random.sample(list(by_model), len(by_model)), 2), key=lambda pair: contests[frozenset(pair)]
    ):
        for model in (first, second):
            if len(selected) < most:
                selected[model] = None
    return [by_model[model] for model in selected]
