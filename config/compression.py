"""Compressed responses: pages and documents that are held in memory, except those that show a secret.

Whoever can make a page repeat a text of theirs, and sees the page's compressed length, may guess a secret in it letter
by letter (BREACH). So pages that show one are sent as they are. The token of forms is masked anew in each response, and
a random length is added to all.
"""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string

SMALLEST, LARGEST = 1000, 4 * 2**20
"""Bytes of what is compressed: less fits into a packet or two; more would keep a thread for a second."""

RANDOM_BYTES = 100
"""How many bytes are added at most."""

TYPES = (
    "text/html",
    "text/plain",
    "text/csv",
    "text/css",
    "application/json",
    "application/problem+json",
    "application/vnd.oai.openapi",
    "application/vnd.oai.openapi+json",
    "image/svg+xml",
)

SECRETS = frozenset(
    {
        "tokens",
        "token-list",
        "mfa_activate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
        "account_reset_password_from_key",
        "account_confirm_email",
    }
)
"""Names of the URLs whose responses show a secret: a token, recovery codes, the key of a link from a mail."""

_takes_gzip = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")

Answer = Callable[[HttpRequest], HttpResponseBase]


def compress(answer: Answer) -> Answer:
    """Return a middleware that compresses what `can_be_compressed`, for those who take it."""

    def compressing(request: HttpRequest) -> HttpResponseBase:
        response = answer(request)
        if not can_be_compressed(request, response):
            return response
        patch_vary_headers(response, ("Accept-Encoding",))
        if not _takes_gzip.search(request.headers.get("Accept-Encoding", "")):
            return response
        whole: bytes = response.content  # type: ignore[attr-defined]  # not streaming
        compressed = compress_string(whole, max_random_bytes=RANDOM_BYTES)
        if len(compressed) >= len(whole):
            return response
        response.content = compressed  # type: ignore[attr-defined]
        response["Content-Length"] = str(len(compressed))
        response["Content-Encoding"] = "gzip"
        etag = response.get("ETag", "")
        if etag.startswith('"'):
            response["ETag"] = f"W/{etag}"  # the same document in other bytes
        return response

    return compressing


def can_be_compressed(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Say whether a response is held in memory, of a kind and size that is worth it, and shows no secret."""
    if response.streaming or response.has_header("Content-Encoding"):
        return False
    match = request.resolver_match
    if match is not None and match.url_name in SECRETS:
        return False
    kind = response.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind in TYPES and SMALLEST <= len(response.content) <= LARGEST  # type: ignore[attr-defined]
