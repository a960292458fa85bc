"""An encoder for other hosts that runs within the test: the real client, protocol and pages, without a socket."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import override_settings
from pytest_django import Settings

from config import encoder_settings
from retrieval.registry.services import remote_encoders
from retrieval.search.services import model_cache

OF_AN_ENCODER = {
    name: getattr(encoder_settings, name)
    for name in ("ROOT_URLCONF", "MIDDLEWARE", "ENCODER_URL", "DATA_UPLOAD_MAX_MEMORY_SIZE")
}


class EncoderInProcess(httpx.BaseTransport):
    """Answers as the process of an encoder does. asked: paths of requests; raises: what the network does instead."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.raises: list[Exception | None] = []
        self.changed: dict[str, object] = {}  # settings that the encoder alone has

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode().partition("patience")[0].rstrip("&"))
        problem = self.raises.pop(0) if self.raises else None
        if problem is not None:
            raise problem
        with override_settings(**OF_AN_ENCODER, **self.changed), _kept_connections():
            answer = httpx.WSGITransport(WSGIHandler()).handle_request(request)
            body = answer.read()
            answer.close()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


@contextmanager
def _kept_connections() -> Iterator[None]:
    """Leave the test's transaction open: a request closes connections when it begins and ends."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.fixture
def encoder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[EncoderInProcess]:
    """Let this process embed by an encoder on another host."""
    settings.ENCODER_URL = "http://encoder:8100"
    transport = EncoderInProcess()
    client = httpx.Client(base_url=settings.ENCODER_URL, transport=transport)
    monkeypatch.setattr(remote_encoders, "_client", lambda: client)
    remote_encoders.pause.end()
    yield transport
    remote_encoders.pause.end()
    for key in [key for key in model_cache.cache._held if key[0] == "remote"]:
        model_cache.cache.forget(key)
