"""Fetching a picture from a URL, without giving anybody access to the network that this site is in.

Only public hosts are contacted, on the ports of the web. A name is resolved once, its IP addresses are checked, and
the connection goes to a checked one, so a second resolution with another result gains nothing; every redirect goes
the same way. Proxies of the environment are never used: httpcore has none by default.
"""

import ipaddress
import math
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore
import httpx
from django.conf import settings

from config.errors import Busy, Rejected
from retrieval.search.services.turns import turns

REDIRECTS = 4
REDIRECTING = (301, 302, 303, 307, 308)
HEADERS: dict[bytes | str, bytes | str] = {"User-Agent": "Kindred", "Accept": "image/*", "Accept-Encoding": "identity"}
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
UNICAST = ipaddress.IPv6Network("2000::/3")  # what of IPv6 is handed out to the world
# Python 3.11 takes the first for public (an older metadata service of Oracle's cloud lies in it); the second is the
# host that serves Azure's own machines. Both answer to machines inside a cloud only.
INSIDE_CLOUDS = tuple(ipaddress.IPv4Network(network) for network in ("192.0.0.0/24", "168.63.129.16/32"))
PORTS = (None, 80, 443)  # None is the usual one of the scheme; services of others listen elsewhere
# getaddrinfo knows no time limit, so it runs beside the request; a slow server of names holds these threads at most.
LOOKUPS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="lookup")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchedTooLate(Busy):
    """The time for all pictures that are fetched together is over; this one may be fetched later."""


@turns.left()
def fetch_picture(url: str, until: float = math.inf) -> bytes:
    """Return the bytes at a URL; whether they are a picture is checked by the reader.

    until: the monotonic time when the time for all pictures that are fetched together is over.

    Raises:
        Rejected: fetching is disabled, or the URL cannot be fetched: no http, not public, too slow, too large,
            too many redirects, no such file.
        FetchedTooLate: `until` came before its own seconds were over.
    """
    if not settings.FETCH:
        raise Rejected("this site does not fetch pictures from links; save the picture and upload the file")
    deadline = min(time.monotonic() + settings.FETCH_SECONDS, until)
    where = _parsed(url)
    try:
        _left(deadline)  # no host is looked up once time is over
        with httpcore.ConnectionPool(ssl_context=_tls(), network_backend=_PublicOnly(deadline)) as pool:
            for _ in range(REDIRECTS + 1):
                body_or_target = _body_or_target(pool, where)
                if isinstance(body_or_target, bytes):
                    return body_or_target
                where = _parsed(body_or_target, where)
    except httpcore.TimeoutException:
        if deadline == until:
            raise FetchedTooLate(f"no time was left to fetch from {where.host}; try it again") from None
        raise Rejected(f"{where.host} took longer than {settings.FETCH_SECONDS:g} seconds; try again later") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise Rejected(f"{where.host} cannot be reached: {error}") from None
    raise Rejected(f"{url[:80]} redirects too often (limit {REDIRECTS})")


def _parsed(url: str, redirected_from: httpx.URL | None = None) -> httpx.URL:
    """Return a URL in its parts; the target of a redirect may be relative to the URL that redirects."""
    try:
        where = redirected_from.join(url.strip()) if redirected_from else httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        raise Rejected(f"{url[:80]} is not a URL") from None
    if where.scheme not in ("http", "https") or not where.host:
        raise Rejected(f"{url[:80]} is not a URL that starts with http:// or https://")
    if where.userinfo:
        raise Rejected("a URL with a user name or a password is not fetched; leave them out")
    if where.port not in PORTS:
        raise Rejected(f"port {where.port} is not one of the web (80 and 443); save the picture and upload the file")
    return where


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _body_or_target(pool: httpcore.ConnectionPool, where: httpx.URL) -> bytes | str:
    """Return the bytes at a URL, or the URL that it redirects to."""
    url = httpcore.URL(scheme=where.raw_scheme, host=where.raw_host, port=where.port, target=where.raw_path)
    with pool.stream("GET", url, headers=HEADERS) as response:
        headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in REDIRECTING and b"location" in headers:
            return headers[b"location"]
        if response.status != 200:
            raise Rejected(f"{where.host} answered {response.status} instead of a picture")
        if headers.get(b"content-type", "").startswith("text/html"):
            raise Rejected("that link is a web page; copy the link of the picture itself")
        return b"".join(_bounded(response.iter_stream(), where.host))


def _bounded(chunks: Iterable[bytes], host: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > settings.PICTURE_MAX_BYTES:
            raise Rejected(f"the file at {host} is larger than {settings.PICTURE_MAX_BYTES // 2**20} MB")
        yield chunk


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet, also when it stands within another.

    `is_global` is not enough: 64:ff9b::7f00:1 and 2002:7f00:1:: are global, and mean 127.0.0.1.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and not any(ip in network for network in INSIDE_CLOUDS)
    if ip.ipv4_mapped:
        return is_public(str(ip.ipv4_mapped))
    if ip in NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    if ip.sixtofour and not is_public(str(ip.sixtofour)):
        return False
    return ip in UNICAST and ip.is_global and not ip.is_multicast


def _public_address(host: str, port: int, deadline: float) -> str:
    """Return the first address of a host; all of them must be public."""
    lookup = LOOKUPS.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        entries = lookup.result(_left(deadline))
    except TimeoutError:
        lookup.cancel()
        raise httpcore.ConnectTimeout(f"the name {host[:80]} was not resolved in time") from None
    except (socket.gaierror, UnicodeError):
        raise Rejected(f"there is no host {host[:80]}") from None
    addresses = [str(entry[4][0]) for entry in entries]
    if not all(is_public(address) for address in addresses):
        raise Rejected(f"{host[:80]} is not on the public internet; save the picture and upload the file")
    return addresses[0]


class _PublicOnly(httpcore.SyncBackend):
    """Connects to checked addresses; TLS still asks for the name, which httpcore passes on by itself."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.NetworkStream:
        address = _public_address(host, port, self.deadline)
        options["timeout"] = _left(self.deadline)  # never what the pool would grant
        return _Hurried(super().connect_tcp(address, port, **options), self.deadline)

    def connect_unix_socket(self, *args: Any, **options: Any) -> httpcore.NetworkStream:
        raise Rejected("only URLs of the web are fetched")


class _Hurried(httpcore.NetworkStream):
    """A stream whose every step has only the time that is left: a host that drips bytes is left, too."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self.stream, self.deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, _left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, _left(self.deadline))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self.stream.start_tls(ssl_context, server_hostname, _left(self.deadline))
        return _Hurried(secured, self.deadline)

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("time is up")
    return left
