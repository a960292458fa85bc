"""What must not reach the log: secrets, e-mail addresses, query strings, and characters that forge lines."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest

HIDDEN = "***"
SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bkin_\w+"), f"kin_{HIDDEN}"),  # an API token
    (re.compile(r"\b(Bearer)\s+\S+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"(://[^\s/:@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),  # the password in a URL of a service
    (re.compile(r"(/[^\s?'\"<>]*)\?[^\s'\"<>]+"), rf"\1?{HIDDEN}"),  # a query string
    (re.compile(r"[\w.+-]+@([\w-]+\.[\w.-]+)"), rf"{HIDDEN}@\1"),  # an e-mail address
)
SECRET_PARTS = ("key", "token")
"""Parts of URLs that open something: links of mails, share links."""
SHORTEST_SECRET = 8
"""Characters; what is shorter is no such link."""
LONG_PART = re.compile(r"(?<=/)[^/\s]{16,}")
"""Of a URL that leads nowhere: perhaps such a link, mistyped."""

# Control characters; line and paragraph separators; those that turn the direction of text.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def without_secrets(text: str, request: "HttpRequest | None") -> str:
    """Return a text of the log without secrets, those in the URL of its request among them."""
    match = request.resolver_match if request is not None else None
    if match is not None:
        for value in (str(match.kwargs.get(part, "")) for part in SECRET_PARTS):
            text = text.replace(value, HIDDEN) if len(value) >= SHORTEST_SECRET else text
    elif request is not None and LONG_PART.search(request.path):
        text = text.replace(request.path, LONG_PART.sub(HIDDEN, request.path))
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return text


def printable(text: str) -> str:
    r"""Return a text in one line: a newline in it becomes `\n`."""
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
