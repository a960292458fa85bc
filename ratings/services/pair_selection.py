"""The pairs of models whose ratings are closest, read from the database: on their queries more ratings help most."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from django.db.models import Count, F, Sum

from ratings.models import BlindScore
from ratings.services.column_selection import Pair, Standing
from retrieval.models import Ranking


def standings(models: Iterable[int]) -> dict[int, Standing]:
    """Return how the models stand by their keys; those without ratings are left out."""
    ratings = BlindScore.counted.filter(ranking__model__in=list(models)).values_list("ranking__model")
    sums = ratings.annotate(count=Count("pk"), total=Sum("score"), squares=Sum(F("score") * F("score")))
    return {model: Standing(count, total, squares) for model, count, total, squares in sums}


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
