import pytest
from django.test import Client

from accounts import audit
from accounts.models import User
from accounts.templatetags.audit_details import name_words, words


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "none"),
        ("", "none"),
        ([], "none"),
        (True, "yes"),
        (0, "0"),
        (0.98765, "0.9877"),
        ("soft_triple", "soft_triple"),
        (["soft_triple", "multi_similarity"], "soft_triple, multi_similarity"),
        ([str(number) for number in range(12)], "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"),
        ({"before": None, "now_it_is": ["a", "b"]}, "before none, now it is a, b"),
    ],
)
def test_a_detail_is_written_in_words(value: object, written: str) -> None:
    assert words(value) == written


def test_a_name_has_no_underscores() -> None:
    assert name_words("read_only") == "read only"


@pytest.mark.django_db
def test_the_page_shows_no_syntax_of_a_language(curator_client: Client, curator: User) -> None:
    audit.record(curator, "start-experiment", "Demo", losses=["soft_triple", "triplet"], read_only=True, note=None)
    page = curator_client.get("/lab/audit/").content.decode()
    assert "losses: <bdi>soft_triple, triplet</bdi>" in page and "read only: <bdi>yes</bdi>" in page
    assert "[&#x27;" not in page and "True" not in page and "None" not in page
