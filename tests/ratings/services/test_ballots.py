import threading
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import personal_data
from accounts.models import User
from accounts.services import delete_account
from ratings.errors import NothingToRate, RatingRefused
from ratings.models import Ballot, BlindScore, Relevance
from ratings.services import ballots
from ratings.services.relevance import mark
from retrieval.errors import EngineBusy
from retrieval.experiments.services import set_published
from retrieval.models import Dataset, Search
from retrieval.search.services import engine
from tests.retrieval.indexes.test_services import rebuilt
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def voted(user: User, score: int = 3) -> Ballot:
    ballot = ballots.next_ballot(user)
    ballots.vote(ballot, dict.fromkeys(ballot.order, score))
    return ballot


# --- what is shown


def test_query_and_answers_are_held_out_pictures(world: World, member: User) -> None:
    held_out = {image.pk for image in world.test_images}
    for _ in range(5):
        ballot = voted(member)
        assert ballot.search.owner is None and ballot.search.query_image_id in held_out
        for ranking in ballots.rankings_in_order(ballot):
            assert set(ranking.image_ids) <= held_out - {ballot.search.query_image_id}
            assert len(ranking.image_ids) == ballots.ANSWERS


def test_queries_of_a_set_that_has_some_are_asked_of_its_gallery(world: World, member: User) -> None:
    world.part()
    gallery = set(world.dataset.images.filter(split="gallery").values_list("pk", flat=True))
    for _ in range(3):
        ballot = voted(member)
        assert ballot.search.query_image is not None and ballot.search.query_image.split == "query"
        assert all(set(ranking.image_ids) <= gallery for ranking in ballots.rankings_in_order(ballot))
    assert ballots.progress_of(member) == {"done": 3, "total": 8}


def test_an_open_ballot_is_shown_again_in_the_same_order(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    again = ballots.next_ballot(member)
    assert again == ballot and again.order == ballot.order and Search.objects.count() == 1
    assert [ranking.pk for ranking in ballots.rankings_in_order(ballot)] == ballot.order


def test_the_columns_stand_in_random_order_and_their_numbers_tell_nothing(world: World, member: User) -> None:
    first_shown, first_numbered, in_order = set(), set(), set()
    for _ in range(20):
        rankings = ballots.rankings_in_order(voted(member))
        in_order.add(rankings[0].pk < rankings[1].pk)
        first_shown.add(rankings[0].model_id)
        first_numbered.add(min(rankings, key=lambda ranking: ranking.pk).model_id)
    both = {model.pk for model in world.models}
    assert first_shown == both and first_numbered == both
    assert in_order == {True, False}, "else two people would see the same order"


def test_no_query_comes_twice_and_in_the_end_there_is_none(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 3)
    assert len({voted(member).search_id for _ in range(3)}) == 3
    with pytest.raises(NothingToRate, match="rated every query"):
        ballots.next_ballot(member)
    assert Search.objects.count() == 3
    assert voted(other_member).search_id in Search.objects.values_list("pk", flat=True)


def test_the_query_with_the_fewest_votes_is_offered_first(
    world: World, member: User, other_member: User, curator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 2)
    first, second = voted(member), voted(member)
    assert {voted(other_member).search, ballots.next_ballot(other_member).search} == {first.search, second.search}
    left = Ballot.objects.get(who=other_member, voted_at=None).search
    assert ballots.next_ballot(curator).search == left


def test_one_model_alone_is_no_contest(world: World, member: User) -> None:
    set_published(world.models[0], False)
    with pytest.raises(NothingToRate, match="two published models"):
        ballots.next_ballot(member)
    assert not Search.objects.exists() and ballots.progress_of(member) == {"done": 0, "total": 0}


def test_a_set_one_may_not_see_is_not_offered(world: World, member: User) -> None:
    Dataset.objects.update(revision=0)
    with pytest.raises(NothingToRate):
        ballots.next_ballot(member)


def test_a_new_index_asks_anew(world: World, member: User) -> None:
    stale = ballots.next_ballot(member)
    index = rebuilt(world.models[0])
    fresh = ballots.next_ballot(member)
    assert fresh.search != stale.search
    assert index.pk in fresh.search.rankings.values_list("index", flat=True)


def test_answers_of_old_indexes_that_nobody_rated_make_room(world: World, member: User) -> None:
    unrated = ballots.next_ballot(member).search
    rebuilt(world.models[0])
    rated = ballots.next_ballot(member)
    assert not Search.objects.filter(pk=unrated.pk).exists()
    ballots.vote(rated, dict.fromkeys(rated.order, 3))
    rebuilt(world.models[0])
    ballots.next_ballot(member)
    assert Search.objects.filter(pk=rated.search_id).exists(), "votes are never thrown away"


def test_damage_is_nothing_to_rate_and_says_why(world: World, member: User, fresh_engine: None) -> None:
    (world.index_of(world.models[0]).folder / "index.bin").unlink()
    with pytest.raises(NothingToRate, match="rating waits: the index of SoftTriple"):
        ballots.next_ballot(member)
    assert not Search.objects.exists() and not Ballot.objects.exists()


def test_a_busy_engine_makes_no_ballot(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_waiting", threading.BoundedSemaphore(1))
    with engine._place_in_queue(), pytest.raises(EngineBusy):
        ballots.next_ballot(member)
    assert not Search.objects.exists()


# --- voting


def test_a_ballot_is_cast_once_for_its_names_are_known_then(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    cast, other = (dict(zip(ballot.order, scores, strict=True)) for scores in ((1, 5), (2, 2)))
    ballots.vote(ballot, cast)
    ballots.vote(ballot, cast)
    with pytest.raises(RatingRefused, match="its names are known"):
        ballots.vote(ballot, other)
    assert dict(ballot.scores.values_list("ranking", "score")) == cast
    assert BlindScore.objects.count() == 2 and ballot.voted_at is not None


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ({}, "give each of the 2 columns one score"),
        ({0: 3}, "give each of the 2 columns"),
        ({0: 3, 1: 3, 2: 3}, "give each of the 2 columns"),
        ({0: 3, 9: 3}, "give each of the 2 columns"),
        ({0: 3, 1: 0}, "a score is 1 to 5, not 0"),
        ({0: 3, 1: 6}, "a score is 1 to 5, not 6"),
    ],
)
def test_a_vote_that_is_not_whole_is_refused_whole(
    world: World, member: User, scores: dict[int, int], sentence: str
) -> None:
    ballot = ballots.next_ballot(member)
    columns = dict(enumerate(ballot.order))
    with pytest.raises(RatingRefused, match=sentence):
        ballots.vote(ballot, {columns.get(place, 10**6 + place): score for place, score in scores.items()})
    ballot.refresh_from_db()
    assert ballot.voted_at is None and not BlindScore.objects.exists()


def test_a_vote_that_fails_midway_stores_nothing(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ballot = ballots.next_ballot(member)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr(ballots.BlindScore.objects, "bulk_create", fail)
    with pytest.raises(OSError, match="disk"):
        ballots.vote(ballot, dict.fromkeys(ballot.order, 3))
    ballot.refresh_from_db()
    assert ballot.voted_at is None and not BlindScore.objects.exists()


@pytest.mark.parametrize("score", [0, 6])
def test_the_database_holds_the_range_of_scores(world: World, member: User, score: int) -> None:
    ballot = ballots.next_ballot(member)
    with pytest.raises(IntegrityError), transaction.atomic():
        BlindScore.objects.create(ballot=ballot, ranking_id=ballot.order[0], score=score)


def test_progress_counts_ones_own_votes(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ballots.progress_of(member) == {"done": 0, "total": 24}
    voted(member)
    ballots.next_ballot(member)
    assert ballots.progress_of(member) == {"done": 1, "total": 24}
    assert ballots.progress_of(other_member)["done"] == 0
    monkeypatch.setattr(ballots, "QUERIES", 5)
    assert ballots.progress_of(member) == {"done": 1, "total": 5}


def test_one_sees_ones_own_ballots_only(world: World, member: User, other_member: User) -> None:
    ballot = ballots.next_ballot(member)
    assert list(ballots.ballots_of(member)) == [ballot] and not ballots.ballots_of(other_member).exists()


# --- personal data


def test_the_export_holds_ones_own_votes_and_marks(world: World, member: User, other_member: User) -> None:
    ballot = voted(member, 4)
    voted(other_member, 1)
    ballots.next_ballot(member)
    ranking = world.ask(member).rankings.all()[0]
    mark(member, ranking, ranking.image_ids[0], 2)
    section = personal_data.export_all(member)["ratings"]
    [row] = section["ballots"]
    assert row["query"] == str(ballot.search_id) and row["voted_at"]
    assert row["scores"] == {"SoftTriple": 4, "Multi-Similarity": 4}
    assert [(row["model"], row["value"]) for row in section["marks"]] == [("SoftTriple", 2)]


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
    assert [relevance.who for relevance in Relevance.objects.all()] == [other_member]
    assert Search.objects.filter(owner=None).count() == 1, "the query is the system's and stays"
