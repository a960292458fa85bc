import pytest

from accounts.models import User
from ratings.services import mine
from ratings.services.relevance import mark
from retrieval.models import Mark
from tests.ratings.services.test_ballots import voted
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def marked(world: World, by: User, value: int = 1) -> Mark:
    ranking = world.ask(by).rankings.all()[0]
    return mark(by, ranking, ranking.image_ids[0], value)


def test_one_sees_what_one_said_oneself_newest_first(world: World, member: User, other_member: User) -> None:
    first, theirs, second = marked(world, member), marked(world, other_member), marked(world, member)
    assert list(mine.own_marks(member)) == [second, first] and list(mine.own_marks(other_member)) == [theirs]
    one, other, two = voted(member), voted(other_member), voted(member)
    assert list(mine.own_votes(member)) == [two, one] and list(mine.own_votes(other_member)) == [other]


def test_a_mark_changed_later_is_the_newest(world: World, member: User) -> None:
    first, second = marked(world, member), marked(world, member)
    mark(member, first.ranking, first.image_id, 2)
    assert list(mine.own_marks(member)) == [first, second]


def test_a_mark_taken_back_is_gone_and_no_other(world: World, member: User) -> None:
    first, second = marked(world, member), marked(world, member)
    mine.remove_mark(first)
    mine.remove_mark(first)
    assert list(Mark.objects.all()) == [second]
