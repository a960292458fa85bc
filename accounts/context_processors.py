"""What every page may ask of who is looking."""

from django.http import HttpRequest

from accounts.roles import is_curator


def roles(request: HttpRequest) -> dict[str, bool]:
    """Give `can_curate`."""
    return {"can_curate": is_curator(request.user)}
