"""Context of every page: what the visitor may do, and where mail goes."""

from django.conf import settings
from django.http import HttpRequest

from accounts.roles import is_admin, is_curator, lacks_second_factor


def roles(request: HttpRequest) -> dict[str, bool]:
    """Give `can_curate`, `can_administer`, and whether a second factor is missing for what the role allows."""
    user = request.user
    return {
        "can_curate": is_curator(user),
        "can_administer": is_admin(user),
        "second_factor_due": lacks_second_factor(user),
    }


def mail(request: HttpRequest) -> dict[str, object]:
    """Give `mail_folder`, the folder of mails without a mail server, and whether signing in needs a confirmed address.

    `mail_folder` is None when mail is really sent.
    """
    to_files = settings.EMAIL_BACKEND.endswith("filebased.EmailBackend")
    return {
        "mail_folder": settings.EMAIL_FILE_PATH if to_files else None,
        "confirmation_first": settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory",
    }
