import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from config.errors import Rejected
from jobs.models import Job
from mlcore.evaluation.projection import EmbeddingMap
from retrieval.models import Dataset, Image, Index, Model
from retrieval.pages.services import maps as services
from retrieval.registry.services.indexes import submit_index
from tests.retrieval.world import World, done, failed, replaced

pytestmark = pytest.mark.services


def mapped(world: World) -> tuple[Index, EmbeddingMap]:
    index = world.index_of(world.models[0])
    done(services.submit_map(index, by=None))
    found = services.stored_map(index)
    assert found is not None
    return index, found


def test_a_map_holds_every_picture_and_agrees_with_the_metrics(world: World) -> None:
    index, found = mapped(world)
    assert sorted(found.ids) == sorted(world.dataset.images.values_list("pk", flat=True))
    summary = services.summary_of(index, found)
    metrics = world.models[0].metrics
    assert metrics is not None and summary.recall_at_1 == pytest.approx(metrics["recall_at"]["1"])
    assert (summary.points, summary.total, summary.asked, summary.classes) == (48, 48, 24, 8)
    assert sum(row.missed for row in summary.worst) == summary.missed == len(found.near)


def test_queries_and_gallery_agree_with_each_other(world: World) -> None:
    world.part()
    _, found = mapped(world)
    gallery = set(Image.objects.filter(split="gallery").values_list("pk", flat=True))
    assert found.asked == 8 and set(found.near) <= gallery


def test_a_map_is_made_once_and_stays(world: World, curator: User) -> None:
    index = world.index_of(world.models[0])
    job = services.submit_map(index, by=curator)
    assert services.submit_map(index, by=curator) == job, "one is queued at a time"
    assert services.mapped_indexes(world.dataset, curator)[0].job == job
    done(job)
    before = services.map_file(index).read_bytes()
    Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None)
    assert done(job).result == {"index": index.pk, "points": 48, "method": "PCA"}
    assert services.map_file(index).read_bytes() == before
    with pytest.raises(Rejected, match="already has a map"):
        services.submit_map(index, by=curator)


def test_a_damaged_index_gives_no_map(world: World) -> None:
    index = world.index_of(world.models[0])
    replaced(index.folder / "vectors.npy", b"rot")
    assert "vectors.npy" in failed(services.submit_map(index, by=None))
    assert services.stored_map(index) is None and not services.map_file(index).parent.exists()


def test_an_index_whose_pictures_are_gone_gives_no_map(world: World) -> None:
    Image.objects.update(hidden=True)
    assert "only 0 pictures" in failed(services.submit_map(world.index_of(world.models[0]), by=None))


def test_too_small_an_index_is_refused(world: World) -> None:
    index = world.index_of(world.models[0])
    index.count = 2
    with pytest.raises(Rejected, match="at least 3 pictures"):
        services.submit_map(index, by=None)


def test_hidden_pictures_leave_the_map_at_once(world: World) -> None:
    index, found = mapped(world)
    one, near = services.misses_of(found)[0]
    assert services.with_pictures([(one, near)])[0].near.pk == near
    Image.objects.filter(pk=one).update(hidden=True)
    points = services.points_of(index, found)
    assert one not in points["ids"] and len(points["ids"]) == 47
    assert {len(points[name]) for name in ("x", "y", "ids", "labels", "splits", "hits", "near")} == {47}
    missed = [near for hit, near in zip(points["hits"], points["near"], strict=True) if hit == 0]
    assert one not in missed and any(missed) and len(missed) == len(found.near) - 1
    assert services.with_pictures([(one, near)]) == []


def test_a_new_index_has_no_map_yet(world: World) -> None:
    index, _ = mapped(world)
    done(submit_index(world.models[0], by=None))
    rows = services.mapped_indexes(world.dataset, AnonymousUser())
    assert [row.has_map for row in rows] == [False, False] and rows[0].index.pk != index.pk


def test_maps_of_a_changed_set_say_so(world: World) -> None:
    index, found = mapped(world)
    assert not services.summary_of(index, found).is_old
    index.dataset.revision += 1
    assert services.summary_of(index, found).is_old


def test_maps_are_seen_by_who_sees_the_model(world: World, member: User, curator: User) -> None:
    everybody = (AnonymousUser(), member, curator)
    assert [len(services.mapped_indexes(world.dataset, user)) for user in everybody] == [2, 2, 2]
    Model.objects.filter(pk=world.models[0].pk).update(published=False)
    assert [len(services.mapped_indexes(world.dataset, user)) for user in everybody] == [1, 1, 2]
    Dataset.objects.update(public=False)
    assert [len(services.mapped_indexes(world.dataset, user)) for user in everybody] == [0, 1, 2]
