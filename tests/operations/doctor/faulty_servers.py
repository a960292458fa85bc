"""Servers that are wrong in one way, each as much of its protocol as a client speaks before it gives up."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


def refusing_postgresql(there: socket.socket) -> None:
    """Ask for a password, and refuse it as PostgreSQL does."""
    while True:
        length, code = struct.unpack("!II", _exactly(there, 8))
        _exactly(there, length - 8)
        if code == 80877103:  # may the connection be encrypted?
            there.sendall(b"N")
            continue
        break
    there.sendall(b"R" + struct.pack("!II", 8, 3))  # a password in clear text, please
    _, length = struct.unpack("!cI", _exactly(there, 5))
    _exactly(there, length - 4)
    fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "mia"\0\0'
    there.sendall(b"E" + struct.pack("!I", len(fields) + 4) + fields)


def refusing_redis(there: socket.socket) -> None:
    """Refuse every password as Redis does, and everything else without one."""
    while command := there.recv(4096):
        auth = b"AUTH" in command.upper()
        reason = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
        there.sendall(reason if auth else b"-NOAUTH Authentication required.\r\n")


def refusing_mail(there: socket.socket) -> None:
    """Refuse every account as a mail server does."""
    there.sendall(b"220 mail\r\n")
    while line := there.recv(4096):
        if line.upper().startswith(b"EHLO"):
            there.sendall(b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n")
        elif line.upper().startswith(b"QUIT"):
            there.sendall(b"221 bye\r\n")
        else:
            there.sendall(b"535 5.7.8 Authentication credentials invalid\r\n")


def silent(there: socket.socket) -> None:
    """Take what comes, and answer nothing."""
    while there.recv(4096):
        pass


def _exactly(there: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = there.recv(count - len(data))
        if not piece:
            raise OSError("the client has left")
        data += piece
    return data


Answer = tuple[int, bytes]
Fault = Callable[[str, str, dict[str, str]], Answer | None]
"""Given method, path and headers, which it may change: what to answer instead of passing the request on."""


def error(code: str, status: int) -> Answer:
    """Return an answer of S3 with this code."""
    return status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


@contextmanager
def faulty_s3(address: str, fault: Fault, *, clock: float = 0.0) -> Iterator[str]:
    """Yield the address of a server that passes requests on to a real one but for the fault.

    clock: seconds since 1970 that it says it is, if given.
    """

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            dropped = ("connection", "transfer-encoding", "content-length")
            headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in dropped}
            answer = fault(self.command, self.path, headers)
            if answer is None:
                with httpx.Client() as client:
                    got = client.request(self.command, f"{address}{self.path}", headers=headers, content=body)
                self._send(got.status_code, got.content, dict(got.headers))
            else:
                self._send(*answer, {"content-type": "application/xml"})

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            own = ("connection", "transfer-encoding", "date", "content-encoding")
            for name, value in headers.items():
                if name.lower() not in own and not (name.lower() == "content-length" and self.command != "HEAD"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Date", formatdate(clock or None, usegmt=True))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
