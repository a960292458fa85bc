"""Which data sets, pictures and results people have voted on."""

from collections.abc import Collection

from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from ratings.models import Ballot
from retrieval.datasets.services.deleting import searches_over
from retrieval.models import Dataset, Search


def votes_on(dataset: Dataset, pictures: Collection[int] | None = None) -> list[str]:
    """Return how many ballots were cast on a data set's queries, as a phrase; none where there are none.

    pictures: on those queries only.
    """
    searches = searches_over(dataset) if pictures is None else Search.objects.filter(query_image__in=pictures)
    count = Ballot.objects.filter(voted_at__isnull=False, search__in=searches).count()
    return [f"{count} blind vote{'' if count == 1 else 's'}"] if count else []


def voted_rankings(user: User) -> Q:
    """Return the filter of the rankings that a person has voted on, whose names are told."""
    return Q(search__owner=None, search__ballots__who=user, search__ballots__voted_at__isnull=False)


def page_of_vote(user: User, search: Search) -> str:
    """Return the address of the page of a person's vote on a query."""
    return reverse("rated", args=[Ballot.objects.get(who=user, search=search).pk])
