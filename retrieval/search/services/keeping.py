"""Searches once asked: whose they are, what they show, how they are shared."""

import secrets
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Visitor
from retrieval.datasets.services import shown_picture_of
from retrieval.models import Image, Search


def visible_searches(user: Visitor) -> QuerySet[Search]:
    """Return one's own searches; nobody sees another's."""
    if not user.is_authenticated:
        return Search.objects.none()
    return Search.objects.filter(owner=user).select_related("dataset", "query_image__dataset")


def shared_search(token: str) -> Search | None:
    """Return the search behind a share link, None when it was revoked or never was."""
    return Search.objects.filter(share_token=token).select_related("dataset", "query_image__dataset").first()


def set_shared(search: Search, shared: bool) -> None:
    """Make a link that nobody can guess, or revoke it; sharing anew makes another link."""
    search.share_token = secrets.token_urlsafe(32) if shared else None
    search.save(update_fields=["share_token"])


def delete_search(search: Search) -> None:
    """Remove a search, its answers and its uploaded picture; the file only once the rows are really gone."""
    upload = search.upload
    with transaction.atomic():
        search.delete()
        transaction.on_commit(partial(upload.unlink, missing_ok=True))


def query_file(search: Search) -> Path:
    """Return the JPEG of the picture that was asked with.

    Raises:
        Refused: it was a picture of the data set, whose file is gone or damaged.
    """
    return shown_picture_of(search.query_image) if search.query_image else search.upload


def answers_of(search: Search) -> list[dict[str, Any]]:
    """Return a column for each model: its ranking and answers, best first.

    An answer has the picture, its rank and cosine, and in how many columns the picture stands. Pictures
    deleted since are left out; ranks stay.
    """
    rankings = list(search.rankings.select_related("model__run", "index"))
    ids = Counter(pk for ranking in rankings for pk in ranking.image_ids)
    images = Image.objects.select_related("dataset").in_bulk(list(ids))
    return [
        {
            "model": ranking.model,
            "ranking": ranking,
            "answers": [
                {"image": images[pk], "rank": rank, "score": score, "shared_count": ids[pk]}
                for rank, (pk, score) in enumerate(zip(ranking.image_ids, ranking.scores, strict=True), 1)
                if pk in images
            ],
        }
        for ranking in rankings
    ]


def export_searches(user: User) -> list[dict[str, Any]]:
    """Return what is kept of a person's searches, for their export."""
    searches = Search.objects.filter(owner=user).select_related("dataset").prefetch_related("rankings__model")
    return [
        {
            "id": str(search.pk),
            "asked_at": search.created_at.isoformat(),
            "dataset": search.dataset.name,
            "answers": {ranking.model.name: ranking.image_ids for ranking in search.rankings.all()},
        }
        for search in searches
    ]


def erase_searches(user: User) -> None:
    """Remove a person's searches with their pictures."""
    for search in Search.objects.filter(owner=user):
        delete_search(search)
