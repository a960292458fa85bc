"""Indexes in a vector store: built aside, switched by the active row, corrected at once, dropped after a grace time."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from config import health, pauses
from config.errors import Conflict, Rejected
from jobs import services as jobs
from jobs.models import Job
from retrieval import apps
from retrieval.datasets.services import curating
from retrieval.datasets.services.deleting_pictures import submit_picture_deletion
from retrieval.errors import VectorsAway
from retrieval.models import Dataset, DeletedImage, Index, Search
from retrieval.pages.services import class_search
from retrieval.pages.services.maps import submit_map
from retrieval.registry.services import indexes, vector_store
from retrieval.registry.services.deleting import submit_deletion
from retrieval.registry.services.indexes import activate, submit_index
from retrieval.search.services import model_cache
from retrieval.search.services.options import SearchOptions
from retrieval.search.services.run_search import searchable_models, system_search
from retrieval.search.services.serving_index import KEPT_BYTES
from retrieval.search.services.try_out import tried_results
from retrieval.search.services.warm_up import warm_models
from storage.models import Site
from tests.conftest import api_of
from tests.fixtures.memory_engine import URL, MemoryEngine
from tests.retrieval.world import World, done

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def store(
    memory_engine: type[MemoryEngine], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[MemoryEngine]]:
    settings.VECTOR_STORE_URL = URL
    monkeypatch.setattr(pauses, "SECONDS", 0)
    yield memory_engine


@pytest.fixture
def moved(world: World) -> World:
    """The world, with the first model's index in the store, and the second's in its folder."""
    done(submit_index(world.models[0], by=None))
    return world


def sweep(hours: float = 0) -> None:
    cache.clear()
    vector_store.drop_unneeded(timezone.now() + timedelta(hours=hours))


def results(world: World, by: User, **changes: Any) -> list[list[int]]:
    search = world.ask(by, k=12, **changes)
    return [ranking.image_ids for ranking in search.rankings.order_by("model_id")]


def test_an_index_in_the_store_answers_as_one_in_a_file(
    world: World, member: User, store: type[MemoryEngine],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    before = results(world, member)
    own = world.train_images[0]
    options = SearchOptions(splits=("train",), classes=((world.dataset.pk, own.label),))
    filtered = results(world, member, options=options)
    before_row = world.index_of(world.models[0])
    row = model_cache.serving_index_of(before_row).vectors
    with django_capture_on_commit_callbacks(execute=True):
        done(submit_index(world.models[0], by=None))
    index = world.index_of(world.models[0])
    assert index.pk != before_row.pk and index.manifest["engine"] == "memory" and index.recall >= 0.99
    assert list(store.kept) == [index.collection]
    assert index.collection.startswith(f"kindred_{Site.own().pk.hex[:12]}_")
    assert store.aliases == {vector_store.alias_name(index): index.collection}
    assert store.kept[index.collection].ids.tolist() == sorted(row.ids.tolist())
    assert not (index.folder / "index.bin").exists() and (index.folder / "vectors.npy").exists()
    assert results(world, member) == before and results(world, member, options=options) == filtered


def test_a_process_keeps_nothing_of_it_in_memory_and_reads_no_file(moved: World, member: User) -> None:
    model_cache.cache.clear()
    index = moved.index_of(moved.models[0])
    for file in index.folder.iterdir():
        file.unlink()
    assert results(moved, member, models=moved.models[:1])
    assert model_cache.cache._held[("index", index.pk, index.collection)].bytes == KEPT_BYTES


def test_hidden_moved_and_shown_pictures_are_right_at_the_next_search(moved: World, member: User) -> None:
    first = results(moved, member, models=moved.models[:1])[0]
    curating.set_hidden(moved.dataset, first[:2], True, by=None)
    hidden = results(moved, member, models=moved.models[:1])[0]
    assert not set(first[:2]) & set(hidden) and hidden[:8] == first[2:10]
    curating.set_hidden(moved.dataset, first[:2], False, by=None)
    assert results(moved, member, models=moved.models[:1])[0] == first

    picture = moved.test_images[1]
    other = next(image for image in moved.test_images if image.label != picture.label)
    curating.relabel(moved.dataset, [picture.pk], other.class_name, by=None)

    def of_class(label: int) -> list[int]:
        options = SearchOptions(classes=((moved.dataset.pk, label),))
        return results(moved, member, models=moved.models[:1], image=moved.train_images[0], options=options)[0]

    assert picture.pk in of_class(other.label) and picture.pk not in of_class(picture.label)


def test_a_filter_that_keeps_nothing_finds_nothing(moved: World, member: User) -> None:
    curating.set_hidden(moved.dataset, [moved.train_images[0].pk], True, by=None)
    options = SearchOptions(splits=("gallery",))
    assert results(moved, member, models=moved.models[:1], options=options) == [[]]


def test_deleted_pictures_leave_the_store_with_the_commit(
    moved: World, store: type[MemoryEngine], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    index, going = moved.index_of(moved.models[0]), moved.train_images[0].pk
    assert going in store.kept[index.collection].ids
    with django_capture_on_commit_callbacks(execute=True):
        done(submit_picture_deletion(moved.dataset, [going], by=None))
    assert going not in store.kept[index.collection].ids
    with django_capture_on_commit_callbacks() as later:  # which a change without a deletion does not repeat
        curating.set_hidden(Dataset.objects.get(), [moved.train_images[1].pk], True, by=None)
    assert not [call for call in later if "remove_deleted" in call.__qualname__]


def test_pictures_deleted_while_an_index_is_built_are_not_in_it(
    moved: World, store: type[MemoryEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    going, settle = moved.train_images[0].pk, MemoryEngine.settle

    def settle_late(self: MemoryEngine, collection: str, waiting: Any) -> None:
        settle(self, collection, waiting)
        row = Dataset.objects.get()
        DeletedImage.objects.get_or_create(dataset=row, key=going, defaults={"revision": row.revision + 1})

    monkeypatch.setattr(MemoryEngine, "settle", settle_late)
    done(submit_index(moved.models[0], by=None))
    assert going not in store.kept[moved.index_of(moved.models[0]).collection].ids


def test_deleted_pictures_stay_out_of_results_while_the_store_is_away(
    moved: World, member: User, store: type[MemoryEngine],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    first = results(moved, member, models=moved.models[:1])[0][0]
    store.away = True
    with django_capture_on_commit_callbacks(execute=True):
        done(submit_picture_deletion(moved.dataset, [first], by=None))
    store.away = False
    assert first in store.kept[moved.index_of(moved.models[0]).collection].ids
    assert first not in results(moved, member, models=moved.models[:1])[0]


# --- away


def test_while_the_store_is_away_other_models_go_on(moved: World, member: User, store: type[MemoryEngine]) -> None:
    store.away = True
    search = moved.ask(member)
    assert [ranking.model_id for ranking in search.rankings.all()] == [moved.models[1].pk]
    [[model, sentence]] = search.problems
    assert model == moved.models[0].pk and "the vector store does not answer" in sentence and URL not in sentence
    with pytest.raises(VectorsAway):
        moved.ask(member, models=moved.models[:1])


def test_a_store_that_hangs_is_asked_once_in_a_while(
    moved: World, member: User, store: type[MemoryEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses, "SECONDS", 60)
    vector_store.pause.end()
    asked: list[str] = []
    check = MemoryEngine.check
    monkeypatch.setattr(MemoryEngine, "check", lambda self: asked.append("once") or check(self))
    store.away = True
    for _ in range(5):
        with pytest.raises(VectorsAway):
            moved.ask(member, models=moved.models[:1])
    assert asked == ["once"]
    vector_store.pause.end()
    store.away = False
    assert results(moved, member, models=moved.models[:1])


def test_pages_and_api_answer_503_with_a_time(
    moved: World, store: type[MemoryEngine], member_client: Client, member: User
) -> None:
    store.away = True
    body = {"datasets": [moved.dataset.pk], "models": [moved.models[0].pk], "k": 3}
    picture = moved.test_images[0]
    page = member_client.post(reverse("search"), {**body, "image": picture.pk})
    assert page.status_code == 503 and int(page["Retry-After"]) > 0
    assert "the vector store does not answer" in page.content.decode()
    api = api_of(member)
    api.raise_request_exception = False
    answer = api.post("/api/v1/searches/", {**body, "image_id": picture.pk}, format="json")
    assert answer.status_code == 503 and int(answer["Retry-After"]) > 0, answer.content
    assert answer.json()["type"].endswith("busy") and not Search.objects.exists()


def test_pages_about_a_class_and_the_start_go_on_without_the_store(moved: World, store: type[MemoryEngine]) -> None:
    done(submit_index(moved.models[1], by=None))
    label = moved.test_images[0].label
    assert class_search.neighbourhood_of(moved.dataset, label) is not None
    store.away = True
    model_cache.cache.clear()
    assert class_search.neighbourhood_of(moved.dataset, label) is None
    assert warm_models() == 0  # and it ends in no error


def test_a_build_waits_for_a_store_that_is_away(world: World, store: type[MemoryEngine]) -> None:
    store.away = True
    before = world.index_of(world.models[0])
    job = submit_index(world.models[0], by=None)
    for _ in range(job.max_attempts):
        assert job.state == Job.State.QUEUED
        jobs.run_job(job.pk)
        job.refresh_from_db()
    assert job.state == Job.State.FAILED and "the vector store does not answer" in job.error and URL not in job.error
    assert world.index_of(world.models[0]) == before
    store.away = False
    assert done(submit_index(world.models[0], by=None)).result["recall"] >= 0.99


def test_readyz_names_the_store_and_stays_ready(
    world: World, store: type[MemoryEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECKS", dict(health.CHECKS))
    apps._register_services()
    monkeypatch.setitem(health.CHECKS, "engine", lambda: None)
    monkeypatch.setattr(health, "_health", health._Health())
    store.away = True
    answer = Client().get("/readyz")
    assert answer.json()["checks"]["vector_store"] == "failed" and answer.status_code == 200


# --- switching, rolling back, dropping


def test_a_switch_goes_back_within_the_grace_time_and_not_after(
    moved: World, member: User, store: type[MemoryEngine], settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:  # fmt: skip
    first = moved.index_of(moved.models[0])
    done(submit_index(moved.models[0], by=None))
    second = moved.index_of(moved.models[0])
    assert {first.collection, second.collection} == set(store.kept)
    sweep(settings.OLD_COLLECTION_HOURS - 1)
    with django_capture_on_commit_callbacks(execute=True):
        activate(first)
    assert store.aliases[vector_store.alias_name(first)] == first.collection
    assert moved.ask(member, models=moved.models[:1]).rankings.get().index == first
    activate(second)
    sweep(settings.OLD_COLLECTION_HOURS + 1)
    assert list(store.kept) == [second.collection]
    with pytest.raises(Conflict, match="does not hold index .* any more; build a new one"):
        activate(first)
    assert moved.index_of(moved.models[0]) == second and results(moved, member)


def test_an_index_in_a_file_stays_usable_after_a_switch_to_the_store_and_back(
    world: World, member: User, settings: Settings, store: type[MemoryEngine]
) -> None:
    before, file = results(world, member), world.index_of(world.models[0])
    done(submit_index(world.models[0], by=None))
    activate(file)
    assert results(world, member) == before
    settings.VECTOR_STORE_URL = ""
    assert results(world, member) == before


def test_an_index_in_a_store_that_is_not_set_any_more_says_so(moved: World, member: User, settings: Settings) -> None:
    model_cache.cache.clear()
    settings.VECTOR_STORE_URL = ""
    with pytest.raises(VectorsAway):
        moved.ask(member, models=moved.models[:1])
    assert moved.ask(member, models=moved.models[1:]).rankings.count() == 1


def test_a_deleted_model_and_what_a_dead_job_left_take_their_collections_along(
    moved: World, store: type[MemoryEngine], settings: Settings
) -> None:
    prefix, now = f"kindred_{Site.own().pk.hex[:12]}_", int(time.time())
    others = {f"kindred_000000000000_abc_job_1_1_{now}_abc", "somebody_elses"}
    for name in {f"{prefix}abc_job_9_1_{now}_abcdef", f"{prefix}unreadable", *others}:
        MemoryEngine(URL).create(name, 3, links=16, ef_construction=200)
    collection = moved.index_of(moved.models[0]).collection
    sweep()
    assert set(store.kept) == {collection, f"{prefix}abc_job_9_1_{now}_abcdef", *others}
    sweep(settings.OLD_COLLECTION_HOURS + 1)
    assert set(store.kept) == {collection, *others}
    done(submit_deletion(moved.models[0], by=None))
    sweep(settings.OLD_COLLECTION_HOURS + 1)
    assert set(store.kept) == others


def test_an_index_that_never_became_active_loses_its_collection_too(
    moved: World, store: type[MemoryEngine], settings: Settings
) -> None:
    Index.objects.filter(active=True).update(revision=99)  # of a later revision: the next one stays inactive
    done(submit_index(moved.models[0], by=None))
    never = Index.objects.filter(active=False, retired_at=None).exclude(collection="").get()
    sweep(settings.OLD_COLLECTION_HOURS - 1)
    assert never.collection in store.kept
    sweep(settings.OLD_COLLECTION_HOURS + 1)
    assert never.collection not in store.kept and moved.index_of(moved.models[0]).collection in store.kept


def test_a_sweep_while_an_index_is_activated_harms_neither(
    moved: World, member: User, store: type[MemoryEngine], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = moved.index_of(moved.models[0])
    done(submit_index(moved.models[0], by=None))
    is_there = vector_store.is_there

    def swept_after(index: Index) -> bool:
        there = is_there(index)
        sweep(settings.OLD_COLLECTION_HOURS + 1)
        return there

    monkeypatch.setattr(vector_store, "is_there", swept_after)
    with pytest.raises(Conflict, match="does not hold index"):
        activate(first)
    assert results(moved, member, models=moved.models[:1])


def test_a_job_that_is_tried_again_after_its_collection_went_fills_another(
    moved: World, member: User, store: type[MemoryEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = results(moved, member)

    def fail(index: Index, *, by: User | None) -> None:
        raise Conflict("no")

    with monkeypatch.context() as patch:
        patch.setattr(indexes, "_switch", fail)
        job = submit_index(moved.models[0], by=None)
        jobs.run_job(job.pk)
    assert Job.objects.get(pk=job.pk).state == Job.State.FAILED
    store.kept.clear()
    jobs.retry(Job.objects.get(pk=job.pk))
    done(job)
    assert results(moved, member) == before and list(store.kept) == [moved.index_of(moved.models[0]).collection]


def test_the_sweep_waits_for_a_store_that_is_away(moved: World, store: type[MemoryEngine], settings: Settings) -> None:
    old = moved.index_of(moved.models[0])
    done(submit_index(moved.models[0], by=None))
    store.away = True
    sweep(settings.OLD_COLLECTION_HOURS + 1)
    old.refresh_from_db()
    assert old.collection
    store.away = False
    sweep(settings.OLD_COLLECTION_HOURS + 1)
    assert old.collection not in store.kept


# --- what jobs and people make of it


def test_jobs_read_the_vectors_from_the_files(moved: World) -> None:
    index = moved.index_of(moved.models[0])
    assert done(submit_map(index, by=None)).result["points"] == index.count
    again = done(submit_index(moved.models[0], by=None)).result
    assert again["count"] == index.count


def test_a_system_search_and_a_refinement_are_answered_from_the_store(moved: World, member: User) -> None:
    image = moved.test_images[0]
    search = system_search(image, list(searchable_models(moved.dataset)), 5)
    held_out = {picture.pk for picture in moved.test_images}
    assert all(set(ranking.image_ids) <= held_out - {image.pk} for ranking in search.rankings.all())
    first = moved.ask(member, models=moved.models[:1])
    more = first.rankings.get().image_ids[0]
    refined = moved.ask(member, models=moved.models[:1], like=first, options=SearchOptions(more_like=(more,)))
    serving = model_cache.serving_index_of(moved.index_of(moved.models[0]))
    assert refined.rankings.get().image_ids
    np.testing.assert_allclose(np.linalg.norm(serving.vectors_of([more]), axis=1), 1, atol=1e-6)


def test_the_models_page_tells_the_engine_and_what_was_dropped(
    moved: World, client: Client, admin: User, settings: Settings
) -> None:
    done(submit_index(moved.models[0], by=None))
    sweep(settings.OLD_COLLECTION_HOURS + 1)
    client.force_login(admin)
    page = client.get(reverse("model", args=[moved.models[0].pk])).content.decode()
    assert page.count('<span class="hint">in Memory</span>') == 2 and "KINDRED_ENGINE_MB" not in page
    assert page.count("Activate index") == 1 and '<span class="hint">deleted</span>' in page  # the one in a file


# --- manage.py vectors


def test_all_active_indexes_move_to_the_store_and_back(
    world: World, member: User, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    before = results(world, member)
    for engine in ("memory", "hnswlib"):
        settings.VECTOR_STORE_URL = URL if engine == "memory" else ""
        call_command("vectors", "move")
        assert "2 builds are queued" in capsys.readouterr().out
        for job in Job.objects.filter(kind="index", state=Job.State.QUEUED):
            done(job)
        assert {world.index_of(model).manifest.get("engine", "hnswlib") for model in world.models} == {engine}
        assert results(world, member) == before
        call_command("vectors", "move")
        assert "0 builds are queued" in capsys.readouterr().out


def test_what_the_store_has_lost_is_made_again(
    moved: World, member: User, store: type[MemoryEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    before, gone = results(moved, member), moved.train_images[0].pk
    DeletedImage.objects.create(dataset=moved.dataset, key=gone, revision=moved.dataset.revision + 1)
    store.kept.clear()
    store.aliases.clear()
    call_command("vectors", "refill")
    assert "1 collections were made again" in capsys.readouterr().out
    assert results(moved, member) == before
    index = moved.index_of(moved.models[0])
    assert store.aliases == {vector_store.alias_name(index): index.collection}
    assert gone not in store.kept[index.collection].ids and list(store.kept) == [index.collection]
    call_command("vectors", "refill")
    assert "0 collections were made again" in capsys.readouterr().out
    call_command("vectors", "refill", "--all")
    assert "1 collections were made again" in capsys.readouterr().out and results(moved, member) == before
    store.away = True
    with pytest.raises(CommandError, match="the vector store does not answer"):
        call_command("vectors", "refill")


def test_a_url_that_names_no_store_fails_the_check(settings: Settings) -> None:
    settings.VECTOR_STORE_URL = "pinecone://host"
    with pytest.raises(SystemCheckError, match="VECTOR_STORE_URL must begin with"):
        call_command("check")


def test_a_refill_that_is_cut_off_leaves_nothing_and_the_next_one_does_it(
    moved: World, member: User, store: type[MemoryEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = results(moved, member)
    store.kept.clear()

    def cut_off(self: MemoryEngine, collection: str, waiting: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MemoryEngine, "settle", cut_off)
        call_command("vectors", "refill")
    assert store.kept == {}
    call_command("vectors", "refill")
    assert results(moved, member) == before


def test_a_damaged_folder_fails_a_refill_in_words(moved: World, store: type[MemoryEngine]) -> None:
    store.kept.clear()
    (moved.index_of(moved.models[0]).folder / "vectors.npy").unlink()
    with pytest.raises(CommandError, match=r"vectors.npy is missing"):
        call_command("vectors", "refill")


def test_a_lost_collection_is_told_to_who_searches(moved: World, member: User, store: type[MemoryEngine]) -> None:
    store.kept.clear()
    with pytest.raises(Rejected, match="the vector store has lost this index") as caught:
        moved.ask(member, models=moved.models[:1])
    assert "kindred_" not in str(caught.value)


def test_visitors_get_their_pages_while_a_collection_is_lost(world: World, store: type[MemoryEngine]) -> None:
    for model in world.models:
        done(submit_index(model, by=None))
    store.kept.clear()
    cache.clear()
    assert Client().get("/").status_code == 200
    with pytest.raises(Rejected, match="no model can search"):
        tried_results(world.test_images[0], AnonymousUser())
    assert class_search.neighbourhood_of(world.dataset, world.test_images[0].label) is None
