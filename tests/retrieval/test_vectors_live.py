"""A real site and a real Milvus server: sixteen clients while indexes are exchanged, and the server is killed."""

import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import pytest
from pytest_django import Settings

from accounts import services
from retrieval.models import Index
from retrieval.registry.services.indexes import activate, submit_index
from retrieval.registry.services.vector_store import drop_unneeded
from tests.conftest import person
from tests.jobs.live import Live, wait_until
from tests.kindred_client.site import Site
from tests.milvus_server import MilvusServer
from tests.retrieval.world import World, done

pytestmark = pytest.mark.milvus

CLIENTS = 16
HUNG_SECONDS = 20  # in which a search gives up on a server that hangs, on a busy machine; it waits 5 for it
BACK_SECONDS = 180  # in which a server that was killed has loaded its collections again


@dataclass
class Answers:
    """What clients were answered: statuses, models whose results were there, refusals without a time."""

    statuses: Counter[int] = field(default_factory=Counter)
    models: Counter[tuple[int, ...]] = field(default_factory=Counter)
    untold: int = 0


def search(site: Site, token: str, body: dict[str, object], answers: Answers) -> httpx.Response:
    headers = {"Authorization": f"Token {token}"}
    answer = httpx.post(f"{site.address}/api/v1/searches/", json=body, headers=headers, timeout=60, trust_env=False)
    answers.statuses[answer.status_code] += 1
    if answer.status_code == 201:
        columns = answer.json()["columns"]
        answers.models[tuple(sorted(column["model"] for column in columns if column["results"]))] += 1
    elif answer.status_code == 503 and "Retry-After" not in answer.headers:
        answers.untold += 1
    return answer


def test_sixteen_clients_across_swaps_and_a_server_that_hangs_and_is_killed(
    live: Live, world: World, milvus: MilvusServer, settings: Settings
) -> None:
    settings.VECTOR_STORE_URL = live.env["VECTOR_STORE_URL"] = milvus.url
    first, second = world.models
    pair = []
    for _ in range(2):
        done(submit_index(first, by=None))
        pair.append(world.index_of(first))
    tokens = [services.create_token(person(f"m{number}", "member"), "swap")[1] for number in range(CLIENTS)]
    pictures = [image.pk for image in world.test_images]
    site, answers, over, slow = Site(live), Answers(), threading.Event(), threading.Event()

    def keep_searching(place: int) -> None:
        for picture in itertools.cycle(pictures[place % len(pictures) :] + pictures):
            if over.is_set():
                return
            search(site, tokens[place], {"datasets": [world.dataset.pk], "k": 3, "image_id": picture}, answers)
            if slow.is_set():
                over.wait(3)

    clients = [threading.Thread(target=keep_searching, args=[place]) for place in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        for swap in range(4):
            time.sleep(1.5)
            activate(Index.objects.get(pk=pair[swap % 2].pk))
        both = (first.pk, second.pk)
        assert answers.models[both] > CLIENTS and set(answers.models) == {both}, answers

        alone = {"datasets": [world.dataset.pk], "models": [first.pk], "k": 3, "image_id": pictures[0]}
        milvus.pause()
        begun = time.monotonic()
        assert search(site, tokens[0], alone, answers).status_code == 503
        assert time.monotonic() - begun < HUNG_SECONDS
        milvus.resume()
        wait_until(lambda: search(site, tokens[0], alone, answers).status_code == 201, 60, lambda: f"{answers}")
        milvus.kill()
        time.sleep(3)
        refused = search(site, tokens[0], alone, answers)
        assert refused.status_code == 503 and int(refused.headers["Retry-After"]) > 0, refused.text
        assert "the vector store does not answer" in refused.text and "127.0.0.1" not in refused.text
        ready = httpx.get(f"{site.address}/readyz", trust_env=False)
        assert ready.status_code == 200 and ready.json()["checks"]["vector_store"] == "failed"
        assert answers.models[(second.pk,)] > 0, "the model whose index is in a file went on"
        slow.set()  # a server that starts on a starved machine gives up
        milvus.start()
        wait_until(
            lambda: search(site, tokens[0], alone, answers).status_code == 201, BACK_SECONDS, lambda: f"{answers}"
        )
    finally:
        over.set()
        for client in clients:
            client.join(60)
    print(answers)  # noqa: T201
    assert set(answers.statuses) <= {201, 503} and answers.untold == 0, answers
    assert set(answers.models) == {both, (first.pk,), (second.pk,)}  # the first alone where nothing else was wanted
    drop_unneeded(pair[0].created_at)
    assert all(Index.objects.get(pk=row.pk).collection for row in pair), "the one before stays, to go back to"
