"""One person's blind votes, for that person to look at."""

from django.db.models import QuerySet

from accounts.models import User
from ratings.models import Ballot


def own_votes(user: User) -> QuerySet[Ballot]:
    """Return a person's blind votes, the newest first."""
    voted = Ballot.objects.filter(who=user, voted_at__isnull=False).order_by("-voted_at", "-pk")
    voted = voted.select_related("search__query_image__dataset_class")
    return voted.prefetch_related("search__query_image__dataset", "scores__ranking__model")
