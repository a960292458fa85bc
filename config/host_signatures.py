"""Signatures by which the hosts of a site know each other: whoever has its `SECRET_KEY` can make one.

A signature says when it was made, and nothing of the request: who reads the traffic can use it until it is too old.
"""

import time

from django.core import signing

SECONDS = 300
"""That the time of a signature may differ from this host's."""
SCHEME = "Kindred "


def _signer() -> signing.Signer:
    return signing.Signer(salt="kindred.hosts")


def authorization() -> str:
    """Return the value of the Authorization header of a request to another host of this site."""
    return SCHEME + _signer().sign(str(int(time.time())))


def is_from_a_host(authorization: str) -> bool:
    """Say whether the header of a request was made by a host of this site a moment ago."""
    try:
        made_at = int(_signer().unsign(authorization.removeprefix(SCHEME)))
    except (signing.BadSignature, ValueError):
        return False
    return abs(time.time() - made_at) <= SECONDS
