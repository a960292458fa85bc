import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.text import slugify

from mlcore.losses import LOSSES
from retrieval.experiments.services.losses import FAMILIES, algorithms
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


def test_families_have_anchors_and_are_reached_from_the_top(client: Client) -> None:
    text = page(client, "algorithms")
    families = [row["family"] for row in algorithms()]
    for family in FAMILIES:
        assert f'href="#{slugify(family)}"' in text and f'<section class="family" id="{slugify(family)}"' in text
        assert f'{family.capitalize()} <span class="chip-count">{families.count(family)}</span>' in text
    assert f'href="{reverse("algorithms")}#proxies"' in page(client, "algorithm", "proxy_anchor")


def test_an_animation_that_changes_little_says_why(client: Client) -> None:
    assert "The similarities change little here" in page(client, "algorithm", "soft_triple")
    assert "The similarities change little here" not in page(client, "algorithm", "multi_similarity")


def test_algorithms_have_titles_and_descriptions_of_their_own(client: Client) -> None:
    seen = set()
    for text in (page(client, "algorithms"), page(client, "algorithm", "circle"), page(client, "algorithm", "margin")):
        head = text[: text.index("</head>")]
        described = re.findall(r'name="description" content="(.+?)"', head)
        seen.add((re.findall(r"<title>(.+?)</title>", head)[0], described[0]))
        assert "og:title" in head
    assert len({title for title, _ in seen}) == len({words for _, words in seen}) == 3
