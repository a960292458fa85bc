"""The audit page and its part of the API: who sees it, what it says, bad filters."""

import json

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import User
from ratings.models import Ballot
from ratings.services import ballots
from ratings.services.audits import audits_of
from ratings.services.leaderboard import sections_for
from ratings.services.leaderboard_rows import measured_rows
from ratings.services.rating_progress import progress_text
from retrieval.models import Image
from retrieval.registry.services.visibility import set_published
from tests.conftest import person
from tests.ratings.seeds import plant_seed
from tests.retrieval.pages.views.test_front import text_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db
ROOT = "/api/v1/leaderboard/audit/"


@pytest.fixture
def rated(world: World, monkeypatch: pytest.MonkeyPatch) -> list[User]:
    """Five people on twelve queries; SoftTriple gets 5 and the other 1, on all but two ballots."""
    monkeypatch.setattr(ballots, "CORE_SHARE", 0)  # everybody gets a new picture
    raters = [person(f"rater{at}", "member") for at in range(5)]
    for turn in range(12):
        ballot = ballots.next_ballot(raters[turn % 5])
        liked, other = (5, 1) if turn > 1 else (3, 3)
        columns = ballots.rankings_in_order(ballot)
        ballots.rate(ballot, {one.pk: liked if one.model.loss == "soft_triple" else other for one in columns})
    return raters


def test_anybody_reads_the_audit_before_and_after_ratings(client: Client, world: World) -> None:
    text = text_of(client.get(reverse("leaderboard-audit")))
    assert 'data-audit="wings"' in text and "No two models are compared yet" in text
    [audit] = APIClient().get(ROOT).json()["datasets"]
    assert (audit["ballots"], audit["removal"], audit["level_drift"], audit["difference_drift"]) == (
        0,
        None,
        None,
        None,
    )
    assert [one["ballots"] for one in audit["sampling"]["models"]] == [0, 0]
    assert [one["trained"] for one in audit["variants"]] == [1, 1] and audit["warnings"] == []


def test_an_audit_of_nothing_is_a_page(client: Client) -> None:
    assert 'class="empty"' in text_of(client.get(reverse("leaderboard-audit")))
    assert APIClient().get(ROOT).json() == {"datasets": []}


def test_ratings_and_a_late_withdrawal_are_in_it(world: World, rated: list[User]) -> None:
    [audit] = audits_of(rated[0], measured_rows(rated[0]))
    assert audit.ballots == audit.sampling.ballots == 12 and audit.sampling.ratio == 1
    assert [one.expected for one in audit.sampling.models] == [12, 12] and not audit.sampling.off
    assert audit.removal is None and audit.pair is not None
    assert audit.level is not None and audit.level.no_interval == "few_ballots"
    last = Ballot.objects.filter(voted_at__isnull=False).order_by("-voted_at").first()
    assert last is not None
    ballots.withdraw(last)
    [after] = audits_of(rated[0], measured_rows(rated[0]))
    assert after.ballots == after.sampling.ballots == 11


def test_every_trained_model_counts_and_one_that_is_not_shown_is_told(
    client: Client, world: World, rated: list[User]
) -> None:
    hidden = plant_seed(world, "soft_triple", 7, 0.9)
    set_published(hidden, False)
    [audit] = APIClient().get(ROOT).json()["datasets"]
    counts = {one["loss"]: (one["trained"], one["shown"], one["rated"]) for one in audit["variants"]}
    assert counts["SoftTriple"] == (2, 1, 1)
    assert any("1 of 2 trained models" in warning for warning in audit["warnings"])
    assert hidden.name not in json.dumps(audit)
    assert "1 of 2 trained models" in text_of(client.get(reverse("leaderboard-audit")))


def test_a_baseline_is_on_no_ballot_and_no_warning(world: World, rated: list[User]) -> None:
    baseline = plant_seed(world, "untrained", 0, 0.5)
    [audit] = audits_of(rated[0], measured_rows(rated[0]))
    assert baseline.pk in audit.names
    assert baseline.pk not in {one.model for one in audit.sampling.models} and not audit.sampling.is_unequal
    assert len(audit.variants) == 2


def test_a_model_that_was_shown_less_than_logged_is_told(world: World, rated: list[User]) -> None:
    for ballot in Ballot.objects.all():
        ballot.propensities = {key: 0.1 for key in ballot.propensities or {}}
        ballot.save()
    [audit] = audits_of(rated[0], measured_rows(rated[0]))
    assert len(audit.sampling.off) == 2 and "probabilities" in audit.warnings[0]


@pytest.mark.parametrize("asked", [{"dataset": "moths"}, {"protocol": "moths"}])
def test_an_unknown_filter_is_named(client: Client, world: World, asked: dict[str, str]) -> None:
    assert client.get(reverse("leaderboard-audit"), asked).status_code == 404
    answer = APIClient().get(ROOT, asked)
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == next(iter(asked))


def test_which_metric_predicts_people_best_is_on_the_leaderboard(
    client: Client, world: World, rated: list[User]
) -> None:
    agreement = sections_for(rated[0])[0].metric_agreement
    assert (agreement.no_interval, agreement.people, agreement.queries) == ("", 5, 10)
    assert agreement.pairs == 10 and agreement.other_people is None
    names = {metric.name for metric in agreement.metrics}
    assert {"query_average_precision", "query_first_right", "map_at_r", "recall_at_1"} <= names
    assert all(metric.of_query for metric in agreement.metrics), "the models store what each query earned"
    text = text_of(client.get(reverse("leaderboard")))
    assert "data-best-metric" in text and "data-enough" in text and reverse("leaderboard-audit") in text


def test_a_class_of_one_picture_has_nothing_to_find(world: World, rated: list[User]) -> None:
    queries = set(Ballot.objects.values_list("search__query_image", flat=True))
    label = Image.objects.get(pk=next(iter(queries))).label
    Image.objects.filter(dataset=world.dataset, label=label).exclude(pk__in=queries).update(hidden=True)
    alone = Image.objects.filter(dataset=world.dataset, label=label, pk__in=queries)
    if alone.count() > 1:
        alone.exclude(pk=next(iter(queries))).update(hidden=True)
    agreement = sections_for(rated[0])[0].metric_agreement
    assert agreement.queries_left_out >= 1


def test_raters_read_how_far_the_decision_is_and_no_name(
    client: Client, world: World, rated: list[User], secrets: list[str]
) -> None:
    assert progress_text(rated[0], world.dataset)
    client.force_login(rated[0])
    text = text_of(client.get(reverse("rate")))
    assert "data-decided" in text and not [secret for secret in secrets if secret in text]
