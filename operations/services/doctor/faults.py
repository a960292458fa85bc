"""What the errors of servers have in common, whatever library raises them, and what to do about each."""

from operations.services.doctor.findings import Finding, failure
from operations.services.doctor.masking import brief

KINDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("certificate", "ssl", "tls", "peer cert"),
        "is not trusted",
        "Renew its certificate, or correct the clock and the host name in {variable}.",
    ),
    (
        ("password", "auth", "credential", "access_refused", "login", "535", "role ", "wrongpass", "noauth"),
        "refuses this site's account",
        "Correct the user and the password in {variable}, or let the account be renewed.",
    ),
    (
        ("does not exist", "not found", "no such"),
        "lacks what the URL names",
        "Create it, or correct its name in {variable}.",
    ),
    (
        ("name or service", "resolve", "resolution", "getaddrinfo", "nodename"),
        "has a host name that leads nowhere",
        "Correct the host in {variable}, or the name server of this machine.",
    ),
    (
        ("readonly", "read-only", "unable to open", "permission denied"),
        "cannot be opened or written",
        "Give the user of the site the rights to it; see {variable}.",
    ),
)
"""Words of an error in lower case, what they mean, and the way out; the first that fits is told."""

AWAY = ("does not answer", "Start it, or correct host and port in {variable}. See whether a firewall is between.")


def explained(error: BaseException, what: str, variable: str, otherwise: str = "") -> Finding:
    """Return the finding of an error. what: the subject of the sentence. otherwise: the way out if it is away."""
    text = f"{type(error).__name__} {error}".lower()
    fitting = [(meaning, way_out) for words, meaning, way_out in KINDS if any(word in text for word in words)]
    meaning, way_out = fitting[0] if fitting else (AWAY[0], otherwise or AWAY[1])
    return failure(f"{what} {meaning}: {brief(error).rstrip('.')}.", way_out.format(variable=variable))
