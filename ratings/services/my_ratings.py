"""What is known of a person's opinions, for their export and their leaving."""

from typing import Any

from accounts.models import User
from ratings.models import Ballot


def export_ratings(user: User) -> dict[str, Any]:
    """Return a person's votes and marks, for their export; a withdrawn vote has left nothing to tell."""
    ballots = Ballot.objects.filter(who=user, voted_at__isnull=False).prefetch_related("scores__ranking__model")
    marks = user.marks.select_related("ranking__model", "image").prefetch_related("image__dataset").order_by("pk")
    return {
        "ballots": [
            {
                "query": ballot.search_id and str(ballot.search_id),
                "voted_at": ballot.voted_at and ballot.voted_at.isoformat(),
                "none_good": ballot.none_good,
                "scores": {score.ranking.model.name: score.score for score in ballot.scores.all()},
            }
            for ballot in ballots
        ],
        "marks": [
            {
                "search": str(mark.ranking.search_id),
                "model": mark.ranking.model.name,
                "dataset": mark.image.dataset.name,
                "picture": mark.image.path,
                "value": mark.value,
                "marked_at": mark.rated_at.isoformat(),
            }
            for mark in marks
        ],
    }


def erase_ratings(user: User) -> None:
    """Remove a person's votes and marks; queries stay, they are the system's."""
    Ballot.objects.filter(who=user).delete()
    user.marks.all().delete()
