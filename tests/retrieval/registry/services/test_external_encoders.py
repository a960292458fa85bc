"""An external model that hangs is given up and, the third time, suspended; other models answer meanwhile."""

import io
import os
import shutil
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from PIL import Image as Pictures
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from config.errors import Busy, NothingSearchable, Rejected
from jobs.models import Job
from mlcore.inference import onnx_network
from mlcore.inference.encoder_process import EncoderProcess
from ratings.services import ballots
from retrieval.errors import ModelSuspended, ModelUnavailable
from retrieval.models import Model, Search
from retrieval.registry.services import external_encoders as services
from retrieval.registry.services.indexes import submit_index
from retrieval.search.services import model_cache
from retrieval.search.services.explanations import explain_result
from retrieval.search.services.results import problems_of
from retrieval.search.services.run_search import run_search
from tests.mlcore.inference.test_encoder_process import is_gone
from tests.mlcore.onnx_models import loop_tail, onnx_model, slow_model
from tests.retrieval.pictures import jpeg
from tests.retrieval.registry.external import external_model
from tests.retrieval.world import World, done, failed, replaced

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_engine")]


def white() -> bytes:
    stored = io.BytesIO()
    Pictures.new("RGB", (64, 64), "white").save(stored, "JPEG")
    return stored.getvalue()


@pytest.fixture
def slow(world: World, tmp_path: Path, settings: Settings) -> Model:
    """A model that takes a minute for a white picture; a batch may take a second."""
    settings.ENCODER_SECONDS = 1
    return external_model(world, tmp_path, slow_model())


def search(world: World, models: list[Model], by: User, picture: bytes = b"") -> Search:
    return run_search(datasets=[world.dataset], models=models, k=3, by=by, upload=picture or jpeg())


def test_other_models_give_results_when_one_hangs(world: World, slow: Model, member: User) -> None:
    found = search(world, [*world.models, slow], member, white())
    assert {ranking.model for ranking in found.rankings.all()} == set(world.models)
    (problem,) = problems_of(Search.objects.get(pk=found.pk))
    assert problem.record == slow and "did not answer within 1 s" in problem.detail
    assert not any(place.process and not place.process.has_ended for place in services.pool._places.values())


def test_a_page_of_a_search_says_which_model_gave_no_results(
    world: World, slow: Model, member_client: Client, member_api: APIClient, member: User
) -> None:
    found = search(world, [*world.models, slow], member, white())
    page = member_client.get(f"/searches/{found.pk}/").content.decode()
    assert "Theirs gave no results" in page
    said = member_api.get(f"/api/v1/searches/{found.pk}/").json()["problems"]
    assert [(row["model"], row["model_name"]) for row in said] == [(slow.pk, "Theirs")]


def test_a_search_of_the_hanging_model_alone_is_told_to_come_again(
    world: World, slow: Model, member: User, member_api: APIClient
) -> None:
    body = {"datasets": [world.dataset.pk], "models": [slow.pk], "file": io.BytesIO(white())}
    body["file"].name = "white.jpg"
    member_api.raise_request_exception = False  # of what is answered with 500 and above
    answer = member_api.post("/api/v1/searches/", body, format="multipart")
    assert answer.status_code == 503 and int(answer["Retry-After"]) >= 1, answer.content
    assert not Search.objects.filter(owner=member).exists()


def test_the_third_failure_suspends_a_model_that_stays_published_until_a_curator_resumes_it(
    world: World, slow: Model, member: User, curator_api: APIClient, curator_client: Client, settings: Settings
) -> None:
    settings.ENCODER_SECONDS = 0.2
    for failures in (1, 2, 3):
        with pytest.raises(ModelUnavailable):
            search(world, [slow], member, white())
        slow.refresh_from_db()
        assert slow.encoder_failures == failures and (slow.suspended_at is not None) == (failures == 3)
    assert slow.published and "within 0.2 s" in slow.encoder_problem
    assert AuditEntry.objects.get(action="suspend-model").who is None

    with pytest.raises(ModelSuspended):
        search(world, [slow], member)
    found = search(world, [world.models[0], slow], member)
    assert problems_of(found)[0].record == slow and found.rankings.count() == 1
    assert not any(place.process for place in services.pool._places.values() if not place.process.has_ended)

    assert "/lab/models/" in curator_client.get("/lab/").content.decode()
    for address in ("/lab/", f"/lab/models/{slow.pk}/"):
        assert "Searches skip" in curator_client.get(address).content.decode()
    assert curator_api.get(f"/api/v1/models/{slow.pk}/").json()["suspended_at"]
    curator_client.post(f"/lab/models/{slow.pk}/resume")
    slow.refresh_from_db()
    assert (slow.encoder_failures, slow.encoder_problem, slow.suspended_at) == (0, "", None)

    settings.ENCODER_SECONDS = 60
    assert search(world, [slow], member).rankings.count() == 1
    Model.objects.filter(pk=slow.pk).update(encoder_failures=3, suspended_at="2026-01-01T00:00Z")
    assert curator_api.post(f"/api/v1/models/{slow.pk}/resume/").json()["suspended_at"] is None
    assert AuditEntry.objects.filter(action="resume-model").count() == 2


def test_a_success_forgets_earlier_failures(world: World, tmp_path: Path, member: User) -> None:
    model = external_model(world, tmp_path)
    Model.objects.filter(pk=model.pk).update(encoder_failures=2, encoder_problem="it crashed")
    search(world, [model], member)
    model.refresh_from_db()
    assert (model.encoder_failures, model.encoder_problem) == (0, "")


def test_a_stored_network_with_control_flow_is_suspended_when_it_is_loaded(
    world: World, tmp_path: Path, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:  # as it was stored before such networks were refused
        before.setattr(onnx_network, "_has_control_flow", lambda node: False)
        model = external_model(world, tmp_path, onnx_model(tail=loop_tail()))
    found = search(world, [world.models[0], model], member, white())
    assert problems_of(found)[0].detail == "Theirs gave no results: its network failed"
    model.refresh_from_db()
    assert "has node 'spin' (Loop)" in model.encoder_problem
    assert model.suspended_at is not None and model.published
    with pytest.raises(NothingSearchable):
        search(world, [model], member)


def test_what_a_crashed_network_said_is_for_curators(
    world: World, tmp_path: Path, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = external_model(world, tmp_path)
    crash = (sys.executable, "-c", "import sys; sys.exit('/srv/kindred/secret.onnx is bad')")
    monkeypatch.setattr(services, "EncoderProcess", partial(EncoderProcess, argv=crash))
    for _ in range(3):
        found = search(world, [world.models[0], model], member)
        assert problems_of(found)[0].detail == "Theirs gave no results: its network failed"
    model.refresh_from_db()
    assert "/srv/kindred/secret.onnx is bad" in model.encoder_problem
    problem = problems_of(search(world, [world.models[0], model], member))[0].detail
    assert problem == "Theirs is suspended; a curator can resume it"


def test_only_curators_are_told_over_the_api_what_failed(
    world: World, member_api: APIClient, curator_api: APIClient
) -> None:
    model = world.models[0]
    Model.objects.filter(pk=model.pk).update(encoder_problem="it crashed")
    told = [api.get(f"/api/v1/models/{model.pk}/").json()["encoder_problem"] for api in (member_api, curator_api)]
    assert told == ["", "it crashed"]


def test_a_hanging_model_is_tried_once_for_a_batch(world: World, slow: Model, member_api: APIClient) -> None:
    image = world.test_images[0]
    replaced(image.file, white())
    body = {"searches": [{"datasets": [world.dataset.pk], "image_id": image.pk}] * 3}
    rows = member_api.post("/api/v1/searches/batch/", body, format="json").json()["results"]
    assert [[one["model"] for one in row["search"]["problems"]] for row in rows] == [[slow.pk]] * 3
    slow.refresh_from_db()
    assert slow.encoder_failures == 1


def test_an_index_job_of_a_hanging_model_fails_with_a_sentence(world: World, slow: Model, settings: Settings) -> None:
    dataset = world.another()  # its pictures are not among those that the trial embedded
    for image in dataset.images.all():
        replaced(image.file, white())
    shutil.rmtree(settings.CACHE_DIR)
    error = failed(submit_index(slow, dataset, by=None))
    assert "Theirs gave no results" in error and "within 1 s" in error
    slow.refresh_from_db()
    assert slow.encoder_failures == 1
    assert Job.objects.filter(state="running").count() == 0


def test_a_suspended_model_does_not_stop_blind_rating(world: World, slow: Model, member: User) -> None:
    Model.objects.filter(pk=slow.pk).update(suspended_at="2026-01-01T00:00Z")
    ballot = ballots.next_ballot(member)
    assert slow not in {ranking.model for ranking in ballot.search.rankings.all()}


def test_an_external_network_is_asked_why_in_its_process(world: World, tmp_path: Path, member: User) -> None:
    model = external_model(world, tmp_path)
    ranking = search(world, [model], member).rankings.get()
    with pytest.raises(Rejected, match="it is in ONNX"):
        explain_result(ranking.search, ranking.pk, ranking.image_ids[0], member)
    model.refresh_from_db()
    assert model.encoder_failures == 0


def test_a_search_of_another_model_is_answered_while_one_hangs(
    world: World, slow: Model, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENCODER_SECONDS = 20
    failures: list[str] = []
    monkeypatch.setattr(services, "_count_failure", lambda model, problem, for_good: failures.append(problem))
    hanging = services.external_encoder(slow)

    def hang() -> None:
        try:
            hanging.embed([Pictures.new("RGB", (64, 64), "white")])
        except Busy as error:
            failures.append(str(error))
        finally:
            connection.close()

    thread = threading.Thread(target=hang)
    thread.start()
    while not any(place.process for place in services.pool._places.values()):  # it takes a second to start
        time.sleep(0.01)
    others: Any = model_cache.embed(model_cache.encoder_of(world.models[0]), [Pictures.new("RGB", (64, 64), "white")])
    assert len(others) == 1 and thread.is_alive() and not failures
    (place,) = services.pool._places.values()
    assert place.process is not None
    os.kill(place.process.pid, signal.SIGKILL)  # it would go on for 20 s
    thread.join(20)
    assert is_gone(place.process.pid) and failures


def test_waiting_for_the_turn_of_a_model_trained_here_is_bounded(world: World, settings: Settings) -> None:
    settings.ENGINE_SECONDS = 0.05
    encoder = model_cache.encoder_of(world.models[0])
    with model_cache.queue.turn(), pytest.raises(Busy):
        model_cache.embed(encoder, [Pictures.new("RGB", (64, 64))])


def test_an_index_job_embeds_new_pictures_in_a_process_of_its_own(world: World, tmp_path: Path) -> None:
    model = external_model(world, tmp_path)
    dataset = world.another()
    done(submit_index(model, dataset, by=None))
    assert model.indexes.get(dataset=dataset).count == dataset.images.count()
