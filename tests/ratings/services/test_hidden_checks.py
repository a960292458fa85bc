"""Hidden repeats and duplicated columns: when they come, that nothing gives them away, and that they count nowhere."""

import csv
import io
from typing import Any

import pytest

from accounts.models import User
from config.errors import Rejected
from ratings.models import Ballot, BlindScore
from ratings.services import ballots, exports, hidden_checks, my_ratings
from ratings.services.ballot_columns import columns_of
from ratings.services.leaderboard import leaderboard, ratings_total
from ratings.services.leaderboard_people import ratings_of
from ratings.services.pair_selection import standings
from ratings.services.rated_searches import ballots_on, page_of_rating, ratings_on, release_rankings
from retrieval.models import Ranking
from retrieval.search.services.marks import markable_rankings
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat the fourth ballot, after two in between, and never show a column twice."""
    monkeypatch.setattr(hidden_checks, "REPEAT_EVERY", 4)
    monkeypatch.setattr(hidden_checks, "REPEAT_AFTER", 2)
    monkeypatch.setattr(hidden_checks, "DUPLICATE_EVERY", 1000)


def rated(user: User, *scores: int) -> Ballot:
    ballot = ballots.next_ballot(user)
    keys = ballot.column_keys
    ballots.rate(ballot, dict(zip(keys, (scores or (3, 4, 2))[: len(keys)], strict=True)))
    return ballot


def repeated(user: User) -> tuple[Ballot, Ballot]:
    """Rate until a ballot is a repeat, and return it unrated, after its first."""
    for _ in range(3):
        rated(user)
    repeat = ballots.next_ballot(user)
    assert repeat.repeat_of is not None
    return repeat.repeat_of, repeat


def doubled(user: User, monkeypatch: pytest.MonkeyPatch) -> Ballot:
    monkeypatch.setattr(hidden_checks, "DUPLICATE_EVERY", 1)
    return ballots.next_ballot(user)


def csv_rows(user: User, world: World) -> list[dict[str, str]]:
    text = exports.export_of(user, world.dataset, "ratings.csv").decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- repeats


def test_every_so_many_ballots_one_repeats_an_older_one_with_the_same_columns(world: World, member: User) -> None:
    made = [rated(member) for _ in range(12)]
    places = [place for place, ballot in enumerate(made) if ballot.repeat_of]
    assert places == [3, 7, 11]
    firsts = []
    for place in places:
        first = made[place].repeat_of
        assert first is not None and first.repeat_of is None
        assert place - made.index(first) > hidden_checks.REPEAT_AFTER
        assert (made[place].search_id, set(made[place].order)) == (first.search_id, set(first.order))
        assert (made[place].propensities, made[place].is_core) == (first.propensities, first.is_core)
        firsts.append(first.pk)
    assert len(set(firsts)) == 3, "a ballot is repeated once"


def test_the_order_of_a_repeat_is_drawn_anew(world: World, member: User) -> None:
    orders = set()
    first, repeat = repeated(member)
    for _ in range(20):
        repeat.delete()
        repeat = ballots.next_ballot(member)
        assert repeat.repeat_of is not None
        orders.add(repeat.order == repeat.repeat_of.order)
    assert orders == {True, False}


def test_a_repeat_counts_nowhere(world: World, member: User) -> None:
    first, repeat = repeated(member)
    rows = [model.pk for model in world.models]
    pages = Ranking.objects.filter(search=first.search)

    def counted() -> tuple[object, ...]:
        board = leaderboard(member)
        found = ratings_of(rows, dict(zip(rows, rows, strict=True)))
        return (
            [(row.ratings, row.raw_mean, row.raw_sd, row.people) for row in board],
            ratings_total(board),
            len(found.people),
            standings(rows),
            ratings_on(world.dataset),
            ballots_on(pages),
            page_of_rating(member, first.search),
            sorted(markable_rankings(member).values_list("pk", flat=True)),
        )

    before = counted()
    ballots.rate(repeat, dict(zip(repeat.order, (1, 5), strict=True)))
    assert BlindScore.objects.filter(ballot=repeat).count() == 2 and counted() == before


def test_a_repeated_query_has_no_more_ballots_for_others(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 3)
    monkeypatch.setattr(ballots, "CORE_SHARE", 0)
    first, repeat = repeated(member)
    ballots.rate(repeat, dict.fromkeys(repeat.order, 3))
    offered = set()
    for _ in range(20):
        ballot = ballots.next_ballot(other_member)
        offered.add(ballot.search_id)
        ballot.delete()
    assert first.search_id in offered, "all three queries have one ballot each"


def test_exports_have_a_repeat_and_say_so(world: World, member: User) -> None:
    first, repeat = repeated(member)
    ballots.rate(repeat, dict.fromkeys(repeat.order, 5))
    rows = csv_rows(member, world)
    assert [row["repeat"] for row in rows] == ["0"] * 6 + ["1"] * 2
    said: Any = my_ratings.export_ratings(member)["ballots"]
    assert sorted(row["is_repeat"] for row in said) == [False, False, False, True]


def test_progress_does_not_stand_still_on_a_repeat(world: World, member: User) -> None:
    first, repeat = repeated(member)
    assert ballots.progress_of(member) == {"done": 3, "total": 24, "skipped": 0}
    ballots.rate(repeat, dict.fromkeys(repeat.order, 3))
    assert ballots.progress_of(member) == {"done": 4, "total": 25, "skipped": 0}


def test_a_repeat_can_be_skipped_once_and_comes_back(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 3)
    first, repeat = repeated(member)
    ballots.skip(repeat)
    assert ballots.next_ballot(member) == repeat, "every other query is rated, and no second repeat is made"
    assert "skipped this picture before" in ballots.why_no_skip(Ballot.objects.get(pk=repeat.pk))


def test_a_withdrawn_repeat_is_gone_and_its_first_stays(world: World, member: User) -> None:
    first, repeat = repeated(member)
    ballots.rate(repeat, dict.fromkeys(repeat.order, 5))
    ballots.withdraw(repeat)
    assert not repeat.scores.exists() and first.scores.count() == 2
    assert ballots.progress_of(member) == {"done": 3, "total": 24, "skipped": 0}
    assert ballots.next_ballot(member).search_id != first.search_id


def test_who_withdraws_the_first_is_not_shown_its_repeat(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden_checks, "REPEAT_AFTER", 0)
    monkeypatch.setattr(hidden_checks, "REPEAT_EVERY", 2)
    first = rated(member)
    repeat = ballots.next_ballot(member)
    assert repeat.repeat_of == first
    ballots.withdraw(first)
    assert not Ballot.objects.filter(pk=repeat.pk).exists()
    assert ballots.next_ballot(member).search_id != first.search_id


def test_a_ballot_on_results_that_are_gone_is_not_repeated(world: World, member: User) -> None:
    for _ in range(3):
        rated(member)
    oldest = Ballot.objects.order_by("voted_at").first()
    assert oldest is not None
    world.dataset.images.filter(pk=oldest.search.query_image_id).update(hidden=True)
    assert ballots.next_ballot(member).repeat_of is None


def test_without_its_first_ballot_a_repeat_is_deleted_and_never_counts(world: World, member: User) -> None:
    first, repeat = repeated(member)
    ballots.rate(repeat, dict.fromkeys(repeat.order, 5))
    first.delete()
    assert not Ballot.objects.filter(pk=repeat.pk).exists()


def test_existing_ballots_are_neither(world: World, member: User) -> None:
    ballot = rated(member)
    ballot.refresh_from_db()
    assert (ballot.repeat_of, ballot.duplicate, ballot.duplicate_rating) == (None, None, None)
    assert ballot.column_keys == ballot.order and Ballot.counted.get() == ballot


# --- duplicated columns


def test_a_duplicated_column_shows_the_same_results_under_a_key_of_its_own(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballot = doubled(member, monkeypatch)
    columns = columns_of(ballot)
    assert len(columns) == 3 and len(ballot.order) == 2 and ballot.duplicate is not None
    assert [column.key for column in columns] == ballot.column_keys and len({column.key for column in columns}) == 3
    same = [column for column in columns if column.ranking.pk == ballot.duplicate["ranking"]]
    assert len(same) == 2 and same[0].results == same[1].results
    assert not Ranking.objects.filter(pk=ballot.duplicate["key"], search=ballot.search).exists()


def test_its_place_is_random(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for _ in range(60):
        ballot = doubled(member, monkeypatch)
        keys = [ballot.ranking_of(key) for key in ballot.column_keys]
        duplicate = ballot.duplicate
        assert duplicate is not None
        seen.add((duplicate["place"], keys.index(duplicate["ranking"]) == duplicate["place"]))
        ballot.delete()
    assert {place for place, _ in seen} == {0, 1, 2} and {first for _, first in seen} == {True, False}


def test_where_more_compete_the_duplicate_takes_a_column(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "COLUMNS", 2)
    ballot = doubled(member, monkeypatch)
    assert len(ballot.order) == 1 and len(ballot.column_keys) == 2
    assert ballot.propensities == {str(ballot.order[0]): 0.5}


def test_every_so_many_ballots_have_one(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_checks, "REPEAT_EVERY", 1000)
    monkeypatch.setattr(hidden_checks, "DUPLICATE_EVERY", 3)
    made = [rated(member) for _ in range(9)]
    assert [place for place, ballot in enumerate(made) if ballot.duplicate] == [2, 5, 8]


def test_only_the_rating_of_the_other_column_counts(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballot = doubled(member, monkeypatch)
    duplicate = ballot.duplicate
    assert duplicate is not None
    given = {key: 5 if key == duplicate["key"] else 2 for key in ballot.column_keys}
    with pytest.raises(Rejected, match="each of the 3 columns"):
        ballots.rate(ballot, dict.fromkeys(ballot.order, 2))
    ballots.save_draft(ballot, given)
    assert [column.rating for column in columns_of(ballot)] == list(given.values())
    for _ in range(2):
        ballots.rate(ballot, given)
    assert (ballot.duplicate_rating, [score.score for score in ballot.scores.all()]) == (5, [2, 2])
    assert [column.rating for column in columns_of(ballot)] == list(given.values())
    assert {row.raw_mean for row in leaderboard(member)} == {2}
    rows = csv_rows(member, world)
    assert {row["column"]: row["duplicate_rating"] for row in rows} == {
        str(ballot.column_of(key)): "5" if key == duplicate["ranking"] else "" for key in ballot.order
    }
    found = ratings_of([one.pk for one in world.models], {one.pk: one.pk for one in world.models})
    assert found.columns is not None
    assert sorted(found.columns[0].tolist()) == sorted(ballot.column_of(key) for key in ballot.order)
    ballots.withdraw(ballot)
    ballot.refresh_from_db()
    assert ballot.duplicate_rating is None and not ballot.scores.exists()


def test_none_match_rates_it_too(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ballot = doubled(member, monkeypatch)
    ballots.rate(ballot, ballots.all_ones(ballot), all_bad=True)
    assert (ballot.none_good, ballot.duplicate_rating) == (True, 1)


def test_a_ballot_with_one_is_not_repeated(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    ballot = doubled(member, monkeypatch)
    ballots.rate(ballot, dict.fromkeys(ballot.column_keys, 3))
    monkeypatch.setattr(hidden_checks, "DUPLICATE_EVERY", 1000)
    rated(member)
    rated(member)
    assert ballots.next_ballot(member).repeat_of is None


def test_a_withdrawn_ballot_lets_go_of_it_with_its_ranking(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ballot = doubled(member, monkeypatch)
    ballots.rate(ballot, dict.fromkeys(ballot.column_keys, 3))
    ballots.withdraw(ballot)
    assert ballot.duplicate is not None
    release_rankings(Ranking.objects.filter(pk=ballot.duplicate["ranking"]))
    ballot.refresh_from_db()
    assert ballot.duplicate is None and len(columns_of(ballot)) == 1
