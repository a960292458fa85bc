import pytest

from accounts import personal_data
from accounts.models import User
from accounts.services import delete_account
from ratings.models import Ballot, BlindScore
from ratings.services import ballots
from retrieval.models import Mark, Search
from retrieval.search.services.marks import mark
from tests.ratings.services.test_ballots import voted
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_the_export_holds_ones_own_votes_and_marks(world: World, member: User, other_member: User) -> None:
    ballot = voted(member, 4)
    voted(other_member, 1)
    ballots.next_ballot(member)
    ranking = world.ask(member).rankings.all()[0]
    mark(member, ranking, ranking.image_ids[0], 2)
    section = personal_data.export_all(member)["ratings"]
    [row] = section["ballots"]
    assert row["none_good"] is False
    assert row["query"] == str(ballot.search_id) and row["voted_at"]
    assert row["scores"] == {"SoftTriple": 4, "Multi-Similarity": 4}
    [said] = section["marks"]
    assert (said["model"], said["value"], said["dataset"]) == ("SoftTriple", 2, "Wings")
    assert said["search"] == str(ranking.search_id) and said["marked_at"]


def test_a_person_who_leaves_takes_their_votes_along_and_nobody_elses(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 1)  # both rate the same query
    voted(member, 1)
    kept = voted(other_member, 5)
    for user in (member, other_member):
        ranking = world.ask(user).rankings.all()[0]
        mark(user, ranking, ranking.image_ids[0], 1)
    delete_account(member)
    assert list(Ballot.objects.all()) == [kept] and {score.score for score in BlindScore.objects.all()} == {5}
    assert [relevance.who for relevance in Mark.objects.all()] == [other_member]
    assert Search.objects.filter(owner=None).count() == 1, "the query is the system's and stays"


def test_a_withdrawn_vote_is_in_no_export(world: World, member: User) -> None:
    ballots.withdraw(voted(member))
    assert personal_data.export_all(member)["ratings"]["ballots"] == []
