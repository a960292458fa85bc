import pytest
from django.test import Client
from django.urls import reverse

from mlcore.losses import LOSSES
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def page(client: Client, name: str, *args: object, **query: object) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_everybody_reads_of_every_algorithm(client: Client) -> None:
    text = page(client, "algorithms")
    assert all(f"/algorithms/{name}/" in text for name in LOSSES)
    for name in (*LOSSES, "untrained", "half_whitened_pca"):
        assert "<h1>" in page(client, "algorithm", name)


def test_the_list_is_narrowed_and_says_when_nothing_is_left(client: Client) -> None:
    text = page(client, "algorithms", q="Proxy-Anchor", family="proxies")
    assert 'data-found="1"' in text and "/algorithms/proxy_anchor/" in text and "/circle/" not in text
    assert 'data-found="0"' in page(client, "algorithms", q="<b>nothing</b>")
    assert f'data-found="{len(LOSSES) + 2}"' in page(client, "algorithms", family="nonsense")


def test_a_page_has_formula_parameters_and_what_is_the_same(client: Client) -> None:
    text = page(client, "algorithm", "normalized_softmax")
    assert text.count("<math") > 5 and "Proxy-NCA++</a>: at a scale of" in text and "above 0" in text
    assert "Table: results" not in text


def test_a_page_shows_what_the_loss_earned_here(client: Client, world: World) -> None:
    text = page(client, "algorithm", "soft_triple")
    assert "Wings" in text and "Training loss" in text


@pytest.mark.parametrize("name", ["nothing", "x" * 300])
def test_an_unknown_algorithm_is_not_found(client: Client, name: str) -> None:
    assert client.get(reverse("algorithm", args=[name])).status_code == 404
