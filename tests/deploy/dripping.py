"""Clients that send a form one byte a second, and what another client sees of the site meanwhile.

python -m tests.deploy.dripping PORT SECONDS CONNECTIONS
"""

import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

FORM = (
    b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Cookie: csrftoken=" + b"a" * 32 + b"\r\nContent-Length: 60000\r\n\r\n"  # without the cookie no form is read
)


@contextmanager
def dripping(port: int, connections: int) -> Iterator[list[bytes]]:
    """Keep so many connections dripping, each anew when it is cut; yield the first lines of what they were told."""
    over, told = threading.Event(), list[bytes]()
    threads = [threading.Thread(target=_drip, args=(port, over, told), daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        over.set()
        for thread in threads:
            thread.join(10)


def _drip(port: int, over: threading.Event, told: list[bytes]) -> None:
    while not over.is_set():
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(FORM)
            client.settimeout(1)
            while not over.is_set():
                client.sendall(b"a")
                with suppress(TimeoutError):
                    answer = client.recv(2**16)
                    told.append(answer.split(b"\r\n")[0])
                    break


def waited(port: int, seconds: float) -> list[float]:
    """Ask for the leaderboard for so long; return how many seconds each answer took."""
    until, took = time.monotonic() + seconds, list[float]()
    while time.monotonic() < until:
        began = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/leaderboard/", timeout=300) as answer:
            answer.read()
        took.append(time.monotonic() - began)
        time.sleep(0.2)
    return took


if __name__ == "__main__":
    port, seconds, connections = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    waited(port, 0.1)  # the first answer of a process loads much
    with dripping(port, connections):
        time.sleep(2)
        took = waited(port, seconds)
    sys.stdout.write(f"{len(took)} answers, the slowest after {max(took):.2f} s\n")
