"""Which data sets people have voted on."""

from ratings.models import Ballot
from retrieval.datasets.services.deleting import searches_over
from retrieval.models import Dataset


def votes_on(dataset: Dataset) -> list[str]:
    """Return how many ballots were cast on a data set's queries, as a phrase; none where there are none."""
    count = Ballot.objects.filter(voted_at__isnull=False, search__in=searches_over(dataset)).count()
    return [f"{count} blind vote{'' if count == 1 else 's'}"] if count else []
