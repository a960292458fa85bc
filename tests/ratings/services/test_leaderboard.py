from statistics import mean, pstdev
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from ratings.errors import UnknownFilter
from ratings.services import ballots
from ratings.services import leaderboard_people as service
from ratings.services.leaderboard import leaderboard, ratings_total, sections_for
from ratings.services.rating_statistics import FEW_PEOPLE
from retrieval.models import Dataset
from retrieval.registry.services.visibility import set_published
from tests.conftest import person
from tests.retrieval.registry.services.test_indexes import rebuilt
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def rate(user: User, scores: dict[str, int]) -> None:
    """Rate the next query: so much for each loss."""
    ballot = ballots.next_ballot(user)
    ballots.rate(ballot, {ranking.pk: scores[ranking.model.loss] for ranking in ballots.rankings_in_order(ballot)})


def by_loss(user: Any) -> dict[str, dict[str, Any]]:
    return {row.model.loss: row for row in leaderboard(user)}


def test_rows_hold_what_was_measured_best_first(world: World, member: User) -> None:
    rows = leaderboard(member)
    assert len(rows) == 2 and rows[0].headline >= rows[1].headline
    for row in rows:
        metrics = row.model.run.metrics
        first, deepest, headline = row.figures
        assert [first.title, deepest.title, headline.title] == ["Recall@1", "Recall@K", "MAP@R"]
        assert first.value == metrics["recall_at"]["1"] and row.recall_at[8] == metrics["recall_at"]["8"]
        assert [first.low, first.high] == metrics["intervals"]["recall_at_1"] and first.low <= first.value <= first.high
        assert (deepest.k, deepest.value) == (8, metrics["recall_at"]["8"])
        assert headline.value == row.headline == metrics["map_at_r"]
        assert (row.protocol_name, row.seed, row.dataset) == ("demo (changed)", 0, world.dataset)
        assert (row.people.mean, row.raw_mean, row.raw_sd, row.ratings) == (None, None, None, 0)
        assert row.index_recall == world.index_of(row.model).recall
    assert ratings_total(rows) == 0


def test_each_rating_moves_mean_spread_and_count(world: World, member: User, other_member: User) -> None:
    given = []
    for user, score in ((member, 5), (other_member, 2), (member, 4)):
        rate(user, {"soft_triple": score, "multi_similarity": 1})
        given.append(score)
        row = by_loss(member)["soft_triple"]
        assert row.ratings == len(given) and row.raw_mean == pytest.approx(mean(given)) == row.people.mean
        assert row.raw_sd == pytest.approx(pstdev(given), abs=1e-9)
    other = by_loss(member)["multi_similarity"]
    assert (other.raw_mean, other.ratings) == (1, 3)
    assert ratings_total(leaderboard(member)) == 3


def test_ratings_outlive_the_index_they_were_given_on(world: World, member: User) -> None:
    rate(member, {"soft_triple": 5, "multi_similarity": 1})
    rebuilt(world.models[0])
    rate(member, {"soft_triple": 3, "multi_similarity": 1})
    assert by_loss(member)["soft_triple"].people.mean == pytest.approx(4)


def test_an_open_ballot_has_no_rating(world: World, member: User) -> None:
    ballots.next_ballot(member)
    assert ratings_total(leaderboard(member)) == 0 and by_loss(member)["soft_triple"].ratings == 0


def test_models_out_of_search_are_for_curators(world: World, member: User, curator: User) -> None:
    set_published(world.models[0], False)
    assert set(by_loss(member)) == {"multi_similarity"} == set(by_loss(AnonymousUser()))
    assert set(by_loss(curator)) == {"soft_triple", "multi_similarity"}
    Dataset.objects.update(public=False)
    assert by_loss(AnonymousUser()) == {} and ratings_total([]) == 0


def test_a_small_gallery_leaves_figures_out(world: World, member: User) -> None:
    """Three held-out pictures have no Recall@8; a run measured before intervals were has none."""
    run = world.models[0].run
    run.metrics = {"recall_at": {"1": 1.0, "2": 1.0}, "map_at_r": 0.5}
    run.save()
    row = by_loss(member)["soft_triple"]
    assert row.recall_at == {1: 1.0, 2: 1.0} and row.figures[0].low is None


# --- statistics of the ratings


def test_a_mean_has_an_interval_from_five_people_and_ten_queries_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "CORE_SHARE", 0)  # everybody gets a new picture
    raters = [person(f"rater{at}", "member") for at in range(5)]
    for place in range(19):
        rate(raters[place % 4], {"soft_triple": 3 + place % 3, "multi_similarity": 1})
    row = by_loss(raters[0])["soft_triple"]
    assert row.people.interval is None and (row.people.people, row.people.no_interval) == (4, FEW_PEOPLE)
    rate(raters[4], {"soft_triple": 3, "multi_similarity": 1})
    rows = by_loss(raters[0])
    low, high = rows["soft_triple"].people.interval
    assert low < rows["soft_triple"].people.mean < high and rows["soft_triple"].people.rank_text == "1"
    assert rows["multi_similarity"].people.interval[0] == pytest.approx(1)


def test_two_models_agree_with_the_measurement_or_not_with_a_certainty(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "CORE_SHARE", 0)  # everybody gets a new picture
    [section] = sections_for(member)
    assert section.agreement is None and section.people_agree is None
    ahead, behind = (row.model.loss for row in section.rows)
    raters = [person(f"rater{at}", "member") for at in range(5)]
    for turn in range(10):
        rate(raters[turn % 5], {ahead: 5, behind: 2})
    [section] = sections_for(member)
    agreement = section.agreement
    assert (agreement.difference, agreement.certainty, agreement.is_level) == (pytest.approx(3), 1, False)
    assert agreement.better == section.rows[0].name and section.ratings == 10
    for _ in range(14):
        rate(member, {ahead: 1, behind: 5})
    agreement = sections_for(member)[0].agreement
    assert agreement.difference < 0 and agreement.certainty < 0.9 and agreement.low < 0 < agreement.high


def test_people_agree_where_they_rated_the_same_query(
    world: World, member: User, other_member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 1)
    rate(member, {"soft_triple": 5, "multi_similarity": 1})
    rate(other_member, {"soft_triple": 4, "multi_similarity": 3})
    found = sections_for(member)[0].people_agree
    assert found is not None and (found.share, found.comparisons, found.chance) == (1, 1, 0.5)
    assert (found.alpha_low, found.no_interval, found.people, found.queries) == (None, FEW_PEOPLE, 2, 1)
    assert found.alpha is not None and found.alpha < 1


def test_columns_are_those_of_the_ballot_from_the_left(world: World, member: User) -> None:
    for score in (5, 4, 3):
        ballot = ballots.next_ballot(member)
        ballots.rate(ballot, {ballot.order[0]: score, ballot.order[1]: 1})
    [section] = sections_for(member)
    assert section.column_bias is not None
    assert [(one.column, one.mean, one.ratings) for one in section.column_bias.columns] == [(1, 1.5, 3), (2, -1.5, 3)]


def test_statistics_are_cached_until_one_comes_or_goes(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    whole = service.computed
    monkeypatch.setattr(service, "computed", lambda *args: computed.append(1) or whole(*args))
    rate(member, {"soft_triple": 5, "multi_similarity": 1})
    for _ in range(3):
        leaderboard(member)
    assert len(computed) == 1
    last = ballots.last_rated(member)
    assert last is not None
    ballots.withdraw(last)
    assert by_loss(member)["soft_triple"].ratings == 0 and ratings_total(leaderboard(member)) == 0
    assert len(computed) == 2


# --- filters, and losses that are one


def test_rows_are_left_by_data_set_and_protocol(world: World, member: User) -> None:
    sections = sections_for(member)
    assert sections == sections_for(member, "wings", "demo (changed)") == sections_for(member, protocol="default")
    for dataset, protocol, what in (("moths", "", "data set"), ("", "moths", "protocol"), ("Wings", "", "data set")):
        with pytest.raises(UnknownFilter, match=f"no {what} of the leaderboard"):
            sections_for(member, dataset, protocol)
