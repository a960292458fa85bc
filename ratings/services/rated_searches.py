"""Searches that people have rated: what keeps a data set, and whose model names a person has seen."""

from collections.abc import Collection

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import User
from ratings.models import Ballot
from retrieval.datasets.services.deleting import searches_over
from retrieval.models import Dataset, Ranking, Search


def ratings_on(dataset: Dataset, pictures: Collection[int] | None = None) -> list[str]:
    """Return a phrase with the number of rated ballots on a data set's queries; empty if there are none.

    pictures: of those queries only.
    """
    searches = searches_over(dataset) if pictures is None else Search.objects.filter(query_image__in=pictures)
    count = Ballot.counted.filter(voted_at__isnull=False, search__in=searches).count()
    return [f"{count} rated ballot{'' if count == 1 else 's'}"] if count else []


def rated_rankings(user: User) -> Q:
    """Return the filter of the rankings that a person has rated, whose model names that person may see."""
    return Q(search__owner=None, search__ballots__in=Ballot.counted.filter(who=user, voted_at__isnull=False))


def page_of_rating(user: User, search: Search) -> str:
    """Return the URL of the page of a person's ratings of a query."""
    return reverse("rated", args=[Ballot.counted.get(who=user, search=search).pk])


def ballots_on(rankings: QuerySet[Ranking]) -> int:
    """Return how many rated ballots show one of the rankings."""
    return Ballot.counted.filter(scores__ranking__in=rankings).distinct().count()


def release_rankings(rankings: QuerySet[Ranking]) -> None:
    """Let ballots without ratings go of rankings that are deleted: open ones are deleted, withdrawn ones stay.

    Whoever withdrew a ballot saw its names, so its query must not be offered to them again.
    """
    going = set(rankings.values_list("pk", flat=True))
    for ballot in Ballot.objects.filter(search__in=rankings.values("search"), voted_at=None):
        if not going & set(ballot.order):
            continue
        if ballot.withdrawn_at is None:
            ballot.delete()
            continue
        kept = [key for key in ballot.order if key not in going]
        duplicate = None if ballot.duplicate and ballot.duplicate["ranking"] in going else ballot.duplicate
        Ballot.objects.filter(pk=ballot.pk).update(order=kept, duplicate=duplicate)
