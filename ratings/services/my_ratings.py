"""One person's ratings and marks: list, export, erase."""

from django.db.models import QuerySet

from accounts.models import User
from ratings.models import Ballot


def own_ratings(user: User) -> QuerySet[Ballot]:
    """Return the ballots that a person has rated, newest first."""
    rated = Ballot.objects.filter(who=user, voted_at__isnull=False).order_by("-voted_at", "-pk")
    rated = rated.select_related("search__query_image__dataset_class")
    return rated.prefetch_related("search__query_image__dataset", "scores__ranking__model")


def export_ratings(user: User) -> dict[str, object]:
    """Return a person's ratings and marks for their export; a withdrawn ballot has none."""
    ballots = Ballot.objects.filter(who=user, voted_at__isnull=False).prefetch_related("scores__ranking__model")
    marks = user.marks.filter(ranking__search__deleted_at=None).select_related("ranking__model", "image")
    marks = marks.prefetch_related("image__dataset").order_by("pk")
    return {
        "ballots": [
            {
                "search": ballot.search_id and str(ballot.search_id),
                "rated_at": ballot.voted_at and ballot.voted_at.isoformat(),
                "all_bad": ballot.none_good,
                "is_repeat": ballot.repeat_of_id is not None,
                "duplicate_rating": ballot.duplicate_rating,
                "ratings": {score.ranking.model.name: score.score for score in ballot.scores.all()},
            }
            for ballot in ballots
        ],
        "marks": [
            {
                "search": str(mark.ranking.search_id),
                "model_name": mark.ranking.model.name,
                "dataset_name": mark.image.dataset.name,
                "path": mark.image.path,
                "mark": mark.value,
                "marked_at": mark.rated_at.isoformat(),
            }
            for mark in marks
        ],
    }


def erase_ratings(user: User) -> None:
    """Remove a person's ratings and marks; queries stay, since they belong to the system."""
    Ballot.objects.filter(who=user).delete()
    user.marks.all().delete()
