"""Trying the search without an account."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config.api.throttles import TryThrottle
from retrieval.models import Dataset, Image, Model, Search
from retrieval.search.services import ranking
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def tried(client: Client, image: Image) -> Any:
    return client.get(reverse("try", args=[image.pk]))


def test_a_visitor_tries_a_picture_by_its_stored_vector_and_nothing_is_stored(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "embed_queries", None)  # calling it would fail
    image = world.test_images[0]
    answer = tried(client, image)
    text = answer.content.decode()
    assert answer.status_code == 200 and text.count('class="column ') == 2 and text.count('class="answer"') == 24
    assert f'href="{reverse("try", args=[image.pk])}"' not in text  # a picture is not among its own results
    assert reverse("account_signup") in text and "confidence" in text
    assert not Search.objects.exists()


@pytest.mark.parametrize("models", [1, 2])
def test_the_page_says_what_the_models_predict_however_many(client: Client, world: World, models: int) -> None:
    Model.objects.exclude(pk__in=[model.pk for model in world.models[:models]]).update(published=False)
    answer = tried(client, world.test_images[0])
    text, (headline,) = answer.content.decode(), answer.context["results"].headlines
    assert text.count('class="column ') == models and text.count('class="headline ') == 1
    assert f'class="headline headline-{headline.state}"' in text and headline.classes[0].percent in text


def test_similarities_have_two_decimals_and_a_click_says_that_it_searches(client: Client, world: World) -> None:
    text = tried(client, world.test_images[0]).content.decode()
    similarities = re.findall(r"similarity </span>([^<]*)<", text)
    assert len(similarities) == 24 and all(re.fullmatch(r"-?\d\.\d\d", one) for one in similarities)
    assert text.count('aria-label="Search with this picture: ') == 24


def test_search_engines_are_told_to_stay_out(client: Client, world: World) -> None:
    answer = tried(client, world.test_images[0])
    assert "noindex" in answer["X-Robots-Tag"] and '<meta name="robots" content="noindex' in answer.content.decode()


def test_hidden_and_private_pictures_are_not_found(client: Client, member_client: Client, world: World) -> None:
    hidden, other = world.test_images[:2]
    Image.objects.filter(pk=hidden.pk).update(hidden=True)
    assert tried(client, hidden).status_code == 404
    Dataset.objects.update(public=False)
    assert tried(client, other).status_code == 404 and tried(member_client, other).status_code == 200
    assert client.get(reverse("try", args=[10**9])).status_code == 404


def test_a_hidden_picture_is_no_result(client: Client, world: World) -> None:
    query, *others = world.test_images
    Image.objects.filter(pk__in=[image.pk for image in others[:5]]).update(hidden=True)
    text = tried(client, query).content.decode()
    assert not any(f'data-image="{image.pk}"' in text for image in others[:5])


def test_without_a_model_the_page_says_so(client: Client, world: World) -> None:
    Model.objects.update(published=False)
    answer = tried(client, world.test_images[0])
    assert answer.status_code == 200 and "No model can search Wings" in answer.content.decode()


def test_who_tries_too_much_has_to_wait(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TryThrottle, "THROTTLE_RATES", {"try": "2/min"})
    answers = [tried(client, world.test_images[0]) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429] and int(answers[2]["Retry-After"]) >= 1


def test_a_member_goes_on_with_all_options(member_client: Client, world: World) -> None:
    image = world.test_images[0]
    assert f"{reverse('search')}?image={image.pk}" in tried(member_client, image).content.decode()


# --- the welcome page


def test_the_welcome_shows_one_real_result_and_pictures_to_try(client: Client, world: World) -> None:
    text = client.get(reverse("search")).content.decode()
    example = text.split("<figure")[1].split("</figure>")[0]
    assert example.count(reverse("try", args=[1])[:5]) == 6 and "SoftTriple" in text
    again = client.get(reverse("search")).content.decode()
    assert again.split("<figure")[1].split("</figure>")[0] == example  # the same for an hour


def test_the_example_goes_when_one_of_its_pictures_is_hidden(client: Client, world: World) -> None:
    text = client.get(reverse("search")).content.decode()
    first = int(text.split("<figure")[1].split("/try/")[1].split("/")[0])
    Image.objects.filter(pk=first).update(hidden=True)
    assert f"/try/{first}/" not in client.get(reverse("search")).content.decode()


def test_nothing_is_offered_to_try_where_nothing_can_be_searched(client: Client, world: World) -> None:
    Model.objects.update(published=False)
    assert "/try/" not in client.get(reverse("search")).content.decode()
