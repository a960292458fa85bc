"""What one person has said, for that person to look at and take back."""

from django.db.models import QuerySet

from accounts.models import User
from ratings.models import Ballot, Relevance


def own_marks(user: User) -> QuerySet[Relevance]:
    """Return a person's marks on single answers, the newest first."""
    marks = Relevance.objects.filter(who=user).order_by("-rated_at", "-pk")
    return marks.select_related("ranking__model", "ranking__search", "image__dataset_class")


def own_votes(user: User) -> QuerySet[Ballot]:
    """Return a person's blind votes, the newest first."""
    voted = Ballot.objects.filter(who=user, voted_at__isnull=False).order_by("-voted_at", "-pk")
    voted = voted.select_related("search__query_image__dataset_class")
    return voted.prefetch_related("search__query_image__dataset", "scores__ranking__model")


def remove_mark(mark: Relevance) -> None:
    """Take a mark back, as if nothing had been said; doing it twice is no error."""
    Relevance.objects.filter(pk=mark.pk).delete()
