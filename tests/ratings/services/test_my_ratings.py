import pytest

from accounts import personal_data
from accounts.models import User
from accounts.services import delete_account
from ratings.models import Ballot, BlindScore
from ratings.services import ballots, my_ratings
from retrieval.models import Mark, Search
from retrieval.search.services.marks import mark
from tests.ratings.services.test_ballots import rated
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_the_export_holds_ones_own_votes_and_marks(world: World, member: User, other_member: User) -> None:
    ballot = rated(member, 4)
    rated(other_member, 1)
    ballots.next_ballot(member)
    ranking = world.ask(member).rankings.all()[0]
    mark(member, ranking, ranking.image_ids[0], 2)
    section = personal_data.export_all(member)["ratings"]
    [row] = section["ballots"]
    assert row["all_bad"] is False
    assert row["search"] == str(ballot.search_id) and row["rated_at"]
    assert row["ratings"] == {"SoftTriple": 4, "Multi-Similarity": 4}
    [said] = section["marks"]
    assert (said["model_name"], said["mark"], said["dataset_name"]) == ("SoftTriple", 2, "Wings")
    assert said["search"] == str(ranking.search_id) and said["marked_at"]


def test_a_person_who_leaves_takes_their_votes_along_and_nobody_elses(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 1)  # both rate the same query
    rated(member, 1)
    kept = rated(other_member, 5)
    for user in (member, other_member):
        ranking = world.ask(user).rankings.all()[0]
        mark(user, ranking, ranking.image_ids[0], 1)
    delete_account(member)
    assert list(Ballot.objects.all()) == [kept] and {score.score for score in BlindScore.objects.all()} == {5}
    assert [relevance.who for relevance in Mark.objects.all()] == [other_member]
    assert Search.objects.filter(owner=None).count() == 1, "the query is the system's and stays"


def test_a_withdrawn_vote_is_in_no_export(world: World, member: User) -> None:
    ballots.withdraw(rated(member))
    assert personal_data.export_all(member)["ratings"]["ballots"] == []


def test_one_sees_ones_own_ratings_newest_first(world: World, member: User, other_member: User) -> None:
    one, other, two = rated(member), rated(other_member), rated(member)
    assert list(my_ratings.own_ratings(member)) == [two, one] and list(my_ratings.own_ratings(other_member)) == [other]
