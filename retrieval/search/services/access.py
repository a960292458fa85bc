"""Access to stored searches: whose they are, their query pictures, and their deletion, which can be undone for a while.

A deleted search is hidden at once and everywhere, since `Search.objects` leaves it out. Its rows and its picture are
removed a minute later by the sweeper, whether or not anybody visits the site.
"""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.roles import Visitor
from config.errors import Rejected
from config.undo import UNDO_SECONDS
from retrieval.datasets.services.pictures import shown_picture_of
from retrieval.datasets.services.visibility import visible_images
from retrieval.models import Image, Search
from storage.store import store
from storage.transfers import discard

KEEP_DELETED = timedelta(seconds=2 * UNDO_SECONDS)  # an offer to undo is shown for half of it


def visible_searches(user: Visitor) -> QuerySet[Search]:
    """Return one's own searches; nobody sees another's."""
    if not user.is_authenticated:
        return Search.objects.none()
    return Search.objects.filter(owner=user).select_related("query_image__dataset_class").prefetch_related("datasets")


def roots_of(user: Visitor) -> QuerySet[Search]:
    """Return one's own searches without their refinements."""
    return visible_searches(user).filter(root=None)


def delete_search(search: Search) -> None:
    """Delete a search and its results; a root with its refinements. It can be restored for KEEP_DELETED."""
    Search.objects.filter(_itself_and_refinements(search)).update(deleted_at=timezone.now())


def deleted_searches(user: Visitor) -> QuerySet[Search]:
    """Return one's own searches that were deleted a moment ago and can be restored.

    A refinement whose root was deleted comes back with its root only.
    """
    if not user.is_authenticated:
        return Search.stored.none()
    own = Search.stored.filter(owner=user, deleted_at__gt=timezone.now() - KEEP_DELETED)
    return own.filter(Q(root=None) | Q(root__deleted_at=None))


def restore_search(search: Search) -> bool:
    """Bring a deleted search back, with the refinements that were deleted with it. False: it was removed meanwhile."""
    together = Search.stored.filter(_itself_and_refinements(search), deleted_at=search.deleted_at)
    return together.update(deleted_at=None) > 0


def _itself_and_refinements(search: Search) -> Q:
    return Q(pk=search.pk) | Q(root=search.pk)


def remove_deleted(now: datetime) -> None:
    """Remove the searches that can no longer be restored, with their pictures; the sweeper calls it."""
    remove_searches(Search.stored.select_for_update().filter(deleted_at__lte=now - KEEP_DELETED))


def remove_searches(searches: QuerySet[Search]) -> int:
    """Remove searches for good, roots with their refinements and uploaded pictures; return how many were named.

    The files go only once the rows are really gone.
    """
    with transaction.atomic():
        going = list(searches)
        Search.stored.filter(pk__in=[search.pk for search in going]).delete()
        for search in going:
            if search.root_id is None:
                transaction.on_commit(partial(discard, search.upload_key))
    return len(going)


def shown_query(search: Search, viewer: Visitor) -> Image | None:
    """Return the query, where it is a picture of a data set that this person may see."""
    return visible_images(viewer).filter(pk=search.query_image_id).first() if search.query_image_id else None


def query_file(search: Search, viewer: Visitor) -> Path | BinaryIO:
    """Return the JPEG of a search's query: a path, or a file to read of which this host has no copy.

    Raises:
        Rejected: it is a picture of a data set that this person may not see, or whose file is gone or damaged.
    """
    if search.query_image_id is None:
        return store().open(search.upload_key)
    image = shown_query(search, viewer)
    if image is None:
        raise Rejected(f"the picture of search {search.pk} is hidden")
    return shown_picture_of(image)


def erase_searches(user: User) -> None:
    """Remove a person's searches with their pictures, also those that they deleted a moment ago."""
    remove_searches(Search.stored.filter(owner=user))
