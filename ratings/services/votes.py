"""Which data sets and pictures people have voted on."""

from collections.abc import Collection

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
