"""Blind ballots: what is shown to whom in which order, and what is stored of the vote."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from ratings.errors import NothingToRate, RatingRefused
from ratings.models import Ballot, BlindScore
from retrieval.datasets.services import visible_datasets
from retrieval.errors import Refused
from retrieval.models import Dataset, Image, Model, Ranking, Search
from retrieval.search.services import searchable_models, system_search

ANSWERS = 8
QUERIES = 40
"""Queries of a data set that people rate: enough to compare models, few enough that votes gather."""


def next_ballot(user: User) -> Ballot:
    """Return the ballot that this person has open, or a new one where votes are fewest.

    Queries are held-out pictures, and so are the answers; the columns stand in random order.

    Raises:
        NothingToRate: no data set has two published models, or this person has rated every query.
    """
    contests = _contests(user)
    if not contests:
        raise NothingToRate("there is nothing to rate yet: a data set needs two published models with an index")
    open_ballots = Ballot.objects.filter(who=user, voted_at=None, search__in=_current(contests))
    ballot = open_ballots.select_related("search").first()
    if ballot is not None:
        return ballot
    search = _new_query(contests) or _fewest_votes(user, contests)
    if search is None:
        raise NothingToRate("you have rated every query there is; thank you")
    order = list(search.rankings.values_list("pk", flat=True))
    random.SystemRandom().shuffle(order)
    return Ballot.objects.get_or_create(who=user, search=search, defaults={"order": order})[0]


def ballots_of(user: User) -> QuerySet[Ballot]:
    """Return one's own ballots; nobody sees another's."""
    return Ballot.objects.filter(who=user).select_related("search__query_image__dataset")


Contests = Mapping[Dataset, Sequence[Model]]


def _contests(user: User) -> Contests:
    """Return the models that compete, by data set."""
    fields = {dataset: list(searchable_models(dataset)) for dataset in visible_datasets(user)}
    return {dataset: models for dataset, models in fields.items() if len(models) >= 2}


def _current(contests: Contests) -> QuerySet[Search]:
    """Return the system's searches that every competing model has answered with its present index."""
    wanted = Q(pk__in=[])
    for dataset, models in contests.items():
        serving = [model.serving[0].pk for model in models]  # type: ignore[attr-defined]
        answered = Search.objects.filter(owner=None, query_image__dataset=dataset)
        answered = answered.annotate(
            present=Count("rankings", filter=Q(rankings__index__in=serving), distinct=True),
            every=Count("rankings", distinct=True),
        )
        complete = answered.filter(present=len(serving), every=len(serving))
        wanted |= Q(pk__in=complete.values("pk"))
    return Search.objects.filter(wanted)


def _new_query(contests: Contests) -> Search | None:
    """Ask the models for a held-out picture nobody was offered yet, in the set with the fewest queries.

    None when every set has its QUERIES, or no picture left.
    """
    current = _current(contests)
    # Answers of indexes that serve no more, and that nobody rated, would only keep their pictures from being asked.
    stale = Search.objects.filter(owner=None, query_image__dataset__in=list(contests)).exclude(
        pk__in=current.values("pk")
    )
    stale.exclude(ballots__voted_at__isnull=False).delete()
    queries = {dataset: current.filter(query_image__dataset=dataset).count() for dataset in contests}
    for dataset in sorted(contests, key=lambda dataset: queries[dataset]):
        used = Search.objects.filter(owner=None, query_image__dataset=dataset).values("query_image")
        fresh = dataset.images.asking().exclude(pk__in=used).order_by("?").first()
        if fresh is not None and queries[dataset] < QUERIES:
            return _asked(fresh, contests[dataset])
    return None


def _fewest_votes(user: User, contests: Contests) -> Search | None:
    """Return the query with the fewest votes among those this person has not seen."""
    votes = Count("ballots", filter=Q(ballots__voted_at__isnull=False))
    unseen = _current(contests).exclude(ballots__who=user)
    return unseen.annotate(votes=votes).order_by("votes", "?").first()


def _asked(image: Image, models: Sequence[Model]) -> Search:
    try:
        # Rankings are numbered as they are made, and the page shows the numbers: they must say nothing.
        return system_search(image, random.sample(models, len(models)), ANSWERS)
    except Refused as error:
        raise NothingToRate(f"rating waits: {error}") from error


@transaction.atomic
def vote(ballot: Ballot, scores: Mapping[int, int]) -> None:
    """Store a person's scores, 1 to 5 for each ranking of the ballot.

    A ballot is cast once: after it the names are known. The same scores sent twice do no harm.

    Raises:
        RatingRefused: a ranking has no score, another ballot's has one, a score is out of range, or
            the ballot was cast with other scores.
    """
    if set(scores) != set(ballot.order):
        raise RatingRefused(f"give each of the {len(ballot.order)} columns one score")
    for score in scores.values():
        if score not in BlindScore.SCORES:
            raise RatingRefused(f"a score is 1 to 5, not {score}")
    if not Ballot.objects.filter(pk=ballot.pk, voted_at=None).update(voted_at=timezone.now()):
        if dict(ballot.scores.values_list("ranking", "score")) != dict(scores):
            raise RatingRefused("you have cast this ballot, and its names are known; rate the next picture")
        return
    BlindScore.objects.bulk_create(
        BlindScore(ballot=ballot, ranking_id=ranking, score=score) for ranking, score in scores.items()
    )
    ballot.refresh_from_db()


def rankings_in_order(ballot: Ballot) -> list[Ranking]:
    """Return the ballot's rankings as they were shown, left to right."""
    by_id = {ranking.pk: ranking for ranking in ballot.search.rankings.select_related("model")}
    return [by_id[pk] for pk in ballot.order]


def progress_of(user: User) -> dict[str, int]:
    """Return how many queries this person has rated, and how many there are to rate."""
    done = Ballot.objects.filter(who=user, voted_at__isnull=False).count()
    offered = sum(min(QUERIES, dataset.images.asking().count()) for dataset in _contests(user))
    return {"done": done, "total": max(done, offered)}


def export_ratings(user: User) -> dict[str, Any]:
    """Return a person's votes and marks, for their export."""
    ballots = Ballot.objects.filter(who=user, voted_at__isnull=False).prefetch_related("scores__ranking__model")
    marks = user.relevances.select_related("ranking__model", "image")
    return {
        "ballots": [
            {
                "query": ballot.search_id and str(ballot.search_id),
                "voted_at": ballot.voted_at and ballot.voted_at.isoformat(),
                "scores": {score.ranking.model.name: score.score for score in ballot.scores.all()},
            }
            for ballot in ballots
        ],
        "marks": [
            {"model": mark.ranking.model.name, "picture": mark.image.path, "value": mark.value} for mark in marks
        ],
    }


def erase_ratings(user: User) -> None:
    """Remove a person's votes and marks; queries stay, they are the system's."""
    Ballot.objects.filter(who=user).delete()
    user.relevances.all().delete()
