import html
import json

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from ratings.services import ballots
from ratings.services.leaderboard_files import CONTENT_TYPES
from retrieval.models import Dataset, Experiment, Model
from tests.conftest import person
from tests.ratings.seeds import plant_seed, three_seeds
from tests.retrieval.pages.views.test_front import text_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_a_curators_leaderboard_leads_to_the_models(client: Client, curator_client: Client, world: World) -> None:
    link = reverse("model", args=[world.models[0].pk])
    assert link in text_of(curator_client.get(reverse("leaderboard")))
    assert link not in text_of(client.get(reverse("leaderboard")))


def test_an_empty_leaderboard_has_a_page(client: Client) -> None:
    text = text_of(client.get(reverse("leaderboard")))
    assert 'class="empty"' in text and "No models yet" in text
    assert client.get(reverse("leaderboard-rows")).status_code == 200


def test_the_page_says_what_counts_and_what_is_not_known_yet(client: Client, world: World) -> None:
    text = text_of(client.get(reverse("leaderboard")))
    assert 'id="ratings-title"' in text and "two models need 5 ratings each" in text
    assert "No two people have rated the same picture yet" in text


def test_filters_stand_in_the_address_and_go_with_every_part(client: Client, world: World) -> None:
    chosen = {"dataset": world.dataset.slug, "protocol": "demo (changed)"}
    page = text_of(client.get(reverse("leaderboard"), chosen))
    assert page.count('aria-current="true"') == 1 and "SoftTriple" in page
    for part in (
        reverse("leaderboard-rows"),
        reverse("leaderboard-agreement"),
        reverse("leaderboard-file", args=["csv"]),
    ):
        assert f"{part}?dataset=wings&amp;protocol=demo+%28changed%29" in page
    assert "SoftTriple" in text_of(client.get(reverse("leaderboard-rows"), chosen))


@pytest.mark.parametrize("asked", [{"dataset": "moths"}, {"protocol": "moths"}])
def test_an_unknown_filter_is_named_and_a_way_out_shown(client: Client, world: World, asked: dict[str, str]) -> None:
    answer = client.get(reverse("leaderboard"), asked)
    text = answer.content.decode()
    assert answer.status_code == 404 and "is called “moths”" in text and f'href="{reverse("leaderboard")}"' in text
    for part in (
        reverse("leaderboard-rows"),
        reverse("leaderboard-agreement"),
        reverse("leaderboard-file", args=["png"]),
    ):
        assert client.get(part, asked).status_code == 404
    assert client.get(reverse("search"), asked).status_code == 200, "the front page shows the table too"


def test_filters_that_leave_nothing_say_so(client: Client, world: World) -> None:
    model = world.models[0]
    other = Dataset.objects.create(name="Moths", slug="moths", revision=1, public=True)
    Model.objects.create(
        dataset=other, name="Imported", artifact="models/x", dim=4, color=5, published=True,
        measured={"recall_at": {"1": 0.5}, "map_at_r": 0.2},
    )  # fmt: skip
    text = text_of(client.get(reverse("leaderboard"), {"dataset": "moths", "protocol": "demo (changed)"}))
    assert "No model matches both filters" in text and model.name not in text
    both = text_of(client.get(reverse("leaderboard")))
    assert "Imported" in both and model.name in both and "external" in both


@pytest.mark.parametrize("suffix", list(CONTENT_TYPES))
def test_the_leaderboard_is_kept_in_every_format(client: Client, member: User, world: World, suffix: str) -> None:
    world.models[0].name = "=cmd $\\frac$ <b>"
    world.models[0].save()
    ballots.rate(ballot := ballots.next_ballot(member), dict.fromkeys(ballot.order, 4))
    answer = client.get(reverse("leaderboard-file", args=[suffix]))
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer.status_code == 200 and answer["Content-Type"] == CONTENT_TYPES[suffix]
    assert f'attachment; filename="leaderboard.{suffix}"' in answer["Content-Disposition"]
    if suffix == "json":
        rows = json.loads(content)["datasets"][0]["rows"]
        assert [row["human_mean"] for row in rows] == [pytest.approx(4)] * 2 and "=cmd $\\frac$ <b>" in {
            row["model"] for row in rows
        }
    elif suffix == "csv":
        assert content.startswith(b"dataset,model,") and b"'=cmd" in content and content.count(b"\n") == 3
    elif suffix == "png":
        assert content.startswith(b"\x89PNG")
    else:
        assert b"&lt;b&gt;" in content and b"<b>" not in content


def test_an_unknown_format_is_not_found(client: Client, world: World) -> None:
    assert client.get(reverse("leaderboard-file", args=["exe"])).status_code == 404


def test_the_same_drawing_is_not_drawn_twice(client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    address = reverse("leaderboard-file", args=["svg"])
    first = b"".join(client.get(address).streaming_content)  # type: ignore[attr-defined]
    monkeypatch.setattr("ratings.services.leaderboard_files._drawn", lambda *args: pytest.fail("drawn again"))
    assert b"".join(client.get(address).streaming_content) == first  # type: ignore[attr-defined]


def test_the_page_warns_if_the_place_of_a_column_moves_the_ratings(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ballots, "CORE_SHARE", 0)  # everybody gets a new picture: ten queries
    raters = [person(f"rater{at}", "member") for at in range(5)]
    for turn in range(10):
        ballot = ballots.next_ballot(raters[turn % 5])
        ballots.rate(ballot, dict(zip(ballot.order, (5, 1), strict=True)))
    text = text_of(client.get(reverse("leaderboard-agreement")))
    assert "data-column-bias" in text and 'data-folded="raters-1"' in text
    assert "data-column-bias" not in text_of(client.get(reverse("leaderboard-rows")))


# --- texts to copy


def test_the_tables_can_be_copied_as_markdown_and_cited(client: Client, world: World) -> None:
    world.models[0].name = "A | B"
    world.models[0].save()
    text = html.unescape(client.get(reverse("leaderboard")).content.decode())
    assert "| Rank | Loss | Recall@1 | Recall@K | MAP@R | Seeds | Blind rating |" in text and r"A \| B" in text
    assert "@misc{kindred-wings-demo-changed-" in text
    assert r"\url{http://testserver/leaderboard/?dataset=wings&protocol=demo+%28changed%29}" in text
    assert 'curl "http://testserver/leaderboard/leaderboard.csv?protocol=default"' in text
    assert "kindred leaderboard --url http://testserver --protocol default" in text


def test_seeds_open_in_the_page_and_lead_a_curator_to_their_models(
    client: Client, curator_client: Client, world: World
) -> None:
    three_seeds(world)
    text = text_of(client.get(reverse("leaderboard")))
    assert text.count("<details data-seeds=") == 2 and "the test is running" in text
    link = reverse("model", args=[world.models[0].pk])
    assert link in text_of(curator_client.get(reverse("leaderboard"))) and link not in text


def test_protocols_are_chips_and_never_one_table(client: Client, world: World) -> None:
    assert world.models[0].run is not None
    first = world.models[0].run.experiment
    other = Experiment.objects.create(
        name="Other", dataset=world.dataset, protocol={**first.protocol, "epochs": 7, "name": "other"}
    )
    plant_seed(world, "soft_triple", 0, 0.9, other)
    page = text_of(client.get(reverse("leaderboard")))
    assert page.count('class="board-row"') == 2 and "?dataset=wings&amp;protocol=other" in page
    assert text_of(client.get(reverse("leaderboard"), {"protocol": "other"})).count('class="board-row"') == 1
    files = json.loads(b"".join(client.get(reverse("leaderboard-file", args=["json"])).streaming_content))  # type: ignore[attr-defined]
    assert [(part["protocol"], part["is_default"]) for part in files["datasets"]] == [
        ("demo (changed)", True),
        ("other", False),
    ]
