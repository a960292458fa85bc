"""Signatures by which the hosts of a site know each other: whoever has its `SECRET_KEY` can make one."""

from django.core import signing

SECONDS = 300
"""That a signature holds. The clocks of two hosts may differ by so much."""
SCHEME = "Kindred "


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="kindred.hosts")


def authorization() -> str:
    """Return the value of the Authorization header of a request to another host of this site."""
    return SCHEME + _signer().sign("host")


def is_from_a_host(authorization: str) -> bool:
    """Say whether the header of a request was made by a host of this site a moment ago."""
    try:
        return _signer().unsign(authorization.removeprefix(SCHEME), max_age=SECONDS) == "host"
    except signing.BadSignature:
        return False
