import pytest

from accounts.models import User
from ratings.services import mine
from tests.ratings.services.test_ballots import voted
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_one_sees_ones_own_votes_newest_first(world: World, member: User, other_member: User) -> None:
    one, other, two = voted(member), voted(other_member), voted(member)
    assert list(mine.own_votes(member)) == [two, one] and list(mine.own_votes(other_member)) == [other]
