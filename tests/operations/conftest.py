"""A healthy site, for faults to be planted in, and servers that are wrong in one way each."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from config.places import keep_private_folder
from operations.services.doctor import versions
from tests.operations.doctoring import Doctor

Talk = Callable[[socket.socket], None]
"""What a server does with a connection; it is closed afterwards."""


@pytest.fixture
def healthy(transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """Return a doctor that has just found no failure; checks have connections of their own, so rows are committed."""
    for folder in (settings.VAR_DIR, settings.MEDIA_ROOT, settings.CACHE_DIR):
        keep_private_folder(Path(folder))
    settings.EMAIL_FILE_PATH = keep_private_folder(Path(settings.VAR_DIR) / "mail")
    if connection.vendor == "sqlite":
        for file in Path(connection.settings_dict["NAME"]).parent.glob("*.sqlite3*"):
            file.chmod(0o600)
    monkeypatch.setattr(versions, "LIBRARIES", {"hnswlib": "import hnswlib"})  # torch takes seconds
    return Doctor().found_healthy()


@pytest.fixture
def serve() -> Iterator[Callable[[Talk], int]]:
    """Return a function that starts a server on this machine and returns its port."""
    with ExitStack() as ends:

        def start(talk: Talk, host: str = "127.0.0.1") -> int:
            listening = ends.enter_context(socket.create_server((host, 0)))
            threading.Thread(target=_accept, args=(listening, talk), daemon=True).start()
            return int(listening.getsockname()[1])

        yield start


def _accept(listening: socket.socket, talk: Talk) -> None:
    while True:
        try:
            there, _ = listening.accept()
        except OSError:  # the test is over
            return
        threading.Thread(target=_talk, args=(there, talk), daemon=True).start()


def _talk(there: socket.socket, talk: Talk) -> None:
    with there:
        there.settimeout(10)
        try:
            talk(there)
        except OSError:  # the client has left
            return
