from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from config.errors import Busy, Conflict, Rejected
from ratings.errors import NothingToRate
from ratings.models import Ballot, BlindScore
from ratings.services import ballots
from retrieval.models import Dataset, Search
from retrieval.registry.services.visibility import set_published
from tests.retrieval.registry.services.test_indexes import rebuilt
from tests.retrieval.world import World, full_queue

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def rated(user: User, score: int = 3) -> Ballot:
    ballot = ballots.next_ballot(user)
    ballots.rate(ballot, dict.fromkeys(ballot.order, score))
    return ballot


# --- what is shown


def test_query_and_answers_are_held_out_pictures(world: World, member: User) -> None:
    held_out = {image.pk for image in world.test_images}
    for _ in range(5):
        ballot = rated(member)
        assert ballot.search.owner is None and ballot.search.query_image_id in held_out
        for ranking in ballots.rankings_in_order(ballot):
            assert set(ranking.image_ids) <= held_out - {ballot.search.query_image_id}
            assert len(ranking.image_ids) == ballots.RESULTS


def test_queries_of_a_set_that_has_some_are_asked_of_its_gallery(world: World, member: User) -> None:
    world.part()
    gallery = set(world.dataset.images.filter(split="gallery").values_list("pk", flat=True))
    for _ in range(3):
        ballot = rated(member)
        assert ballot.search.query_image is not None and ballot.search.query_image.split == "query"
        assert all(set(ranking.image_ids) <= gallery for ranking in ballots.rankings_in_order(ballot))
    assert ballots.progress_of(member) == {"done": 3, "total": 8, "skipped": 0}


def test_an_open_ballot_is_shown_again_in_the_same_order(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    again = ballots.next_ballot(member)
    assert again == ballot and again.order == ballot.order and Search.objects.count() == 1
    assert [ranking.pk for ranking in ballots.rankings_in_order(ballot)] == ballot.order


def test_the_columns_stand_in_random_order_and_their_numbers_tell_nothing(world: World, member: User) -> None:
    first_shown, first_numbered, in_order = set(), set(), set()
    for _ in range(20):
        rankings = ballots.rankings_in_order(rated(member))
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
    assert len({rated(member).search_id for _ in range(3)}) == 3
    with pytest.raises(NothingToRate, match="rated every query"):
        ballots.next_ballot(member)
    assert Search.objects.count() == 3
    assert rated(other_member).search_id in Search.objects.values_list("pk", flat=True)


def test_the_query_with_the_fewest_rating_is_offered_first(
    world: World, member: User, other_member: User, curator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 2)
    first, second = rated(member), rated(member)
    assert {rated(other_member).search, ballots.next_ballot(other_member).search} == {first.search, second.search}
    left = Ballot.objects.get(who=other_member, voted_at=None).search
    assert ballots.next_ballot(curator).search == left


def test_one_model_alone_is_no_contest(world: World, member: User) -> None:
    set_published(world.models[0], False)
    with pytest.raises(NothingToRate, match="two published models"):
        ballots.next_ballot(member)
    assert not Search.objects.exists() and ballots.progress_of(member) == {"done": 0, "total": 0, "skipped": 0}


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
    ballots.rate(rated, dict.fromkeys(rated.order, 3))
    rebuilt(world.models[0])
    ballots.next_ballot(member)
    assert Search.objects.filter(pk=rated.search_id).exists(), "votes are never thrown away"


def test_a_ballot_that_somebody_is_about_to_rate_outlives_its_index(
    world: World, member: User, other_member: User
) -> None:
    ballot = ballots.next_ballot(member)
    rebuilt(world.models[0])
    ballots.next_ballot(other_member)
    ballots.rate(ballot, dict.fromkeys(ballot.order, 4))
    assert list(ballot.scores.values_list("score", flat=True)) == [4, 4]


def test_a_ballot_that_nobody_rates_makes_room_for_its_picture(world: World, member: User, other_member: User) -> None:
    ballot = ballots.next_ballot(member)
    Ballot.objects.update(shown_at=timezone.now() - ballots.TIME_TO_RATE)
    rebuilt(world.models[0])
    ballots.next_ballot(other_member)
    assert not Ballot.objects.filter(pk=ballot.pk).exists()
    assert not Search.objects.filter(pk=ballot.search_id).exists()


def test_damage_is_nothing_to_rate_and_says_why(world: World, member: User, fresh_engine: None) -> None:
    (world.index_of(world.models[0]).folder / "index.bin").unlink()
    with pytest.raises(NothingToRate, match="the index of SoftTriple"):
        ballots.next_ballot(member)
    assert not Search.objects.exists() and not Ballot.objects.exists()


def test_a_query_that_is_hidden_is_not_offered(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    world.dataset.images.filter(pk=ballot.search.query_image_id).update(hidden=True)
    assert ballots.next_ballot(member).search != ballot.search


def test_a_busy_engine_makes_no_ballot(world: World, member: User) -> None:
    with full_queue(), pytest.raises(Busy):
        ballots.next_ballot(member)
    assert not Search.objects.exists()


# --- rating


def test_a_ballot_is_cast_once_for_its_names_are_known_then(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    cast, other = (dict(zip(ballot.order, scores, strict=True)) for scores in ((1, 5), (2, 2)))
    ballots.rate(ballot, cast)
    ballots.rate(ballot, cast)
    with pytest.raises(Conflict, match="rated this ballot"):
        ballots.rate(ballot, other)
    assert dict(ballot.scores.values_list("ranking", "score")) == cast
    assert BlindScore.objects.count() == 2 and ballot.voted_at is not None


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ({}, "each of the 2 columns"),
        ({0: 3}, "each of the 2 columns"),
        ({0: 3, 1: 3, 2: 3}, "each of the 2 columns"),
        ({0: 3, 9: 3}, "each of the 2 columns"),
        ({0: 3, 1: 0}, "1 to 5, got 0"),
        ({0: 3, 1: 6}, "1 to 5, got 6"),
    ],
)
def test_a_rating_that_is_not_whole_is_refused_whole(
    world: World, member: User, scores: dict[int, int], sentence: str
) -> None:
    ballot = ballots.next_ballot(member)
    columns = dict(enumerate(ballot.order))
    with pytest.raises(Rejected, match=sentence):
        ballots.rate(ballot, {columns.get(place, 10**6 + place): score for place, score in scores.items()})
    ballot.refresh_from_db()
    assert ballot.voted_at is None and not BlindScore.objects.exists()


def test_a_rating_that_fails_midway_stores_nothing(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ballot = ballots.next_ballot(member)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr(ballots.BlindScore.objects, "bulk_create", fail)
    with pytest.raises(OSError, match="disk"):
        ballots.rate(ballot, dict.fromkeys(ballot.order, 3))
    ballot.refresh_from_db()
    assert ballot.voted_at is None and not BlindScore.objects.exists()


@pytest.mark.parametrize("score", [0, 6])
def test_the_database_holds_the_range_of_scores(world: World, member: User, score: int) -> None:
    ballot = ballots.next_ballot(member)
    with pytest.raises(IntegrityError), transaction.atomic():
        BlindScore.objects.create(ballot=ballot, ranking_id=ballot.order[0], score=score)


def test_progress_counts_ones_own_rating(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ballots.progress_of(member) == {"done": 0, "total": 24, "skipped": 0}
    rated(member)
    ballots.next_ballot(member)
    assert ballots.progress_of(member) == {"done": 1, "total": 24, "skipped": 0}
    assert ballots.progress_of(other_member)["done"] == 0
    monkeypatch.setattr(ballots, "QUERIES", 5)
    assert ballots.progress_of(member) == {"done": 1, "total": 5, "skipped": 0}


def test_one_sees_ones_own_ballots_only(world: World, member: User, other_member: User) -> None:
    ballot = ballots.next_ballot(member)
    assert list(ballots.ballots_of(member)) == [ballot] and not ballots.ballots_of(other_member).exists()


def test_an_older_query_is_shown_without_the_column_of_its_baseline(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 1)
    search = rated(member).search
    older = search.rankings.all()[0]
    baseline, index = older.model, older.index
    baseline.pk, baseline.run, baseline.loss, baseline.artifact = None, None, "untrained", "runs/baseline"
    baseline.save()
    index.pk, index.model, index.path = None, baseline, "indexes/baseline"
    index.save()
    older.pk, older.model, older.index, older.image_ids = None, baseline, index, older.image_ids[::-1]
    older.save()
    ballot = ballots.next_ballot(other_member)
    assert ballot.search == search and older.pk not in ballot.order and len(ballot.order) == 2


# --- no column matches


def test_all_bad_rates_every_column_one(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    for _ in range(2):
        ballots.rate(ballot, ballots.all_ones(ballot), all_bad=True)
    assert ballot.none_good and [score.score for score in ballot.scores.all()] == [1, 1]
    other = ballots.next_ballot(member)
    with pytest.raises(Rejected, match="all_bad"):
        ballots.rate(other, dict(zip(other.order, (1, 2), strict=True)), all_bad=True)
    assert not other.scores.exists()


# --- undo


def test_a_withdrawn_rating_is_gone_and_its_query_never_comes_again(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 2)
    kept, ballot = rated(member, 5), rated(member, 1)
    for _ in range(2):
        ballots.withdraw(ballot)
        assert ballot.voted_at is None and ballot.withdrawn_at is not None
        assert {score.ballot_id for score in BlindScore.objects.all()} == {kept.pk}
        assert ballots.progress_of(member) == {"done": 1, "total": 1, "skipped": 0}
    with pytest.raises(NothingToRate, match="rated every query"):
        ballots.next_ballot(member)
    with pytest.raises(Conflict, match="withdrew"):
        ballots.rate(ballot, dict.fromkeys(ballot.order, 5))
    assert ballots.last_rated(member) == kept
    assert rated(other_member).search == ballot.search, "it has the fewest votes, and others may rate it"


def test_only_the_last_rating_is_withdrawn(world: World, member: User, other_member: User) -> None:
    first, second = rated(member), rated(member)
    rated(other_member)
    with pytest.raises(Conflict, match="only your last"):
        ballots.withdraw(first)
    with pytest.raises(Conflict, match="rate it first"):
        ballots.withdraw(ballots.next_ballot(member))
    assert BlindScore.objects.count() == 6
    ballots.withdraw(second)
    ballots.withdraw(first)
    assert BlindScore.objects.count() == 2


def test_a_withdrawal_that_fails_midway_leaves_the_rating(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballot = rated(member, 4)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr("django.db.models.query.QuerySet.delete", fail)
    with pytest.raises(OSError, match="disk"):
        ballots.withdraw(ballot)
    ballot.refresh_from_db()
    assert ballot.voted_at is not None and ballot.scores.count() == 2


def test_a_new_index_does_not_bring_a_withdrawn_query_back(world: World, member: User) -> None:
    ballot = rated(member)
    ballots.withdraw(ballot)
    rebuilt(world.models[0])
    ballots.next_ballot(member)
    assert Search.objects.filter(pk=ballot.search_id).exists(), "else its picture could be asked again"


def test_the_database_holds_that_no_rating_is_cast_and_withdrawn(world: World, member: User) -> None:
    ballot = rated(member)
    with pytest.raises(IntegrityError), transaction.atomic():
        Ballot.objects.filter(pk=ballot.pk).update(withdrawn_at=ballot.voted_at)


# --- where ratings are needed


def test_among_level_queries_one_that_the_closest_models_answer_differently_comes_first(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 4)
    searches = [rated(member).search for _ in range(4)]
    contest, *others = searches
    for search in others:  # both models answer alike: a vote there tells nothing
        first = search.rankings.all()[0]
        search.rankings.update(image_ids=first.image_ids)
    mixed = contest.rankings.all()[0]
    mixed.image_ids = mixed.image_ids[::-1]
    mixed.save()
    assert ballots.next_ballot(other_member).search == contest


def test_a_ballot_shows_no_more_columns_than_people_can_compare(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "COLUMNS", 1)
    ballot = ballots.next_ballot(member)
    assert len(ballot.order) == 1 and ballot.search.rankings.count() == 2
    ballots.rate(ballot, {ballot.order[0]: 4})
    assert BlindScore.objects.count() == 1


def test_a_share_of_the_ballots_is_on_the_core_where_people_meet(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "CORE", 2)
    monkeypatch.setattr(ballots, "CORE_SHARE", 0)
    first, second, third = (rated(member) for _ in range(3))
    assert (first.is_core, rated(other_member).search_id in {one.search_id for one in (first, second, third)}) == (
        False,
    ) * 2
    monkeypatch.setattr(ballots, "CORE_SHARE", 1)
    met = [rated(other_member) for _ in range(2)]
    assert {one.search_id for one in met} == {first.search_id, second.search_id} and met[0].is_core and met[1].is_core
    beyond = rated(other_member)
    assert beyond.is_core is False and beyond.search_id != third.search_id, "the core is rated: a new picture"


def test_a_ballot_records_how_likely_its_columns_were(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballot = rated(member)
    assert ballot.propensities == {str(ranking): 1.0 for ranking in ballot.order}
    monkeypatch.setattr(ballots, "COLUMNS", 1)
    ballot = rated(member)
    assert ballot.propensities == {str(ballot.order[0]): 0.5}
