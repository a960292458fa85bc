"""Every request has a name."""

import pytest
from django.test import Client


def test_an_answer_says_the_name_that_was_sent(client: Client) -> None:
    assert client.get("/api/v1/me/", HTTP_X_REQUEST_ID="import-7.2_a")["X-Request-ID"] == "import-7.2_a"


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "<script>", "ä"])
def test_a_name_that_could_do_harm_is_replaced(client: Client, sent: str) -> None:
    said = client.get("/api/v1/me/", HTTP_X_REQUEST_ID=sent)["X-Request-ID"]
    assert len(said) == 32 and said.isalnum()


def test_pages_have_one_too(client: Client, db: None) -> None:
    assert client.get("/leaderboard/")["X-Request-ID"] != client.get("/leaderboard/")["X-Request-ID"]
