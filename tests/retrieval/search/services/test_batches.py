import pytest

from accounts.models import User
from config.errors import Rejected
from retrieval.models import Model, Search
from retrieval.search.services.batches import run_all
from retrieval.search.services.run_search import SearchRequest
from tests.retrieval.pictures import drawn, encoded, jpeg
from tests.retrieval.world import World, replaced

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def wish(world: World, by: User, picture: bytes, models: list[Model] | None = None) -> SearchRequest:
    return {"datasets": [world.dataset], "models": models or world.models, "by": by, "upload": picture, "k": 3}


def shown(search: object) -> list[list[int]]:
    assert isinstance(search, Search), search
    return [ranking.image_ids for ranking in search.rankings.all()]


def test_together_they_are_answered_as_alone(world: World, member: User) -> None:
    pictures = [encoded(drawn(seed, (40 + seed, 64))) for seed in range(4)]
    together = run_all([wish(world, member, picture) for picture in pictures])
    assert [shown(search) for search in together] == [shown(world.ask(member, upload=picture)) for picture in pictures]
    for search in together:
        assert isinstance(search, Search) and search.upload.exists()
        assert all(ranking.took_ms > 0 for ranking in search.rankings.all())


def test_models_are_asked_by_whom_they_were_chosen(world: World, member: User) -> None:
    first, second = world.models
    found = run_all(
        [wish(world, member, jpeg(), [first]), wish(world, member, jpeg(), [second]), wish(world, member, jpeg())]
    )
    alone, other, both = map(shown, found)
    assert [*alone, *other] == both


def test_one_that_fails_leaves_the_others_and_nothing_behind(world: World, member: User, fresh_engine: None) -> None:
    first, second = world.models
    weights = next(first.folder.glob("*.safetensors"))
    replaced(weights, b"rot")
    found = run_all([wish(world, member, b"x"), wish(world, member, jpeg()), wish(world, member, jpeg(), [second])])
    assert isinstance(found[0], Rejected) and all(isinstance(one, Search) for one in found[1:])
    assert Search.objects.count() == 2
    both = Search.objects.get(pk=found[1].pk)  # type: ignore[union-attr]
    assert [row.model for row in both.rankings.all()] == [second] and "SoftTriple cannot search" in both.problems[0][1]


def test_nothing_asked_is_nothing_found(world: World) -> None:
    assert run_all([]) == []
