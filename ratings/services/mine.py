"""What one person has said, for that person to look at and take back."""

from django.db.models import QuerySet

from accounts.models import User
from ratings.models import Ballot
from retrieval.models import Mark


def own_marks(user: User) -> QuerySet[Mark]:
    """Return a person's marks on single answers, the newest first."""
    marks = Mark.objects.filter(who=user).order_by("-rated_at", "-pk")
    return marks.select_related("ranking__model", "ranking__search__query_image__dataset", "image__dataset")


def own_votes(user: User) -> QuerySet[Ballot]:
    """Return a person's blind votes, the newest first."""
    voted = Ballot.objects.filter(who=user, voted_at__isnull=False).order_by("-voted_at", "-pk")
    return voted.select_related("search__query_image__dataset").prefetch_related("scores__ranking__model")


def remove_mark(mark: Mark) -> None:
    """Take a mark back, as if nothing had been said; doing it twice is no error."""
    Mark.objects.filter(pk=mark.pk).delete()
