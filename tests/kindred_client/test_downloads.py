from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kindred_client import NotFound
from tests.kindred_client.scripted import Server, refuses


def breaking(request: httpx.Request) -> httpx.Response:
    def half() -> Iterator[bytes]:
        yield b"half of"
        raise httpx.ReadError("connection reset")

    return httpx.Response(200, content=half())


def named(disposition: str) -> httpx.Response:
    return httpx.Response(200, content=b"whole", headers={"Content-Disposition": disposition})


def test_a_file_that_broke_off_is_asked_for_again(tmp_path: Path) -> None:
    server = Server(breaking, httpx.Response(200, content=b"the whole file"))
    saved = server.client().models.file(3, "weights").save(tmp_path / "w.safetensors")
    assert saved.read_bytes() == b"the whole file"
    assert list(tmp_path.iterdir()) == [saved]


def test_nothing_is_asked_before_it_is_read() -> None:
    server = Server(httpx.Response(200, content=b"whole"))
    file = server.client().images.file(1)
    assert not server.requests
    assert file.read() == b"whole"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="model-3.zip"', "model-3.zip"),
        ('attachment; filename="../../passwords"', "passwords"),
        ('attachment; filename="..\\\\..\\\\passwords"', "passwords"),
        ("attachment; filename*=utf-8''%C3%BC.zip", "ü.zip"),
        ("inline", "weights"),
    ],
)
def test_a_file_is_saved_by_its_bare_name(tmp_path: Path, disposition: str, name: str) -> None:
    saved = Server(named(disposition)).client().models.file(3, "weights").save(tmp_path)
    assert saved == tmp_path / name


def test_a_file_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Server(refuses(404)).client().models.file(3, "weights").save(tmp_path / "w")
    assert not list(tmp_path.iterdir())
