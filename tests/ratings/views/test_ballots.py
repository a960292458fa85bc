import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from ratings.models import Ballot, BlindScore
from ratings.services import ballots
from retrieval.registry.services.visibility import set_published
from tests.conftest import signed_in
from tests.retrieval.pages.views.test_front import text_of
from tests.retrieval.world import World, full_queue

pytestmark = pytest.mark.django_db


def send(client: Client, ballot: Ballot, *scores: object) -> Any:
    """Send ratings; the names stay hidden."""
    given = {f"rating-{pk}": score for pk, score in zip(ballot.order, scores, strict=False)}
    return client.post(reverse("rate"), {"ballot": ballot.pk, **given})


def rate(client: Client, ballot: Ballot, *scores: object) -> Any:
    """Send ratings and, if they were taken, show the names."""
    answer = send(client, ballot, *scores)
    if answer.status_code == 302 and answer["Location"] == reverse("rate"):
        return client.post(reverse("show-names", args=[ballot.pk]))
    return answer


def test_the_ballot_shows_no_name_and_no_class(member_client: Client, world: World, secrets: list[str]) -> None:
    text = text_of(member_client.get(reverse("rate")))
    assert not [secret for secret in secrets if secret.lower() in text.lower()]
    assert not re.search(r'href="/pictures/|/lab/models/', text), "a link would give it away"
    ballot = Ballot.objects.get()
    assert str(ballot.pk) in text and all(f'name="rating-{pk}"' in text for pk in ballot.order)
    assert text.count("/thumbnail") == 2 * ballots.RESULTS


def test_the_pictures_of_a_ballot_tell_no_class_by_their_names(
    member_client: Client, member: User, world: World, secrets: list[str]
) -> None:
    ballot = ballots.next_ballot(member)
    rankings = ballots.rankings_in_order(ballot)
    addresses = [reverse("ballot-query", args=[ballot.pk]), reverse("thumbnail", args=[rankings[0].image_ids[0]])]
    for address in addresses:
        answer = member_client.get(address)
        heads = str(dict(answer.headers))
        assert answer.status_code == 200 and answer["Content-Disposition"] == "inline"
        assert not [secret for secret in secrets if secret in heads]


def test_a_rating_shows_the_names_and_moves_the_leaderboard(
    member_client: Client, client: Client, member: User, world: World, secrets: list[str]
) -> None:
    member_client.get(reverse("rate"))
    ballot = Ballot.objects.get()
    answer = rate(member_client, ballot, 5, 2)
    assert answer.status_code == 302 and answer["Location"] == reverse("rated", args=[ballot.pk])
    text = text_of(member_client.get(answer["Location"]))
    assert all(model.name in text for model in world.models)
    assert ballot.search.query_image.class_name in text and "5 of 5" in text
    rows = text_of(client.get(reverse("leaderboard-rows")))
    assert "<html" not in rows and re.search(r'data-live="ballots-wings">1</span>', rows)
    shown = {row[0]: row[1] for row in re.findall(r'data-live="human-(\d+)"><span class="strong">([\d.]+)', rows)}
    first, second = ballots.rankings_in_order(ballot)
    assert shown == {str(first.model_id): "5.00", str(second.model_id): "2.00"}
    assert "SoftTriple" in text_of(client.get(reverse("leaderboard")))


def test_after_a_rating_the_next_query_comes(member_client: Client, world: World) -> None:
    member_client.get(reverse("rate"))
    first = Ballot.objects.get()
    rate(member_client, first, 1, 1)
    text = text_of(member_client.get(reverse("rate")))
    assert f'name="ballot" value="{first.pk}"' not in text and "1 of 24 rated" in text


def test_a_second_rating_changes_nothing(member_client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    for scores, status in (((1, 2), 302), ((1, 2), 302), ((4, 4), 302)):
        assert rate(member_client, ballot, *scores).status_code == status
    assert sorted(score.score for score in BlindScore.objects.all()) == [1, 2]


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ((), "each of the 2 columns"),
        ((3,), "each of the 2 columns"),
        ((3, ""), "each of the 2 columns"),
        ((3, "good"), "each of the 2 columns"),
        ((3, "9" * 5000), "each of the 2 columns"),
        ((3, "٣"), "each of the 2 columns"),
        ((3, 0), "1 to 5, got 0"),
        ((3, 6), "1 to 5, got 6"),
    ],
)
def test_an_incomplete_rating_is_explained_on_the_same_blind_page(
    member_client: Client, member: User, world: World, secrets: list[str], scores: tuple[object, ...], sentence: str
) -> None:
    ballot = ballots.next_ballot(member)
    answer = rate(member_client, ballot, *scores)
    text = answer.content.decode()
    assert answer.status_code == 400 and sentence in text and str(ballot.pk) in text
    assert not [secret for secret in secrets if secret in text] and not BlindScore.objects.exists()


@pytest.mark.parametrize("pk", ["", "x", "0", str(uuid.UUID(int=0))])
def test_a_ballot_that_is_none_is_not_found(member_client: Client, world: World, pk: str) -> None:
    assert member_client.post(reverse("rate"), {"ballot": pk}).status_code == 404
    assert member_client.post(reverse("rate")).status_code == 404


def test_anothers_ballot_is_not_found(member_client: Client, other_member: User, world: World) -> None:
    ballot = ballots.next_ballot(other_member)
    assert rate(member_client, ballot, 3, 3).status_code == 404
    assert member_client.get(reverse("ballot-query", args=[ballot.pk])).status_code == 404
    rate(signed_in(other_member), ballot, 3, 3)
    assert member_client.get(reverse("rated", args=[ballot.pk])).status_code == 404


def test_the_names_are_not_shown_before_the_rating(member_client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    assert member_client.get(reverse("rated", args=[ballot.pk])).status_code == 404


def test_nothing_to_rate_is_said(member_client: Client, world: World) -> None:
    set_published(world.models[0], False)
    assert "two published models" in text_of(member_client.get(reverse("rate")))


def test_a_busy_site_asks_to_come_again(member_client: Client, world: World) -> None:
    with full_queue():
        answer = member_client.get(reverse("rate"))
    assert answer.status_code == 503 and int(answer["Retry-After"]) >= 1 and not Ballot.objects.exists()


def test_rating_is_for_those_who_signed_in(client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    for address in (
        reverse("rate"),
        reverse("rated", args=[ballot.pk]),
        reverse("search-detail", args=[ballot.search_id]),
    ):
        assert client.get(address)["Location"].startswith("/accounts/login/")
    assert client.get(reverse("ballot-query", args=[ballot.pk])).status_code == 401
    assert rate(client, ballot, 3, 3).status_code == 302 and not BlindScore.objects.exists()


def test_nobody_opens_the_systems_searches(member_client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    for name in ("search-detail", "search-picture"):
        assert member_client.get(reverse(name, args=[ballot.search_id])).status_code == 404


def test_an_answer_that_is_hidden_since_is_not_shown(member_client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    hidden = ballots.rankings_in_order(ballot)[0].image_ids[0]
    world.dataset.images.filter(pk=hidden).update(hidden=True)
    text = text_of(member_client.get(reverse("rate")))
    assert reverse("thumbnail", args=[hidden]) not in text and str(ballot.pk) in text


# --- no column matches


def test_all_bad_rates_every_column_one_and_says_so(member_client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    member_client.post(reverse("rate"), {"ballot": ballot.pk, "all_bad": "1"})
    answer = member_client.post(reverse("show-names", args=[ballot.pk]))
    text = text_of(member_client.get(answer["Location"]))
    assert Ballot.objects.get().none_good and "None match" in text and text.count("1 of 5") == 2


# --- undo


def test_a_rating_is_undone_from_its_page_and_its_query_stays_away(
    member_client: Client, member: User, world: World
) -> None:
    ballot = ballots.next_ballot(member)
    rate(member_client, ballot, 5, 2)
    address = reverse("withdraw", args=[ballot.pk])
    assert address in text_of(member_client.get(reverse("rated", args=[ballot.pk])))
    answer = member_client.post(address, follow=True)
    text = text_of(answer)
    assert "will not be shown to you again" in text and "0 of 23 rated" in text and address not in text
    assert f'value="{ballot.pk}"' not in text and not BlindScore.objects.exists()
    assert member_client.get(reverse("rated", args=[ballot.pk])).status_code == 404
    assert rate(member_client, ballot, 5, 5).status_code == 302 and not BlindScore.objects.exists()


def test_the_last_rating_can_be_undone_from_the_next_ballot(member_client: Client, member: User, world: World) -> None:
    first, second = (ballots.next_ballot(member) for _ in range(2))
    assert first == second, "open still"
    rate(member_client, first, 3, 3)
    assert reverse("withdraw", args=[first.pk]) in text_of(member_client.get(reverse("rate")))


def test_an_older_rating_stays_and_the_page_says_why(member_client: Client, member: User, world: World) -> None:
    first = ballots.next_ballot(member)
    rate(member_client, first, 3, 3)
    rate(member_client, ballots.next_ballot(member), 4, 4)
    assert reverse("withdraw", args=[first.pk]) not in text_of(member_client.get(reverse("rated", args=[first.pk])))
    answer = member_client.post(reverse("withdraw", args=[first.pk]), follow=True)
    assert "only your last" in text_of(answer) and BlindScore.objects.count() == 4


def test_anothers_rating_is_not_undone(client: Client, member_client: Client, other_member: User, world: World) -> None:
    ballot = ballots.next_ballot(other_member)
    ballots.rate(ballot, dict.fromkeys(ballot.order, 3))
    assert member_client.post(reverse("withdraw", args=[ballot.pk])).status_code == 404
    assert client.post(reverse("withdraw", args=[ballot.pk]))["Location"].startswith("/accounts/login/")
    assert member_client.get(reverse("withdraw", args=[ballot.pk])).status_code == 405
    assert BlindScore.objects.count() == 2


# --- ratings can be changed until the names are shown


def test_ratings_are_shown_for_a_check_without_names(
    member_client: Client, client: Client, member: User, world: World, secrets: list[str]
) -> None:
    ballot = ballots.next_ballot(member)
    answer = send(member_client, ballot, 5, 2)
    assert answer.status_code == 302 and answer["Location"] == reverse("rate")
    text = text_of(member_client.get(reverse("rate")))
    assert text.count("5 of 5") == 1 and text.count("2 of 5") == 1 and reverse("show-names", args=[ballot.pk]) in text
    assert not [secret for secret in secrets if secret.lower() in text.lower()]
    assert not BlindScore.objects.exists(), "a change of a mean would tell whose column it was"
    assert member_client.get(reverse("rated", args=[ballot.pk])).status_code == 404


def test_a_rating_is_changed_before_the_names_are_shown(member_client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    send(member_client, ballot, 5, 2)
    form = text_of(member_client.get(reverse("rate"), {"change": "1"}))
    assert (
        len(re.findall(r'value="5" [^>]*checked', form)) == 1 and len(re.findall(r'value="2" [^>]*checked', form)) == 1
    )
    rate(member_client, ballot, 3, 2)
    assert sorted(score.score for score in BlindScore.objects.all()) == [2, 3]


def test_a_column_without_a_rating_keeps_what_the_others_got(member_client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    text = send(member_client, ballot, 4).content.decode()
    assert len(re.findall(r'value="4" [^>]*checked', text)) == 1
    assert re.search(r'id="missing-B" data-missing>', text) and re.search(r'id="missing-A" data-missing hidden', text)


# --- skipping


def test_a_skip_brings_another_picture_and_counts_nowhere(member_client: Client, member: User, world: World) -> None:
    ballot = ballots.next_ballot(member)
    text = text_of(member_client.post(reverse("skip", args=[ballot.pk]), follow=True))
    assert f'value="{ballot.pk}"' not in text and "0 of 24 rated, 1 skipped" in text
    ballot.refresh_from_db()
    assert ballot.skipped_at and ballot.skips == 1 and not BlindScore.objects.exists()


def test_anothers_picture_is_not_skipped(
    client: Client, member_client: Client, other_member: User, world: World
) -> None:
    ballot = ballots.next_ballot(other_member)
    for name in ("skip", "show-names"):
        address = reverse(name, args=[ballot.pk])
        assert member_client.post(address).status_code == 404 and member_client.get(address).status_code == 405
        assert client.post(address)["Location"].startswith("/accounts/login/")
    ballot.refresh_from_db()
    assert ballot.skipped_at is None and ballot.voted_at is None
