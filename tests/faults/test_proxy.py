"""The proxy passes on, cuts, refuses and hangs."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Return a proxy before a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=echo_all, args=[server], daemon=True).start()
        proxy = Proxy(server.getsockname()[1])
        yield proxy
        proxy.close()
        server.shutdown(socket.SHUT_RDWR)


def echo_all(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=echo, args=[connection], daemon=True).start()


def echo(connection: socket.socket) -> None:
    with connection:
        while piece := connection.recv(1000):
            connection.sendall(piece)


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def asked(connection: socket.socket, words: bytes = b"hello") -> bytes:
    connection.sendall(words)
    return connection.recv(1000)


def test_it_passes_on_in_both_directions(proxy: Proxy) -> None:
    with connected(proxy) as first, connected(proxy) as second:
        assert (asked(first, b"one"), asked(second, b"two")) == (b"one", b"two")
        first.shutdown(socket.SHUT_WR)
        assert first.recv(1000) == b"", "the end of a direction is passed on too"


def test_it_cuts_every_connection_and_accepts_new_ones(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        assert asked(connection) == b"hello"
        proxy.cut()
        assert connection.recv(1000) == b""
    with connected(proxy) as connection:
        assert asked(connection) == b"hello"


def test_a_service_that_is_away_refuses_until_it_is_back(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        assert asked(connection) == b"hello"
        proxy.away()
        assert connection.recv(1000) == b""
    with pytest.raises(ConnectionRefusedError):
        connected(proxy)
    proxy.back()
    with connected(proxy) as connection:
        assert asked(connection) == b"hello"


def test_one_that_hangs_accepts_and_says_nothing_until_it_goes_on(proxy: Proxy) -> None:
    proxy.hang()
    with connected(proxy) as connection:
        connection.sendall(b"late")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1000)
        connection.settimeout(10)
        proxy.resume()
        assert connection.recv(1000) == b"late"
