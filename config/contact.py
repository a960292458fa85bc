"""How to reach whoever runs the site: KINDRED_CONTACT, shown in the footer."""

from django.conf import settings
from django.http import HttpRequest


def contact(request: HttpRequest) -> dict[str, str]:
    """Give `contact` and `contact_url` to templates, empty where no contact is set: a context processor."""
    address: str = settings.CONTACT
    is_mail = "@" in address and "://" not in address
    return {"contact": address, "contact_url": f"mailto:{address}" if is_mail else address}
