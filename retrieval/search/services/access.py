"""Access to stored searches: whose they are, their query pictures, and their removal."""

from functools import partial
from pathlib import Path

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.roles import Visitor
from config.errors import Rejected
from retrieval.datasets.services.pictures import shown_picture_of
from retrieval.datasets.services.visibility import visible_images
from retrieval.models import Image, Search


def visible_searches(user: Visitor) -> QuerySet[Search]:
    """Return one's own searches; nobody sees another's."""
    if not user.is_authenticated:
        return Search.objects.none()
    return Search.objects.filter(owner=user).select_related("query_image__dataset_class").prefetch_related("datasets")


def roots_of(user: Visitor) -> QuerySet[Search]:
    """Return one's own searches without their refinements."""
    return visible_searches(user).filter(root=None)


def delete_search(search: Search) -> None:
    """Remove a search and its results; a root goes with its refinements and its uploaded picture.

    The file goes only once the rows are really gone.
    """
    upload = search.upload if search.root_id is None else None
    with transaction.atomic():
        search.delete()
        if upload is not None:
            transaction.on_commit(partial(upload.unlink, missing_ok=True))


def shown_query(search: Search, viewer: Visitor) -> Image | None:
    """Return the query, where it is a picture of a data set that this person may see."""
    return visible_images(viewer).filter(pk=search.query_image_id).first() if search.query_image_id else None


def query_file(search: Search, viewer: Visitor) -> Path:
    """Return the JPEG of a search's query.

    Raises:
        Rejected: it is a picture of a data set that this person may not see, or whose file is gone or damaged.
    """
    if search.query_image_id is None:
        return search.upload
    image = shown_query(search, viewer)
    if image is None:
        raise Rejected(f"the picture of search {search.pk} is hidden")
    return shown_picture_of(image)


def erase_searches(user: User) -> None:
    """Remove a person's searches with their pictures."""
    for search in roots_of(user):
        delete_search(search)
