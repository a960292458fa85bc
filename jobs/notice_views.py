"""Pages of notices: one's list, what opens one, and the switch for mails."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import signed_in
from jobs import notices as services

PAGE = 50


@login_required
@never_cache
@require_GET
def every_notice(request: HttpRequest) -> HttpResponse:
    """List one's notices, newest first."""
    user = signed_in(request)
    page = Paginator(services.notices_of(user), PAGE).get_page(request.GET.get("page"))
    return render(request, "jobs/notices.html", {"page": page, "is_mailed": bool(user.notices_origin)})


@login_required
@require_POST
def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a notice as read and lead to its page."""
    notice = get_object_or_404(services.notices_of(signed_in(request)), pk=pk)
    services.mark_read(services.notices_of(signed_in(request)).filter(pk=pk))
    return redirect(notice.url)


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all notices as read."""
    services.mark_read(services.notices_of(signed_in(request)))
    return redirect("notices")


@login_required
@require_POST
def mailing(request: HttpRequest) -> HttpResponse:
    """Turn mails about ended work on or off."""
    origin = request.build_absolute_uri("/").rstrip("/") if request.POST.get("mail") else ""
    services.set_mailing(signed_in(request), origin)
    return redirect("notices")
