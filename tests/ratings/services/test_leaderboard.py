from statistics import mean, pstdev
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from ratings.services import ballots
from ratings.services.leaderboard import leaderboard, votes_total
from retrieval.experiments.services import set_published
from retrieval.models import Dataset
from tests.retrieval.indexes.test_services import rebuilt
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def vote(user: User, scores: dict[str, int]) -> None:
    """Rate the next query: so much for each loss."""
    ballot = ballots.next_ballot(user)
    ballots.vote(ballot, {ranking.pk: scores[ranking.model.loss] for ranking in ballots.rankings_in_order(ballot)})


def by_loss(user: Any) -> dict[str, dict[str, Any]]:
    return {row["model"].loss: row for row in leaderboard(user)}


def test_rows_hold_what_was_measured_best_first(world: World, member: User) -> None:
    rows = leaderboard(member)
    assert len(rows) == 2 and rows[0]["map_at_r"] >= rows[1]["map_at_r"]
    for row in rows:
        metrics = row["model"].run.metrics
        assert row["recall_at_1"] == metrics["recall_at"]["1"] and row["recall_at"][8] == metrics["recall_at"]["8"]
        assert row["interval_1"] == tuple(metrics["intervals"]["recall_at_1"])
        assert row["interval_1"][0] <= row["recall_at_1"] <= row["interval_1"][1]
        assert (row["protocol_name"], row["seed"], row["dataset"]) == ("demo (changed)", 0, world.dataset)
        assert (row["human_mean"], row["human_sd"], row["votes"]) == (None, None, 0)
        assert row["index_recall"] == world.index_of(row["model"]).recall
    assert votes_total(rows) == 0


def test_each_vote_moves_mean_spread_and_count(world: World, member: User, other_member: User) -> None:
    given = []
    for user, score in ((member, 5), (other_member, 2), (member, 4)):
        vote(user, {"soft_triple": score, "multi_similarity": 1})
        given.append(score)
        row = by_loss(member)["soft_triple"]
        assert row["votes"] == len(given) and row["human_mean"] == pytest.approx(mean(given))
        assert row["human_sd"] == pytest.approx(pstdev(given), abs=1e-9)
    other = by_loss(member)["multi_similarity"]
    assert (other["human_mean"], other["votes"]) == (1, 3)
    assert votes_total(leaderboard(member)) == 3


def test_votes_outlive_the_index_they_were_given_on(world: World, member: User) -> None:
    vote(member, {"soft_triple": 5, "multi_similarity": 1})
    rebuilt(world.models[0])
    vote(member, {"soft_triple": 3, "multi_similarity": 1})
    assert by_loss(member)["soft_triple"]["human_mean"] == 4


def test_an_open_ballot_is_no_vote(world: World, member: User) -> None:
    ballots.next_ballot(member)
    assert votes_total(leaderboard(member)) == 0 and by_loss(member)["soft_triple"]["votes"] == 0


def test_models_out_of_search_are_for_curators(world: World, member: User, curator: User) -> None:
    set_published(world.models[0], False)
    assert set(by_loss(member)) == {"multi_similarity"} == set(by_loss(AnonymousUser()))
    assert set(by_loss(curator)) == {"soft_triple", "multi_similarity"}
    Dataset.objects.update(public=False)
    assert by_loss(AnonymousUser()) == {} and votes_total([]) == 0


def test_a_small_gallery_leaves_figures_out(world: World, member: User) -> None:
    """Three held-out pictures have no Recall@8; a run measured before intervals were has none."""
    run = world.models[0].run
    run.metrics = {"recall_at": {"1": 1.0, "2": 1.0}, "map_at_r": 0.5}
    run.save()
    row = by_loss(member)["soft_triple"]
    assert row["recall_at"] == {1: 1.0, 2: 1.0} and row["interval_1"] == (None, None)
