"""Searches once asked: whose they are, how they are shared, kept and removed."""

import secrets
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Visitor
from retrieval.datasets.services import shown_picture_of
from retrieval.models import Search


def visible_searches(user: Visitor) -> QuerySet[Search]:
    """Return one's own searches; nobody sees another's."""
    if not user.is_authenticated:
        return Search.objects.none()
    return Search.objects.filter(owner=user).select_related("query_image__dataset").prefetch_related("datasets")


def roots_of(user: Visitor) -> QuerySet[Search]:
    """Return one's own searches without their refinements."""
    return visible_searches(user).filter(root=None)


def shared_search(token: str) -> Search | None:
    """Return the search behind a share link, None when it was revoked or never was."""
    searches = Search.objects.filter(share_token=token).select_related("query_image__dataset")
    return searches.prefetch_related("datasets").first()


def set_shared(search: Search, shared: bool) -> None:
    """Make a link that nobody can guess, or revoke it; sharing anew makes another link."""
    search.share_token = secrets.token_urlsafe(32) if shared else None
    search.save(update_fields=["share_token"])


def delete_search(search: Search) -> None:
    """Remove a search and its answers; a root goes with its refinements and its uploaded picture.

    The file goes only once the rows are really gone.
    """
    upload = search.upload if search.root_id is None else None
    with transaction.atomic():
        search.delete()
        if upload is not None:
            transaction.on_commit(partial(upload.unlink, missing_ok=True))


def query_file(search: Search) -> Path:
    """Return the JPEG of the picture that was asked with.

    Raises:
        Refused: it was a picture of the data set, whose file is gone or damaged.
    """
    return shown_picture_of(search.query_image) if search.query_image else search.upload


def export_searches(user: User) -> list[dict[str, Any]]:
    """Return what is kept of a person's searches, for their export."""
    searches = visible_searches(user).prefetch_related("rankings__model")
    return [
        {
            "id": str(search.pk),
            "name": search.name,
            "asked_at": search.created_at.isoformat(),
            "refines": search.root_id and str(search.root_id),
            "shared": search.share_token is not None,
            "query": search.query_image.path if search.query_image else "a picture of your own",
            "datasets": [dataset.name for dataset in search.datasets.all()],
            "box": search.box,
            "threshold": search.threshold,
            "filters": search.filters,
            "exclude_self": search.exclude_self,
            "more_like": search.more,
            "less_like": search.less,
            "answers": [
                {"model": ranking.model.name, "images": ranking.image_ids, "similarities": ranking.scores}
                for ranking in search.rankings.all()
            ],
        }
        for search in searches
    ]


def erase_searches(user: User) -> None:
    """Remove a person's searches with their pictures."""
    for search in roots_of(user):
        delete_search(search)
