"""Files that the server gives, read into memory or saved."""

import csv
import io
import json
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

import httpx

from kindred_client.tables import Table

CHUNK = 2**20  # bytes
T = TypeVar("T")
Fetch = Callable[[Callable[[httpx.Response], Any]], Any]


class Download:
    """A file of the server. Nothing is asked before `read`, `text`, `table` or `save`."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def read(self) -> bytes:
        content: bytes = self._fetch(lambda response: response.read())
        return content

    def text(self) -> str:
        return self.read().decode()

    def table(self) -> Table:
        """Read a CSV or JSON file of rows."""
        text = self.text()
        if text.lstrip("\ufeff").startswith(("[", "{")):
            rows = json.loads(text)
            return Table.of(rows if isinstance(rows, list) else [rows])
        return Table(csv.DictReader(io.StringIO(text)))

    def save(self, to: str | Path) -> Path:
        """Save under that path, or in that folder by the name the server gives; whole or not at all."""
        path: Path = self._fetch(lambda response: _save(response, Path(to)))
        return path


def _save(response: httpx.Response, to: Path) -> Path:
    path = to / name_of(response) if to.is_dir() else to
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        scratch = Path(file.name)
        try:
            for chunk in response.iter_bytes(CHUNK):
                file.write(chunk)
        except BaseException:
            scratch.unlink()
            raise
    scratch.chmod(0o644)  # a temporary file is for its maker's eyes only
    return scratch.replace(path)


def name_of(response: httpx.Response) -> str:
    """Return the name the server gives its file, as a bare name; else the last part of its URL."""
    header = Message()
    header["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    name = header.get_filename() or response.url.path.rstrip("/").rpartition("/")[2]
    return Path(name.replace("\\", "/")).name or "download"
