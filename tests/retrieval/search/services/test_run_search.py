import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from PIL import Image as Pillow

from accounts.models import User
from config.errors import Busy, NothingSearchable, Rejected
from retrieval.datasets.services.curating import set_hidden
from retrieval.models import Dataset, Model, Ranking, Search
from retrieval.registry.services.visibility import set_published
from retrieval.search.services.options import SearchOptions
from retrieval.search.services.ranking import search_indexes
from retrieval.search.services.results import results_of
from retrieval.search.services.run_search import run_search, searchable_models, system_search
from tests.retrieval.pictures import BAD, GOOD, drawn, encoded, jpeg
from tests.retrieval.world import World, full_queue, replaced

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def stored_uploads() -> list[Path]:
    return list((settings.MEDIA_ROOT / "searches").glob("*"))


# --- asking


def test_a_gallery_picture_is_answered_by_every_model_and_never_by_itself(world: World, member: User) -> None:
    query = world.test_images[0]
    search = world.ask(member, k=47)
    assert search.owner == member and search.query_image == query and stored_uploads() == []
    for ranking, model in zip(search.rankings.all(), world.models, strict=True):
        assert ranking.model == model and ranking.index == world.index_of(model) and ranking.took_ms > 0
        assert query.pk not in ranking.image_ids and len(set(ranking.image_ids)) == 47
        assert ranking.scores == sorted(ranking.scores, reverse=True) and abs(ranking.scores[0]) <= 1.0001


def test_a_gallery_picture_may_be_among_its_own_answers(world: World, member: User) -> None:
    search = world.ask(member, k=48, exclude_self=False)
    for ranking in search.rankings.all():
        assert ranking.image_ids[0] == search.query_image_id and len(set(ranking.image_ids)) == 48
    again = world.ask(member, like=search, k=48)
    assert not again.exclude_self and again.rankings.all()[0].image_ids[0] == search.query_image_id
    with pytest.raises(Rejected, match="1 to 47"):
        world.ask(member, k=48)


def test_without_its_network_a_model_finds_a_picture_itself(world: World, member: User) -> None:
    Model.objects.update(has_network=False)
    search = world.ask(member, models=list(Model.objects.all()), exclude_self=False)
    assert all(ranking.image_ids[0] == search.query_image_id for ranking in search.rankings.all())


def test_the_answers_are_the_exact_nearest(world: World, member: User) -> None:
    """Compare with the embeddings that training stored: same picture, same network, same cosines."""
    search = world.ask(member, k=5)
    for ranking in search.rankings.all():
        embeddings = np.load(ranking.model.folder / "embeddings.npy")
        ids = [image.pk for image in world.dataset.images.order_by("pk")]
        cosines = dict(zip(ids, embeddings @ embeddings[ids.index(search.query_image_id)], strict=True))
        del cosines[search.query_image_id]
        best = sorted(cosines, key=lambda pk: -cosines[pk])[:5]
        assert ranking.image_ids == best
        assert np.allclose(ranking.scores, [cosines[pk] for pk in best], atol=1e-4)


def test_an_uploaded_copy_of_a_gallery_picture_finds_it_first(world: World, member: User) -> None:
    twin = world.test_images[3]
    search = world.ask(member, upload=twin.file.read_bytes())
    for ranking in search.rankings.all():
        assert ranking.image_ids[0] == twin.pk and ranking.scores[0] > 0.999


def test_an_upload_is_kept_upright_small_and_without_metadata(world: World, member: User) -> None:
    search = world.ask(member, upload=GOOD["a photo lying on its side"])
    kept = Pillow.open(search.upload)
    assert kept.size == (32, 48) and not kept.getexif() and b"Secret maker" not in search.upload.read_bytes()
    large = world.ask(member, upload=jpeg(size=(1600, 800)))
    assert Pillow.open(large.upload).size == (1024, 512)


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_picture_is_answered(world: World, member: User, name: str) -> None:
    search = world.ask(member, upload=GOOD[name])
    assert search.rankings.count() == 2 and Pillow.open(search.upload).format == "JPEG"


def test_of_an_animation_the_first_frame_asks(world: World, member: User) -> None:
    frames = io.BytesIO(GOOD["an animated GIF"])
    first = encoded(Pillow.open(frames).convert("RGB"), "PNG")
    answers = [list(world.ask(member, upload=data).rankings.values("image_ids")) for data in (frames.getvalue(), first)]
    assert answers[0] == answers[1]


def test_one_model_named_twice_answers_once(world: World, member: User) -> None:
    assert world.ask(member, models=[world.models[0]] * 2).rankings.count() == 1


# --- several data sets


def test_several_sets_are_searched_and_each_models_answers_merged_by_cosine(world: World, member: User) -> None:
    moths = world.another(*world.models)
    search = world.ask(member, datasets=[world.dataset, moths], k=59)
    assert set(search.datasets.all()) == {world.dataset, moths} and search.rankings.count() == 4
    for column in results_of(search, member).columns:
        scores = {pk: score for row in column.rankings for pk, score in zip(row.image_ids, row.scores, strict=True)}
        shown = [(result.image, result.similarity) for result in column.results]
        assert shown == sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:59]
        assert {result.dataset for result in column.results} == {world.dataset.pk, moths.pk}
        images = {row.pk: row.image_ids for row in column.rankings}
        assert all(result.image in images[result.ranking] for result in column.results)


def test_a_model_answers_from_the_sets_that_it_has_an_index_of(world: World, member: User) -> None:
    moths = world.another(world.models[0])
    search = world.ask(member, datasets=[moths, world.dataset])
    sets = {
        column.record: [row.index.dataset for row in column.rankings] for column in results_of(search, member).columns
    }
    assert sets == {world.models[0]: [moths, world.dataset], world.models[1]: [world.dataset]}


def test_a_picture_of_one_set_searches_another(world: World, member: User) -> None:
    moths = world.another()
    search = world.ask(member, datasets=[moths], k=12)
    assert set(search.rankings.get().image_ids) == set(moths.images.values_list("pk", flat=True))


# --- terms


def test_a_part_of_the_picture_is_searched_alone(world: World, member: User) -> None:
    """An upload whose right half is a gallery picture finds that picture by the box, and not first without it."""
    twin = world.test_images[2]
    wide = Pillow.new("RGB", (64, 32))
    wide.paste(drawn(9).resize((32, 32)), (0, 0))
    wide.paste(Pillow.open(twin.file), (32, 0))
    whole = world.ask(member, upload=encoded(wide, "PNG"))
    part = world.ask(member, like=whole, options=SearchOptions(box=(0.5, 0, 1, 1)))
    assert part.box == [0.5, 0, 1, 1] and all(row.image_ids[0] == twin.pk for row in part.rankings.all())
    assert all(row.scores[0] < 0.999 for row in whole.rankings.all())


def test_a_refinement_asks_with_the_first_searchs_picture_and_keeps_no_other(world: World, member: User) -> None:
    first = world.ask(member, upload=jpeg())
    second = world.ask(member, like=first, k=5)
    third = world.ask(member, like=second, k=6)
    assert (second.root, third.root) == (first, first) and third.upload == first.upload
    assert [file.name for file in stored_uploads()] == [f"{first.pk}.jpg"]
    first.upload.unlink()
    with pytest.raises(Rejected, match="the picture of that search is gone"):
        world.ask(member, like=third)


def test_filters_keep_only_their_pictures_and_a_hidden_one_never_answers(world: World, member: User) -> None:
    picked = world.dataset.images.filter(split="train", label=1)
    set_hidden(world.dataset, [picked.values_list("pk", flat=True)[0]], True, by=None)
    terms = SearchOptions(splits=("train",), classes=((world.dataset.pk, 1),))
    search = world.ask(member, k=40, options=terms)
    assert search.filters == {"splits": ["train"], "classes": [[world.dataset.pk, 1]]}
    left = set(picked.filter(hidden=False).values_list("pk", flat=True))
    assert len(left) == 5 and all(set(row.image_ids) == left for row in search.rankings.all())
    nothing = world.ask(member, options=SearchOptions(splits=("gallery",)))
    assert [row.image_ids for row in nothing.rankings.all()] == [[], []]


def test_marked_pictures_move_the_query(world: World, member: User) -> None:
    """Against the formula of Rocchio in plain float64, over the embeddings that training stored."""
    plain = world.ask(member, k=47)
    more, less = plain.rankings.all()[0].image_ids[10:12], plain.rankings.all()[0].image_ids[:1]
    moved = world.ask(member, k=47, like=plain, options=SearchOptions(more_like=tuple(more), less_like=tuple(less)))
    ids = [image.pk for image in world.dataset.images.order_by("pk")]
    for ranking in moved.rankings.all():
        unit = dict(zip(ids, np.load(ranking.model.folder / "embeddings.npy").astype(np.float64), strict=True))
        query = unit[moved.query_image_id] + 0.75 * (unit[more[0]] + unit[more[1]]) / 2 - 0.15 * unit[less[0]]
        query /= np.sqrt(sum(value**2 for value in query))
        wanted = [sum(a * b for a, b in zip(query, unit[pk], strict=True)) for pk in ranking.image_ids]
        assert np.allclose(ranking.scores, wanted, atol=1e-4)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"box": (0.5, 0, 0.5, 1)}, "left before right"),
        ({"box": (0, 0, 1.5, 1)}, "within the picture"),
        ({"box": (0, 0, float("nan"), 1)}, "four numbers"),
        ({"box": (0, 0, 1)}, "four numbers"),
        ({"box": (0, 0, 0.1, 0.1)}, "the box is 3 x 3 px, smaller than 16 px on a side; draw it larger"),
        ({"threshold": 1.5}, "-1 to 1, not 1.5"),
        ({"threshold": float("nan")}, "not nan"),
        ({"splits": ("best",)}, "no split 'best'"),
        ({"classes": ((0, 1),)}, "which is not searched"),
        ({"classes": ((1, 999),)}, "Wings has no class 999"),
    ],
)
def test_terms_that_mean_nothing_are_refused(world: World, member: User, values: dict[str, Any], sentence: str) -> None:
    if values.get("classes") == ((1, 999),):
        values = {"classes": ((world.dataset.pk, 999),)}
    with pytest.raises(Rejected, match=sentence):
        world.ask(member, options=SearchOptions(**values))
    assert not Search.objects.exists()


# --- what is refused, leaving nothing


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"k": 0}, "1 to 47 results per model, not 0"),
        ({"k": -1}, "not -1"),
        ({"k": 48}, "1 to 47 results per model, not 48"),
        ({"k": 10**9}, "1 to 47"),
        ({"upload": jpeg(), "k": 49}, "1 to 48 results per model, not 49"),
        ({"image": None}, "exactly one picture"),
        *(({"upload": data}, sentence) for data, sentence in BAD.values()),
    ],
)
def test_what_cannot_be_asked_is_refused_and_stores_nothing(
    world: World, member: User, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Rejected, match=sentence):
        world.ask(member, **change)
    assert not Search.objects.exists() and stored_uploads() == []


def test_two_queries_at_once_are_refused(world: World, member: User) -> None:
    with pytest.raises(Rejected, match="exactly one picture"):
        world.ask(member, upload=jpeg(), image=world.test_images[0])


def test_no_more_answers_than_the_site_allows(world: World, member: User, settings: Any) -> None:
    settings.MOST_ANSWERS = 5
    with pytest.raises(Rejected, match="1 to 5 results"):
        world.ask(member, k=6)


def test_a_picture_whose_file_is_gone_is_refused(world: World, member: User) -> None:
    world.test_images[0].file.unlink()
    with pytest.raises(Rejected, match="the file of that picture is gone"):
        world.ask(member)


def test_models_that_cannot_search_are_left_out_until_none_is_left(world: World, member: User) -> None:
    one, other = world.models
    set_published(one, False)
    assert list(searchable_models(world.dataset)) == [other]
    assert [ranking.model for ranking in world.ask(member).rankings.all()] == [other]
    other.indexes.update(active=False)
    with pytest.raises(NothingSearchable, match="index of Wings"):
        world.ask(member)


def test_a_set_without_models_cannot_be_searched(world: World, member: User) -> None:
    bare = Dataset.objects.create(name="Bare", slug="bare", source="wings", revision=1)
    with pytest.raises(NothingSearchable, match="index of Bare"):
        run_search(datasets=[bare], models=world.models, k=1, by=member, upload=jpeg())


def test_a_full_disk_leaves_no_search_without_its_picture(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(Path, "write_bytes", full)
        world.ask(member, upload=jpeg())
    assert not Search.objects.exists() and not Ranking.objects.exists()


# --- damage


@pytest.mark.parametrize("name", ["index.bin", "vectors.npy", "manifest.json"])
def test_a_damaged_index_is_refused_with_a_sentence(world: World, member: User, fresh_engine: None, name: str) -> None:
    file = world.index_of(world.models[0]).folder / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    replaced(file, bytes(data))
    with pytest.raises(Rejected, match="the index of SoftTriple cannot be used: .*(damaged|manifest)"):
        world.ask(member, models=world.models[:1])
    assert not Search.objects.exists()
    both = world.ask(member)
    assert [row.model for row in both.rankings.all()] == world.models[1:], "the other model is asked all the same"
    [[model, reason]] = both.problems
    assert model == world.models[0].pk and reason.startswith("the index of SoftTriple cannot be used: ")


@pytest.mark.parametrize("what", ["index", "model"])
def test_files_that_are_gone_are_refused_without_naming_a_server_path(
    world: World, member: User, fresh_engine: None, what: str
) -> None:
    model = world.models[0]
    folder = world.index_of(model).folder if what == "index" else model.folder
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(Rejected, match="SoftTriple cannot search: its files are gone") as refusal:
        world.ask(member, models=world.models[:1])
    assert str(settings.MEDIA_ROOT) not in str(refusal.value)


def test_damaged_weights_are_refused(world: World, member: User, fresh_engine: None) -> None:
    file = world.models[0].folder / "model.safetensors"
    replaced(file, file.read_bytes()[:-1])
    with pytest.raises(Rejected, match="SoftTriple cannot search: .*damaged"):
        world.ask(member, models=world.models[:1])


def test_an_index_of_another_model_is_refused(world: World, member: User, fresh_engine: None) -> None:
    one, other = (world.index_of(model) for model in world.models)
    for file in other.folder.iterdir():
        replaced(one.folder / file.name, file.read_bytes())
    with pytest.raises(Rejected, match="the index of SoftTriple cannot be used: index is of model"):
        world.ask(member, models=world.models[:1])


def test_what_is_loaded_serves_though_its_files_are_gone(world: World, member: User) -> None:
    world.ask(member)
    for model in world.models:
        for file in world.index_of(model).folder.glob("*.bin"):
            file.unlink()
    assert world.ask(member).rankings.count() == 2


def test_a_busy_engine_asks_to_come_again_and_stores_nothing(world: World, member: User) -> None:
    with full_queue(), pytest.raises(Busy):
        world.ask(member)
    assert not Search.objects.exists()
    assert world.ask(member).rankings.count() == 2


# --- the system's own searches


def test_a_system_search_answers_with_held_out_pictures_only(world: World) -> None:
    query, models = world.test_images[0], list(searchable_models(world.dataset))
    search = system_search(query, models, 8)
    held_out = {image.pk for image in world.test_images}
    assert search.owner is None and search.k == 8
    for ranking in search.rankings.all():
        assert set(ranking.image_ids) <= held_out - {query.pk} and len(ranking.image_ids) == 8


def test_a_system_search_is_asked_once(world: World) -> None:
    models = list(searchable_models(world.dataset))
    first = system_search(world.test_images[0], models, 8)
    assert system_search(world.test_images[0], models, 8) == first
    assert Search.objects.count() == 1 and Ranking.objects.count() == 2


def test_a_system_search_asks_for_no_more_than_are_held_out(world: World) -> None:
    models = list(searchable_models(world.dataset))
    assert system_search(world.test_images[0], models, 1000).k == 23
    world.dataset.images.filter(split="test").exclude(pk=world.test_images[1].pk).update(split="train")
    with pytest.raises(Rejected, match="holds out too few"):
        system_search(world.test_images[0], models, 8)


def test_a_system_search_of_a_query_is_answered_from_its_gallery(world: World) -> None:
    world.part()
    query = world.dataset.images.asking()[0]
    search = system_search(query, list(searchable_models(world.dataset)), 1000)
    gallery = set(world.dataset.images.filter(split="gallery").values_list("pk", flat=True))
    assert query.split == "query" and search.k == 16
    assert all(set(ranking.image_ids) == gallery for ranking in search.rankings.all())


def test_a_ranking_is_not_stored_by_ranking(world: World, member: User) -> None:
    search = Search(owner=member, k=2)
    [ranking] = search_indexes(search, searchable_models(world.dataset)[0], drawn())
    assert len(ranking.image_ids) == 2 and not Ranking.objects.exists()
