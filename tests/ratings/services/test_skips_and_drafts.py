import pytest

from accounts.models import User
from config.errors import Conflict, Rejected
from ratings.errors import NothingToRate
from ratings.models import Ballot, BlindScore
from ratings.services import ballots
from ratings.services.exports import export_of
from ratings.services.leaderboard import leaderboard
from ratings.services.rated_searches import rated_rankings
from retrieval.models import Model, Ranking
from tests.ratings.seeds import plant_seed
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def draft(ballot: Ballot, score: int) -> dict[int, int]:
    ratings = dict.fromkeys(ballot.order, score)
    ballots.save_draft(ballot, ratings)
    return ratings


def test_a_draft_counts_nowhere_until_the_names_are_shown(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    draft(ballot, 5)
    assert ballots.next_ballot(member) == ballot, "it stays the open one"
    assert {row.ratings for row in leaderboard(member)} == {0} and not BlindScore.objects.exists()
    assert not Ranking.objects.filter(rated_rankings(member)).exists() and ballots.last_rated(member) is None
    assert b"person-" not in export_of(member, world.dataset, "ratings.csv")
    changed = draft(ballot, 3)
    for _ in range(2):
        ballots.show_names(ballot)
    assert dict(ballot.scores.values_list("ranking", "score")) == changed and ballot.draft is None
    assert {row.ratings for row in leaderboard(member)} == {1}


def test_names_are_not_shown_without_ratings_nor_a_draft_taken_after_them(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    with pytest.raises(Conflict, match="rate it first"):
        ballots.show_names(ballot)
    with pytest.raises(Rejected, match="each of the 2"):
        ballots.save_draft(ballot, {})
    ballots.rate(ballot, dict.fromkeys(ballot.order, 2))
    with pytest.raises(Conflict, match="saw its model names"):
        draft(ballot, 5)
    assert set(BlindScore.objects.values_list("score", flat=True)) == {2}


def test_none_match_is_remembered_in_a_draft(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    ballots.save_draft(ballot, ballots.all_ones(ballot), all_bad=True)
    ballots.show_names(ballot)
    assert ballot.none_good and not ballot.draft_none_good


def test_a_skipped_picture_comes_back_last_and_cannot_be_skipped_again(
    world: World, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "QUERIES", 2)
    first = ballots.next_ballot(member)
    for _ in range(2):
        ballots.skip(first)
    second = ballots.next_ballot(member)
    assert second != first and ballots.progress_of(member) == {"done": 0, "total": 2, "skipped": 1}
    ballots.rate(second, dict.fromkeys(second.order, 4))
    again = ballots.next_ballot(member)
    assert (again.pk, again.order, again.skipped_at, again.skips) == (first.pk, first.order, None, 1)
    with pytest.raises(Conflict, match="skipped this picture before"):
        ballots.skip(again)
    ballots.rate(again, dict.fromkeys(again.order, 4))
    with pytest.raises(NothingToRate):
        ballots.next_ballot(member)


def test_so_many_pictures_wait_and_no_more(world: World, member: User, settings: object) -> None:
    settings.SKIPS_MAX = 2  # type: ignore[attr-defined]
    for _ in range(2):
        ballots.skip(ballots.next_ballot(member))
    with pytest.raises(Conflict, match="the most that can wait"):
        ballots.skip(ballots.next_ballot(member))
    assert Ballot.objects.filter(who=member, skipped_at__isnull=False).count() == 2


def test_what_is_rated_is_not_skipped(world: World, member: User) -> None:
    ballot = ballots.next_ballot(member)
    ballots.rate(ballot, dict.fromkeys(ballot.order, 4))
    with pytest.raises(Conflict, match="is rated"):
        ballots.skip(ballot)
    ballots.withdraw(ballot)
    with pytest.raises(Conflict):
        ballots.skip(ballot)
    with pytest.raises(Conflict):
        ballots.show_names(ballot)


def test_baselines_are_on_no_ballot(world: World, member: User) -> None:
    baseline = plant_seed(world, "untrained", 0, 0.1)
    index = world.index_of(world.models[0])
    index.pk, index.model, index.path = None, baseline, "indexes/planted"
    index.save()
    assert baseline in Model.objects.filter(published=True, indexes__active=True)
    shown = {ranking.model.loss for ranking in ballots.rankings_in_order(ballots.next_ballot(member))}
    assert shown == {"soft_triple", "multi_similarity"}
