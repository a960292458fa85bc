"""A TCP proxy between the site and a service, which can do what networks and restarts do."""

import contextlib
import socket
import threading

from tests.ports import free_port

PIECE = 2**16
BACKLOG = 128


class Proxy:
    """Passes bytes on to a port of this machine. `port` is where it listens, also after the service was away."""

    def __init__(self, target: int) -> None:
        self.target, self.port = target, free_port()
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._open = set[socket.socket]()
        self._listener: socket.socket | None = None
        self.back()

    def back(self) -> None:
        """Accept connections."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(BACKLOG)
        self._listener = listener
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def away(self) -> None:
        """Cut every connection and refuse new ones, as a machine does whose service has ended."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Cut every connection, and accept new ones."""
        with self._lock:
            cut, self._open = self._open, set()
        for end in cut:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # which wakes the thread that reads; it closes them

    def hang(self) -> None:
        """Accept connections, and pass nothing on."""
        self._flowing.clear()

    def resume(self) -> None:
        """Pass on what has waited."""
        self._flowing.set()

    def close(self) -> None:
        """End it, and every connection."""
        self.away()
        self.resume()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=[source, sink], daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(PIECE):
                self._flowing.wait()
                sink.sendall(piece)
        except OSError:
            pass
        finally:
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_WR)
            with self._lock:
                self._open.discard(source)
            source.close()
