"""An offer to undo the last deletion, shown on every page for thirty seconds.

A view that has deleted something calls `offer_undo` with the URL that brings it back. That view calls `withdraw_undo`.
"""

from datetime import timedelta
from typing import TypedDict

from django.http import HttpRequest
from django.utils import timezone

UNDO_SECONDS = 30
"""How long an offer is shown. What can be undone must be kept a little longer, for the request to arrive."""

KEY = "undo"


class Offer(TypedDict):
    """What was deleted, in a sentence; where a POST with `fields` brings it back; until when, as a Unix time."""

    text: str
    url: str
    fields: dict[str, str]
    until: float


def offer_undo(request: HttpRequest, text: str, url: str, **fields: object) -> None:
    """Show `text` with an Undo button that sends `fields` to `url`. A new offer takes the place of the one before."""
    until = timezone.now() + timedelta(seconds=UNDO_SECONDS)
    written = {name: str(value) for name, value in fields.items()}
    request.session[KEY] = Offer(text=text, url=url, fields=written, until=until.timestamp())


def withdraw_undo(request: HttpRequest) -> None:
    """Show no offer any more: it was taken."""
    request.session.pop(KEY, None)


def undo(request: HttpRequest) -> dict[str, object]:
    """Return the offer and the seconds left of it to templates: a context processor."""
    offer: Offer | None = request.session.get(KEY) if hasattr(request, "session") else None
    left = offer["until"] - timezone.now().timestamp() if offer else 0
    return {"undo_offer": offer, "undo_seconds": round(left)} if left >= 1 else {}
