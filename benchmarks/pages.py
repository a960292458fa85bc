"""How long the server takes over each page that needs no search, beside Django's own sign-in page.

Pages are asked for in this process, as an admin, of the site whose files KINDRED_VAR names (`make demo` fills var/).
Every page without a number in its address is measured; the budget is 200 ms.
"""

import os
import time
from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING

import django
from django.urls import NoReverseMatch, get_resolver, reverse

from benchmarks.measuring import Result, parser, report

if TYPE_CHECKING:
    from django.test import Client

REPEATS, QUICK_REPEATS = 20, 2


def addresses() -> Iterator[tuple[str, str]]:
    """Give the name and address of each page, but for the API's and the admin's."""
    for name in sorted(name for name in get_resolver().reverse_dict if isinstance(name, str)):
        try:
            address = reverse(name)
        except NoReverseMatch:  # it names one thing
            continue
        if not address.startswith("/api/"):
            yield name, address


def measure(repeats: int) -> dict[str, Result]:
    """Return the median milliseconds of each page that answers with HTML."""
    from django.test import Client

    from accounts.models import User

    admin = User.objects.filter(is_superuser=True).first()
    if admin is None:
        raise SystemExit("this site has no admin: run `make demo` first, or name its folder in KINDRED_VAR")
    client, stranger = Client(HTTP_HOST="localhost"), Client(HTTP_HOST="localhost")
    client.force_login(admin)
    peer = _median_ms(stranger, "/admin/login/", repeats)
    found: dict[str, Result] = {"Django's own sign-in page": {"ms": peer, "ratio": 1.0}}
    for name, address in addresses():
        answer = client.get(address)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            ms = _median_ms(client, address, repeats)
            found[name] = {"ms": ms, "ratio": round(ms / peer, 1)}
    return found


def _median_ms(client: "Client", address: str, repeats: int) -> float:
    taken = []
    client.get(address)  # the first loads templates
    for _ in range(repeats):
        started = time.perf_counter()
        client.get(address)
        taken.append(time.perf_counter() - started)
    return round(1000 * median(taken), 1)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    chosen = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    figures = measure(QUICK_REPEATS if chosen.quick else REPEATS)
    slowest = max(figures, key=lambda name: float(figures[name]["ms"]))
    notes = [f"slowest: {slowest}, {figures[slowest]['ms']} ms of a budget of 200 ms"]
    report(figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
