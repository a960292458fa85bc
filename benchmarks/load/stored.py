"""What a site has stored, as JSON: python -m benchmarks.load.stored, with the environment of that site."""

import json
import os
import sys
from typing import Any

import django


def stored() -> dict[str, Any]:
    """Return the searches, marks and ballots of people, and all jobs."""
    from jobs.models import Job
    from ratings.models import Ballot
    from retrieval.models import Mark, Ranking, Search

    searches: dict[str, Any] = {
        str(key): {"who": email, "rankings": {}}
        for key, email in Search.stored.filter(owner__isnull=False).values_list("pk", "owner__email")
    }
    rankings = Ranking.objects.filter(search__owner__isnull=False)
    for search, key, model, images, scores in rankings.values_list("search", "pk", "model", "image_ids", "scores"):
        searches[str(search)]["rankings"][key] = {"model": model, "scores": dict(zip(images, scores, strict=True))}
    return {
        "searches": searches,
        "marks": [list(row) for row in Mark.objects.values_list("who__email", "ranking", "image", "value")],
        "ballots": {str(ballot.pk): _ballot(ballot) for ballot in Ballot.objects.select_related("who")},
        "jobs": list(Job.objects.values("pk", "kind", "state", "attempt", "error")),
    }


def _ballot(ballot: Any) -> dict[str, Any]:
    ratings = dict(ballot.scores.values_list("ranking", "score"))
    if ballot.duplicate is not None:
        ratings[ballot.duplicate["key"]] = ballot.duplicate_rating
    return {"who": ballot.who.email, "rated": ballot.voted_at is not None, "ratings": ratings}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    sys.stdout.write(json.dumps(stored()))
