"""The page on which curators see who shared searches, and revoke links."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import curator_required, signed_in
from retrieval.search.services import sharing

PAGE = 50


@curator_required
@never_cache
@require_safe
def share_links(request: HttpRequest) -> HttpResponse:
    """List the share links into all data sets, or into the one that the URL names."""
    slug = request.GET.get("dataset", "")
    links = sharing.links_into(request.user)
    if slug:
        links = links.filter(datasets__slug=slug)
    page = Paginator(links, PAGE).get_page(request.GET.get("page"))
    return render(request, "retrieval/share_links.html", {"page": page, "slug": slug})


@curator_required
@require_POST
def revoke(request: HttpRequest, pk: str) -> HttpResponse:
    """Revoke a share link."""
    search = get_object_or_404(sharing.links_into(request.user), pk=pk)
    sharing.revoke_link(search.pk, by=signed_in(request))
    messages.success(request, "Link revoked. The owner keeps the search.")
    return redirect("share-links")
