from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from retrieval.models import Dataset
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_a_visitor_is_welcomed_with_samples_and_the_leaderboard(client: Client, world: World) -> None:
    text = text_of(client.get(reverse("search")))
    assert text.count("/thumbnail") == 12 + 6 and "Wings" in text and "SoftTriple" in text
    assert reverse("account_signup") in text
    Dataset.objects.update(public=False)
    text = text_of(client.get(reverse("search")))
    assert "/thumbnail" not in text and "SoftTriple" not in text and "Wings" not in text


def test_a_visitor_whose_session_ended_is_sent_to_sign_in(client: Client, world: World) -> None:
    assert client.post(reverse("search"), {"k": 3})["Location"] == "/accounts/login/?next=%2F"


def test_an_empty_site_welcomes_too(client: Client) -> None:
    text_of(client.get(reverse("search")))
