"""Searches by an encoder on another host find what searches in one process find, and say why where they cannot."""

import logging
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from config import health, host_signatures, pauses
from config.environment import service_url
from config.errors import Busy
from mlcore.errors import CheckpointError, EncoderFailed
from retrieval.errors import EncoderAway, ModelSuspended, ModelUnavailable
from retrieval.models import Model, Search
from retrieval.registry.services import remote_encoders
from retrieval.registry.services.engines import why_pytorch
from retrieval.search.services import encoder_service, model_cache, warm_up
from retrieval.search.services.batches import run_all
from retrieval.search.services.explanations import explain_result
from tests.mlcore.onnx_models import slow_model
from tests.retrieval.encoder import OF_AN_ENCODER, EncoderInProcess, encoder
from tests.retrieval.pictures import jpeg
from tests.retrieval.registry.external import external_model
from tests.retrieval.world import World, full_queue

__all__ = ("encoder",)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_engine")]


def found(search: Search) -> dict[int, tuple[list[int], list[float]]]:
    return {row.model_id: (row.image_ids, [round(score, 5) for score in row.scores]) for row in search.rankings.all()}


def here(world: World, member: User, **changes: Any) -> Search:
    with override_settings(ENCODER_URL=""):
        search: Search = world.ask(member, **changes)
        return search


def refused(answer: Any) -> str:
    assert answer.status_code == 503 and int(answer["Retry-After"]) >= 1, answer.content
    return str(answer.json()["detail"])


# --- what it gives


def test_searches_find_the_same(world: World, member: User, encoder: EncoderInProcess) -> None:
    for changes in ({}, {"upload": jpeg(3)}, {"models": world.models[:1]}):
        assert found(world.ask(member, **changes)) == found(here(world, member, **changes))
    both = "&".join(f"model={model.pk}" for model in world.models)
    one = f"/embed?model={world.models[0].pk}"
    assert encoder.asked == [f"/embed?{both}", f"/embed?{both}", one], (
        "models with one preprocessing are asked together"
    )
    held = {key[0] for key in model_cache.cache._held if isinstance(key, tuple)}
    assert "remote" in held


def test_a_batch_is_embedded_together_in_parts(
    world: World, member: User, encoder: EncoderInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_encoders, "PART_BYTES", 2 * 32 * 32 * 3)
    asked: list[Any] = [
        {"datasets": [world.dataset], "models": world.models, "by": member, "k": 3, "image": image}
        for image in world.test_images[:5]
    ]
    remote = run_all(asked)
    assert len(encoder.asked) == 3, "two squares each"
    with override_settings(ENCODER_URL=""):
        local = run_all(asked)
    assert [found(search) for search in remote] == [found(search) for search in local]  # type: ignore[arg-type]


def test_results_are_explained_alike(world: World, member: User, encoder: EncoderInProcess) -> None:
    search = world.ask(member, upload=jpeg(2))
    ranking = search.rankings.first()
    remote = explain_result(search, ranking.pk, ranking.image_ids[0], member)
    with override_settings(ENCODER_URL=""):
        local = explain_result(search, ranking.pk, ranking.image_ids[0], member)
    assert remote is not None and local is not None
    assert remote.explained_score == pytest.approx(local.explained_score, abs=1e-6)
    assert [cell.x for cell in remote.result.cells] == [cell.x for cell in local.result.cells]
    assert encoder.asked[-1] == f"/explain?model={ranking.model_id}"


def test_curators_see_which_engine_embeds_there(
    world: World, encoder: EncoderInProcess, curator_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = world.models[0]
    assert why_pytorch(model) == ""
    monkeypatch.setattr("mlcore.inference.engine.known_reason", lambda weights, cache: "it cannot be exported")
    assert "it cannot be exported" in curator_client.get(reverse("model", args=[model.pk])).content.decode()
    encoder.raises = [httpx.ConnectError("gone")]
    assert why_pytorch(model) == ""


def test_a_web_process_loads_indexes_and_its_encoder_networks(world: World, encoder: EncoderInProcess) -> None:
    assert warm_up.warm_models() == len(world.models)
    with override_settings(**OF_AN_ENCODER):
        model_cache.cache.clear()
        assert warm_up.warm_encoders() == len(world.models)
        assert {key[0] for key in model_cache.cache._held} == {"model", "trunk"}
    encoder.raises = [httpx.ConnectError("gone")] * len(world.models)
    assert warm_up.warm_models() == 0


def test_an_external_model_embeds_in_a_process_of_the_encoder(
    world: World, member: User, encoder: EncoderInProcess, tmp_path: Path
) -> None:
    model = external_model(world, tmp_path, slow_model())
    encoder.changed = {"ENCODER_SECONDS": 30}
    assert found(world.ask(member, models=[model], upload=jpeg()))[model.pk][0]
    Model.objects.filter(pk=model.pk).update(suspended_at="2026-01-01T00:00:00Z")
    with pytest.raises(ModelSuspended, match="a curator can resume it"):
        world.ask(member, models=[model], upload=jpeg())


# --- what it says instead


def test_a_damaged_model_is_named_and_the_others_go_on(
    world: World, member: User, encoder: EncoderInProcess, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    damaged, sound = world.models
    load = model_cache.encoder_of

    def encoder_of(model: Model) -> Any:
        if model == damaged and not settings.ENCODER_URL:
            raise CheckpointError("its weights are damaged")
        return load(model)

    monkeypatch.setattr(model_cache, "encoder_of", encoder_of)
    search = world.ask(member, upload=jpeg())
    assert set(found(search)) == {sound.pk}
    [[key, problem]] = search.problems
    assert key == damaged.pk and "its weights are damaged" in problem, problem


def test_a_full_queue_tells_when_to_come_again(
    world: World, member: User, member_api: APIClient, encoder: EncoderInProcess
) -> None:
    with full_queue():
        encoder.changed = {"ENGINE_QUEUE": 1}
        member_api.raise_request_exception = False
        body = {"datasets": [world.dataset.pk], "image_id": world.test_images[0].pk}
        assert "many pictures are being searched" in refused(member_api.post("/api/v1/searches/", body))


def test_an_encoder_that_is_away_is_asked_once_in_a_while(
    world: World, member: User, member_api: APIClient, encoder: EncoderInProcess, caplog: pytest.LogCaptureFixture
) -> None:
    member_api.raise_request_exception = False
    body = {"datasets": [world.dataset.pk], "image_id": world.test_images[0].pk}
    encoder.raises = [httpx.ConnectError("refused")]
    with caplog.at_level(logging.WARNING):
        said = refused(member_api.post("/api/v1/searches/", body))
    assert "the encoder does not answer" in said and "http" not in said
    assert "http://encoder:8100" in caplog.text
    refused(member_api.post("/api/v1/searches/", body))
    assert len(encoder.asked) == 1 and not Search.objects.filter(owner=member).exists()
    remote_encoders.pause.end()
    assert member_api.post("/api/v1/searches/", body).status_code == 201


def test_a_connection_that_ended_meanwhile_is_made_anew(world: World, member: User, encoder: EncoderInProcess) -> None:
    encoder.raises = [httpx.RemoteProtocolError("the server disconnected")]
    assert found(world.ask(member))
    assert len(encoder.asked) == 2


def test_one_that_is_slow_is_not_taken_for_dead(world: World, member: User, encoder: EncoderInProcess) -> None:
    encoder.raises = [httpx.ReadTimeout("slow")]
    with pytest.raises(ModelUnavailable, match="takes long") as slow:
        world.ask(member)
    assert not isinstance(slow.value, EncoderAway) and encoder.asked[-1] == "/livez"
    encoder.raises = [httpx.ReadTimeout("hangs"), httpx.ReadTimeout("hangs")]
    with pytest.raises(EncoderAway):
        world.ask(member)
    with pytest.raises(EncoderAway):
        world.ask(member)
    assert len(encoder.asked) == 4


@pytest.mark.parametrize("body", [b"", b"{}", b'{"error": "SystemExit", "message": "x"}', b"<html>"])
def test_what_is_no_answer_of_an_encoder_is_told_apart(
    world: World, encoder: EncoderInProcess, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    for status in (200, 404, 422, 500):
        answer = httpx.Response(status, content=body)
        monkeypatch.setattr(remote_encoders, "_sent", lambda request, answer=answer: answer)
        remote = model_cache.encoder_of(world.models[0])
        squares = np.zeros((2, 32, 32, 3), np.uint8)
        for ask in (remote.embed_pixels, remote.explain_pixels):  # type: ignore[attr-defined]
            with pytest.raises(EncoderAway):
                ask(squares)
        with pytest.raises(EncoderAway):
            remote_encoders.why_pytorch(world.models[0])


def test_callers_of_a_slow_encoder_leave_threads_for_pages(
    world: World, member: User, encoder: EncoderInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_encoders, "_callers", threading.BoundedSemaphore(1))
    with remote_encoders._callers, pytest.raises(Busy, match="many pictures"):
        world.ask(member)
    assert not encoder.asked and world.ask(member)


def test_a_service_that_the_encoder_lacks_is_told_as_it_is() -> None:
    told = httpx.Response(503, json={"error": "StorageAway", "message": "the storage is away", "retry_after": 9})
    raised = remote_encoders._error_in(told)
    assert type(raised) is Busy and str(raised) == "the storage is away" and raised.retry_after == 9
    assert isinstance(remote_encoders._error_in(httpx.Response(502, content="Zwölf".encode("latin-1"))), EncoderAway)


def test_a_host_with_another_secret_is_named(world: World, encoder: EncoderInProcess) -> None:
    encoder.changed = {"SECRET_KEY": "another one"}
    with pytest.raises(EncoderAway, match="refuses this host: its SECRET_KEY differs"):
        remote_encoders.check_encoder()


def test_a_model_that_is_gone_is_told_to_the_other_host(world: World, encoder: EncoderInProcess) -> None:
    answer = remote_encoders._client().get("/models/0", headers={"Authorization": host_signatures.authorization()})
    assert answer.status_code == 404 and answer.json()["message"] == "model 0 is gone"


def test_errors_arrive_as_what_they_are() -> None:
    for error in (
        Busy("wait", retry_after=7), ModelUnavailable("slow"), ModelSuspended("no"), CheckpointError("bad"),
        EncoderFailed("crashed"),
    ):  # fmt: skip
        told = httpx.Response(422, json=encoder_service.as_json(error))
        raised = remote_encoders._error_in(told)
        assert type(raised) is type(error) and str(raised) == str(error)
        assert getattr(raised, "retry_after", None) == getattr(error, "retry_after", None)


# --- who is answered, and what


def post(path: str, body: bytes = b"", **headers: str) -> httpx.Response:
    return remote_encoders._client().post(path, content=body, headers=headers)


def test_only_hosts_of_this_site_are_answered(world: World, encoder: EncoderInProcess) -> None:
    path = f"/embed?model={world.models[0].pk}"
    now = str(int(time.time()))
    other = signing.Signer(key="of another site", salt="kindred.hosts").sign(now)
    someone = signing.Signer(salt="password-reset").sign(now)
    late, early = (signing.Signer(salt="kindred.hosts").sign(str(int(now) + gap)) for gap in (-400, 400))
    assert {post(path, bytes(3072), Authorization=f"Kindred {key}").status_code for key in (other, someone, "")} == {
        401
    }
    assert post("/models/1").status_code == 401 and post("/").status_code == 401
    good = host_signatures.authorization()
    assert post(path, bytes(3072), Authorization=good).status_code == 200
    encoder.changed = {"SECRET_KEY": "another one"}
    with pytest.raises(EncoderAway):
        model_cache.encoder_of(world.models[0]).embed_pixels(np.zeros((1, 32, 32, 3), np.uint8))


@pytest.mark.parametrize(
    ("query", "body", "status", "said"),
    [
        ("model={0}", bytes(3071), 422, "3071 bytes are no squares of 32 pixels"),
        ("model={0}", b"", 422, "no squares"),
        ("model=0", bytes(3072), 503, "model 0 is gone"),
        ("", bytes(3072), 503, "gone"),
        ("model=one", bytes(3072), 400, "invalid literal"),
        ("model={0}", bytes(33 * 2**20), 413, "too long"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    world: World, encoder: EncoderInProcess, query: str, body: bytes, status: int, said: str
) -> None:
    query = query.format(world.models[0].pk)
    answer = post(f"/embed?{query}", body, Authorization=host_signatures.authorization())
    assert answer.status_code == status and said in answer.json()["message"], answer.text


def test_readyz_of_a_web_host_names_the_encoder(
    world: World, encoder: EncoderInProcess, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(health, "_health", health._Health())
    monkeypatch.setattr(health, "NEEDED", ("database", "storage"))
    settings.MEDIA_ROOT.mkdir(exist_ok=True)
    remote_encoders.check_encoder()
    encoder.raises = [httpx.ConnectError("refused")]
    with pytest.raises(EncoderAway, match="does not answer"):
        remote_encoders.check_encoder()
    monkeypatch.setattr(remote_encoders, "_client", lambda: httpx.Client(
        base_url="http://encoder", transport=httpx.MockTransport(lambda request: httpx.Response(503, text="engine"))
    ))  # fmt: skip
    with pytest.raises(EncoderAway, match="is not ready: engine"):
        remote_encoders.check_encoder()


# --- how it is set up


@pytest.mark.parametrize("url", ["encoder:8100", "ftp://host", "http://host/path", "http://key@host", "http://"])
def test_an_address_that_is_none_stops_the_start(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCODER_URL", url)
    with pytest.raises(ImproperlyConfigured, match="ENCODER_URL must be http://host:port"):
        service_url("ENCODER_URL")


def test_the_command_starts_the_server(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, arguments: started.append(arguments))
    settings.ENCODER_PORT = 8101
    call_command("encoder", "--host", "10.0.0.7")
    [arguments] = started
    assert arguments[-1] == "config.encoder:application"
    assert " --host 10.0.0.7 --port 8101 " in " ".join(arguments)


def test_a_pause_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    pause = pauses.Pause()
    assert pause.may_ask() and pause.may_ask()
    pause.begin()
    assert not pause.may_ask()
    monkeypatch.setattr(pauses.time, "monotonic", lambda now=pauses.time.monotonic: now() + pauses.SECONDS)
    assert pause.may_ask() and not pause.may_ask(), "one caller tries, and the others wait for what it finds"
    pause.end()
    assert pause.may_ask() and pause.may_ask()
