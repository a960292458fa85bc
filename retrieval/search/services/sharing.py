"""Links that make a search public: its owner makes and revokes them, and curators see and revoke all of them."""

import secrets
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.models import User
from accounts.roles import Visitor
from retrieval.datasets.services.visibility import visible_datasets
from retrieval.models import Search


def shared_search(token: str) -> Search | None:
    """Return the search behind a share link, None when it was revoked or never was."""
    searches = Search.objects.filter(share_token=token).select_related("query_image__dataset_class")
    return searches.prefetch_related("datasets").first()


def set_shared(search: Search, shared: bool) -> None:
    """Make a link that nobody can guess, or revoke it; sharing anew makes another link."""
    search.share_token = secrets.token_urlsafe(32) if shared else None
    search.save(update_fields=["share_token"])


def links_into(user: Visitor) -> QuerySet[Search]:
    """Return the shared searches in data sets that this curator may see, the newest first."""
    over = Search.objects.filter(datasets__in=visible_datasets(user)).values("pk")
    links = Search.objects.filter(share_token__isnull=False, pk__in=over).order_by("-created_at", "pk")
    return links.select_related("owner").prefetch_related("datasets")


@transaction.atomic
def revoke_link(search: UUID, *, by: User) -> bool:
    """Revoke somebody's share link; the search stays its owner's. False: it was revoked already."""
    revoked = Search.objects.filter(pk=search, share_token__isnull=False).update(share_token=None)
    if revoked:
        row = Search.objects.select_related("owner").get(pk=search)
        names = list(row.datasets.values_list("name", flat=True))
        audit.record(by, "revoke-share-link", f"search {row.pk}", owner=row.owner_id, datasets=names)
    return bool(revoked)
