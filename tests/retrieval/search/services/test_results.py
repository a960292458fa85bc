import pytest

from accounts.models import User
from retrieval.models import Image, Index
from retrieval.search.services import results
from retrieval.search.services.options import Terms
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_answers_say_where_else_a_picture_stands(world: World, member: User) -> None:
    columns = results.answers_of(world.ask(member, k=20), member)
    assert [column["model"] for column in columns] == world.models
    sets = [{answer["image"].pk for answer in column["answers"]} for column in columns]
    for column in columns:
        assert [answer["rank"] for answer in column["answers"]] == list(range(1, 21))
        for answer in column["answers"]:
            assert answer["shared_count"] == sum(answer["image"].pk in ids for ids in sets)


@pytest.mark.parametrize("how", ["deleted", "hidden"])
def test_a_picture_gone_since_is_left_out_and_ranks_stay(world: World, member: User, how: str) -> None:
    search = world.ask(member)
    gone = Image.objects.filter(pk=search.rankings.all()[0].image_ids[0])
    gone.delete() if how == "deleted" else gone.update(hidden=True)
    assert [answer["rank"] for answer in results.answers_of(search, search.owner)[0]["answers"]] == [2, 3]


def test_the_threshold_hides_what_is_below_and_says_how_many(world: World, member: User) -> None:
    plain = world.ask(member, k=20)
    middle = plain.rankings.all()[0].scores[9]
    search = world.ask(member, k=20, terms=Terms(threshold=middle))
    for column, ranking in zip(results.answers_of(search, search.owner), search.rankings.all(), strict=True):
        kept = [score for score in ranking.scores if score >= middle]
        assert [answer["score"] for answer in column["answers"]] == kept
        assert column["below"] == 20 - len(kept)


def test_the_overlap_is_the_share_of_pictures_in_common(world: World, member: User) -> None:
    search = world.ask(member, k=10)
    summary = results.summary_of(search, results.answers_of(search, search.owner), search.owner)
    first, second = (set(ranking.image_ids) for ranking in search.rankings.all())
    [pair] = summary["overlaps"]
    assert [pair["first"], pair["second"]] == world.models and pair["share"] == len(first & second) / 10
    assert (summary["shown"], summary["below"], summary["outdated"]) == (20, 0, [])


def test_an_index_older_than_its_set_is_named_and_a_set_without_one(world: World, member: User) -> None:
    moths = world.another(world.models[0])
    world.dataset.revision += 1
    world.dataset.save()
    search = world.ask(member, datasets=[world.dataset, moths])
    columns = results.answers_of(search, search.owner)
    summary = results.summary_of(search, columns, search.owner)
    assert set(summary["outdated"]) == set(Index.objects.filter(dataset=world.dataset))
    assert [column["missing"] for column in columns] == [[], ["Moths"]]
