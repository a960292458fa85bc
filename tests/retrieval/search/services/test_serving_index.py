"""What a search may return is what the database says now, at the cost of what changed since the index."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from config.errors import Rejected
from mlcore.artifacts import read_json, write_json
from retrieval.datasets.services import curating
from retrieval.datasets.services.deleting_pictures import submit_picture_deletion
from retrieval.models import Dataset, Image, Index, Search
from retrieval.search.services import model_cache
from retrieval.search.services.options import SearchOptions
from retrieval.search.services.serving_index import MOST_FILTERS, filter_of
from tests.retrieval.world import World, done, replaced

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def index_now(world: World) -> Index:
    """Return the active index of the first model with its data set, as a request reads them."""
    return Index.objects.select_related("model", "dataset").get(pk=world.index_of(world.models[0]).pk)


def found(world: World, **filters: Any) -> set[int]:
    """Return every picture that a search with a filter may return, by the index."""
    index = index_now(world)
    serving, now = model_cache.serving_index_of(index), index.dataset.revision
    wanted = filter_of(Search(filters=filters), index.dataset_id)
    allowed = None if wanted is None else serving.filter(wanted, now)
    count = serving.vectors.remaining(allowed=allowed, exclude=serving.gone(now))
    if count == 0:
        return set()
    query = serving.vectors.vectors_of(serving.vectors.ids[:1])
    ids, _ = serving.vectors.search(query, count, allowed=allowed, exclude=serving.gone(now))
    return set(ids[0].tolist())


def expected(world: World, held: set[int], **filters: Any) -> set[int]:
    rows = Image.objects.filter(dataset=world.dataset, hidden=False, pk__in=held)
    if filters.get("splits"):
        rows = rows.filter(split__in=filters["splits"])
    if filters.get("classes"):
        rows = rows.filter(label__in=[label for pk, label in filters["classes"] if pk == world.dataset.pk])
    return set(rows.values_list("pk", flat=True))


def as_format_1(world: World) -> None:
    """Let the index of the first model be one of release 0.1: no ids, no codes, no origin."""
    index = world.index_of(world.models[0])
    manifest = read_json(index.folder / "manifest.json")
    for name in ("ids.npy", "labels.npy", "splits.npy"):
        del manifest["files"][name]
        (index.folder / name).unlink()
    del manifest["origin"]
    replaced(index.folder / "manifest.json", b"{}")
    write_json(index.folder / "manifest.json", manifest | {"format": 1})
    Index.objects.filter(pk=index.pk).update(manifest=manifest | {"format": 1})


def change_by_chance(world: World, chance: random.Random) -> None:
    dataset = Dataset.objects.get(pk=world.dataset.pk)
    images = list(dataset.images.order_by("pk"))
    chosen = [image.pk for image in chance.sample(images, 2)]
    names = sorted({image.class_name for image in dataset.images.named()})
    changes: list[Callable[[], object]] = [
        lambda: curating.set_hidden(dataset, chosen, True, by=None),
        lambda: curating.set_hidden(dataset, chosen, False, by=None),
        lambda: curating.relabel(dataset, chosen, chance.choice(names), by=None),
        lambda: done(submit_picture_deletion(dataset, chosen[:1], by=None)),
    ]
    with suppress(Rejected):  # too little would be left
        chance.choice(changes)()


@pytest.mark.parametrize("stored", [1, 2])
@pytest.mark.parametrize("seed", [0, 1])
def test_filters_agree_with_the_database_after_any_changes(world: World, seed: int, stored: int) -> None:
    if stored == 1:
        as_format_1(world)
    chance, held = random.Random(seed), set(model_cache.serving_index_of(index_now(world)).vectors.ids.tolist())
    own = world.dataset.pk
    for _ in range(12):
        change_by_chance(world, chance)
        some = [[own, label] for label in chance.sample(range(8), 3)]
        for filters in (
            {},
            {"classes": some},
            {"splits": ["train"]},
            {"splits": ["test", "query"], "classes": some},
            {"classes": [[own + 1, 0]]},
        ):
            assert found(world, **filters) == expected(world, held, **filters), filters


def test_a_hidden_picture_is_gone_at_the_next_search_and_back_when_it_is_shown(world: World, member: User) -> None:
    first = world.ask(member, models=world.models[:1], k=5).rankings.get().image_ids
    curating.set_hidden(world.dataset, first[:2], True, by=None)
    second = world.ask(member, models=world.models[:1], k=5).rankings.get().image_ids
    assert not set(first[:2]) & set(second) and second[:3] == first[2:]
    curating.set_hidden(world.dataset, first[:2], False, by=None)
    assert world.ask(member, models=world.models[:1], k=5).rankings.get().image_ids == first


def test_a_filter_finds_a_picture_where_it_was_moved(world: World, member: User) -> None:
    dataset, moved = world.dataset, world.test_images[0]
    other = next(image for image in world.test_images if image.label != moved.label)
    curating.relabel(dataset, [moved.pk], other.class_name, by=None)

    def results(label: int) -> list[int]:
        options = SearchOptions(classes=((dataset.pk, label),))
        search = world.ask(member, models=world.models[:1], image=world.train_images[0], k=12, options=options)
        ids: list[int] = search.rankings.get().image_ids
        return ids

    assert moved.pk in results(other.label) and moved.pk not in results(moved.label)


def test_changes_are_read_once_a_revision_and_not_at_all_where_there_are_none(world: World) -> None:
    found(world, splits=["train"])
    with CaptureQueriesContext(connection) as queries:
        found(world, splits=["train"])
    base = len(queries)  # of index_now
    curating.set_hidden(world.dataset, [world.train_images[0].pk], True, by=None)
    for more in (2, 0):
        with CaptureQueriesContext(connection) as queries:
            found(world, splits=["train"])
        assert len(queries) == base + more


def test_few_filters_are_kept_and_the_rest_made_again(world: World) -> None:
    serving, now = model_cache.serving_index_of(index_now(world)), 1
    wide = serving.filter((None, ("train", "test")), now)
    assert serving.filter((None, ("train", "test")), now) is wide
    for label in range(8):
        serving.filter(((label,), None), now)
    for splits in (("train",), ("test",), ("test", "train", "query")):
        serving.filter((None, splits), now)
    assert sum(len(kept.rows) for kept in serving._filters.values()) <= 2 * serving.vectors.count
    assert np.array_equal(serving.filter((None, ("train", "test")), now).rows, wide.rows)


def test_filters_that_keep_no_picture_do_not_add_up(world: World) -> None:
    serving = model_cache.serving_index_of(index_now(world))
    for label in range(1000, 1100):
        assert len(serving.filter(((label,), None), 1).rows) == 0
    assert len(serving._filters) == MOST_FILTERS


# --- files


def test_vectors_cut_short_while_they_are_mapped_are_noticed_and_end_no_process(world: World, member: User) -> None:
    index = index_now(world)
    file = index.folder / "vectors.npy"
    content = file.read_bytes()
    replaced(file, content)  # of its own: the session's is linked here
    options = SearchOptions(splits=("train",))
    assert world.ask(member, models=world.models[:1], options=options).rankings.get().image_ids
    with file.open("r+b") as opened:
        opened.truncate(128)
    with pytest.raises(Rejected, match="cut short while it was in use; rebuild the index"):
        world.ask(member, models=world.models[:1], options=options)
    with pytest.raises(Rejected, match=r"vectors.npy has 128 bytes, its manifest says"):  # it was let go
        world.ask(member, models=world.models[:1])
    replaced(file, content)
    assert world.ask(member, models=world.models[:1], options=options).rankings.get().image_ids


def test_an_index_larger_than_memory_is_loaded_once_and_curators_are_told(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch, settings: Any, client: Any, admin: User
) -> None:
    loads: list[object] = []
    load = model_cache.load_index
    monkeypatch.setattr(model_cache, "load_index", lambda *args, **kwargs: loads.append(args) or load(*args, **kwargs))
    monkeypatch.setattr(model_cache.cache, "_most", 100)
    settings.ENGINE_BYTES = 100
    for _ in range(3):
        world.ask(member, models=world.models[:1])
    assert len(loads) == 1
    client.force_login(admin)
    page = client.get(reverse("model", args=[world.models[0].pk])).content.decode()
    assert "in memory: more than <code>KINDRED_ENGINE_MB</code>" in page
