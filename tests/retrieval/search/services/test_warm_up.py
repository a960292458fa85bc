import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from config.serving import warming
from mlcore.index import VectorIndex
from retrieval.models import Model
from retrieval.search.services import model_cache
from retrieval.search.services.warm_up import warm_models
from tests.retrieval.world import World, replaced


@pytest.mark.django_db
def test_the_default_models_are_in_memory_afterwards(world: World, fresh_engine: None) -> None:
    assert warm_models() == 2
    held = set(model_cache.cache._held)
    assert {("model", model.pk) for model in world.models} <= held
    assert {("index", world.index_of(model).pk, "") for model in world.models} <= held


@pytest.mark.django_db
def test_other_models_and_unpublished_ones_are_not_loaded(world: World, fresh_engine: None) -> None:
    Model.objects.filter(pk=world.models[0].pk).update(published=False)
    assert warm_models() == 1
    assert ("model", world.models[0].pk) not in model_cache.cache._held


@pytest.mark.django_db
def test_it_stops_before_the_models_push_each_other_out(world: World, fresh_engine: None, settings: Settings) -> None:
    first = world.models[0]
    settings.ENGINE_BYTES = model_cache.bytes_of(first, [world.index_of(first)])
    assert warm_models() == 1


@pytest.mark.django_db
def test_the_first_model_is_loaded_where_memory_is_too_small_for_any(
    world: World, fresh_engine: None, settings: Settings
) -> None:
    settings.ENGINE_BYTES = 1
    assert warm_models() == 1


@pytest.mark.django_db
def test_a_damaged_model_does_not_keep_the_others_out(
    world: World, fresh_engine: None, caplog: pytest.LogCaptureFixture
) -> None:
    file: Path = world.index_of(world.models[0]).folder / "index.bin"
    replaced(file, b"rot")
    assert warm_models() == 1
    assert world.models[0].name in caplog.text


@pytest.mark.django_db
def test_networks_and_indexes_have_run_once(world: World, fresh_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[int] = []
    features, search = model_cache.queue.features, VectorIndex.search

    def counted(encoder: Any, squares: Any, patience: float = 0) -> Any:
        passes.append(len(squares))
        return features(encoder, squares, patience)

    searched: list[int] = []

    def noted(index: VectorIndex, *args: Any, **options: Any) -> Any:
        searched.append(id(index))
        return search(index, *args, **options)

    monkeypatch.setattr(model_cache.queue, "features", counted)
    monkeypatch.setattr(VectorIndex, "search", noted)
    warm_models()
    assert passes == [1, 1] and len(set(searched)) == 2


@pytest.fixture
def usual_garbage() -> Iterator[None]:
    """Let the collector of garbage be as it was before."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("usual_garbage")
def test_what_is_loaded_is_left_out_of_later_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "_WARM_UPS", [])
    frozen = gc.get_freeze_count()
    warming.start("web")
    assert gc.get_freeze_count() > frozen + 1000 and gc.get_threshold()[0] == warming.GARBAGE


@pytest.mark.usefixtures("usual_garbage")
def test_a_web_process_warms_up_before_it_answers(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    ran: list[str] = []
    monkeypatch.setattr(
        warming,
        "_WARM_UPS",
        [("web", lambda: ran.append(threading.current_thread().name)), ("encoder", lambda: ran.append("no"))],
    )
    settings.WARM_UP = False
    assert warming.start("web") is None
    settings.WARM_UP = True
    thread = warming.start("web")
    assert thread is not None and thread.daemon and not thread.is_alive()
    assert ran == ["warm-up"]


@pytest.mark.usefixtures("usual_garbage")
def test_a_warm_up_that_takes_too_long_goes_on_beside_the_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(warming, "_WARM_UPS", [("web", release.wait)])
    monkeypatch.setattr(warming, "SECONDS", 0.05)
    thread = warming.start("web")
    assert thread is not None and thread.is_alive()
    release.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_warm_up_that_fails_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise OSError("disk")

    monkeypatch.setattr(warming, "_WARM_UPS", [("web", fail)])
    thread = warming.start("web")
    assert thread is not None
    thread.join(10)
    assert "disk" in caplog.text
