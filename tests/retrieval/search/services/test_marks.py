import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from config.errors import Rejected
from retrieval.models import Image, Mark
from retrieval.search.services.marks import mark, marks_of, own_marks, remove_mark
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def test_a_mark_is_stored_and_said_again_changes(world: World, member: User) -> None:
    ranking = world.ask(member).rankings.all()[0]
    picture = ranking.image_ids[0]
    for value in (0, 2, 2):
        mark(member, ranking, picture, value)
        assert marks_of(member, [ranking.pk]) == {(ranking.pk, picture): value}
    assert Mark.objects.count() == 1


def test_marks_are_ones_own(world: World, member: User, other_member: User) -> None:
    ranking = world.ask(member).rankings.all()[0]
    mark(member, ranking, ranking.image_ids[0], 1)
    assert marks_of(other_member, [ranking.pk]) == {}


@pytest.mark.parametrize("value", [-1, 3, 10**9])
def test_a_value_out_of_range_is_refused(world: World, member: User, value: int) -> None:
    ranking = world.ask(member).rankings.all()[0]
    with pytest.raises(Rejected, match="0, 1 or 2"):
        mark(member, ranking, ranking.image_ids[0], value)
    assert not Mark.objects.exists()


def test_a_picture_that_is_no_answer_is_refused(world: World, member: User) -> None:
    ranking = world.ask(member).rankings.all()[0]
    gone = ranking.image_ids[1]
    Image.objects.filter(pk=gone).delete()
    for picture in (world.test_images[0].pk, gone, 10**30):
        with pytest.raises(Rejected, match="not among these results"):
            mark(member, ranking, picture, 1)
    assert not Mark.objects.exists()


def test_the_database_holds_the_range_of_marks(world: World, member: User) -> None:
    ranking = world.ask(member).rankings.all()[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        Mark.objects.create(who=member, ranking=ranking, image_id=ranking.image_ids[0], value=3)


def marked(world: World, by: User, value: int = 1) -> Mark:
    ranking = world.ask(by).rankings.all()[0]
    return mark(by, ranking, ranking.image_ids[0], value)


def test_one_sees_ones_own_marks_newest_first(world: World, member: User, other_member: User) -> None:
    first, theirs, second = marked(world, member), marked(world, other_member), marked(world, member)
    assert list(own_marks(member)) == [second, first] and list(own_marks(other_member)) == [theirs]


def test_a_mark_changed_later_is_the_newest(world: World, member: User) -> None:
    first, second = marked(world, member), marked(world, member)
    mark(member, first.ranking, first.image_id, 2)
    assert list(own_marks(member)) == [first, second]


def test_a_mark_taken_back_is_gone_and_no_other(world: World, member: User) -> None:
    first, second = marked(world, member), marked(world, member)
    remove_mark(first)
    remove_mark(first)
    assert list(Mark.objects.all()) == [second]
