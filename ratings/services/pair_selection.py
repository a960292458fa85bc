"""Where votes are most needed: which models people cannot tell apart yet."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from django.db.models import Count, F, Sum

from ratings.models import BlindScore
from retrieval.models import Ranking

LARGEST_VARIANCE = 4.0
"""Of scores 1 to 5: half of them 1, half of them 5."""

Pair = frozenset[int]


@dataclass(frozen=True)
class Standing:
    """What people gave a model so far: how many scores, their sum, and the sum of their squares."""

    votes: int
    total: int
    squares: int

    @property
    def mean(self) -> float:
        return self.total / self.votes

    @property
    def error(self) -> float:
        """The squared standard error of the mean, with one imaginary score of the largest variance beside the votes.

        (SS + 4) / n^2, where SS is the sum of squared distances from the mean: 4 after one vote, then towards
        variance / n; never 0, so that two equal votes do not look certain.
        """
        spread = self.squares - self.total * self.mean
        return (spread + LARGEST_VARIANCE) / self.votes**2


def standings(models: Iterable[int]) -> dict[int, Standing]:
    """Return how the models stand by their keys; those without votes are left out."""
    scores = BlindScore.objects.filter(ranking__model__in=list(models)).values_list("ranking__model")
    found = scores.annotate(votes=Count("pk"), total=Sum("score"), squares=Sum(F("score") * F("score")))
    return {model: Standing(votes, total, squares) for model, votes, total, squares in found}


def closeness(first: Standing | None, second: Standing | None) -> float:
    """Return how many standard errors lie between two models' means; 0 where one has no votes. Lower is closer.

    |mean a - mean b| / sqrt(error a + error b), each mean over all blind scores of that model.
    """
    if first is None or second is None:
        return 0.0
    return abs(first.mean - second.mean) / sqrt(first.error + second.error)


def contests_between(models: Collection[int], stand: Mapping[int, Standing]) -> dict[Pair, float]:
    """Return the closeness of every two models by the pair."""
    return {frozenset(pair): closeness(*map(stand.get, pair)) for pair in combinations(models, 2)}


def closest_contest(rankings: Sequence[Ranking], contests: Mapping[Pair, float]) -> float:
    """Return the closeness of the closest pair that a query's answers can tell apart.

    Two models that answer a query with the same pictures in the same order are no contest there. Infinite
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
    chosen: dict[int, None] = {}
    for first, second in sorted(
        combinations(random.sample(list(by_model), len(by_model)), 2), key=lambda pair: contests[frozenset(pair)]
    ):
        for model in (first, second):
            if len(chosen) < most:
                chosen[model] = None
    return [by_model[model] for model in chosen]
