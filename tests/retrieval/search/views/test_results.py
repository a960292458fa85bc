import re
import threading
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from retrieval.models import Search
from retrieval.search.services import model_cache
from retrieval.search.services.marks import mark, refined_by_marks
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def terms(world: World, **changes: Any) -> dict[str, Any]:
    return {"datasets": [world.dataset.pk], "models": [model.pk for model in world.models], "k": 3} | changes


def refined(client: Client, search: Search, values: dict[str, Any], **headers: str) -> Any:
    return client.post(reverse("search-refine", args=[search.pk]), values, headers=headers)


def test_other_terms_are_a_search_with_an_address_of_its_own(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member, upload=jpeg(size=(64, 64)))
    values = terms(world, k=5, threshold=-1, left=0, top=0, right=50, bottom=50, models=[world.models[1].pk])
    answer = refined(member_client, search, values | {"splits": ["test"], "classes": [f"{world.dataset.pk}:7"]})
    again = Search.objects.get(root=search)
    assert answer["Location"] == reverse("search-detail", args=[again.pk])
    assert (again.k, again.threshold, again.box) == (5, -1, [0, 0, 0.5, 0.5])
    assert again.filters == {"splits": ["test"], "classes": [[world.dataset.pk, 7]]}
    assert again.rankings.get().model == world.models[1] and search.rankings.count() == 2
    text = member_client.get(answer["Location"]).content.decode()
    assert "part of the picture" in text and world.dataset.class_names[7] in text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"k": 60}, "1 to 48 results per model, not 60"),
        ({"k": 0}, "greater than or equal to 1"),
        ({"threshold": 2}, "less than or equal to 1"),
        ({"left": 60, "right": 40}, "left before right"),
        ({"right": 5, "bottom": 5}, "the box is"),
        ({"splits": ["best"]}, "best is not one of the available choices"),
        ({"classes": ["x"]}, "x is not a class"),
        ({"classes": ["1:9999999"]}, "has no class"),
        ({"datasets": [999]}, "999 is not one"),
        ({"marks": "use"}, "mark some results first"),
    ],
)
def test_terms_that_cannot_be_are_explained_beside_the_old_answers(
    member_client: Client, member: User, world: World, change: dict[str, Any], sentence: str
) -> None:
    search = world.ask(member, upload=jpeg())
    if change.get("classes") == ["1:9999999"]:
        change = {"classes": [f"{world.dataset.pk}:9999999"]}
    answer = refined(member_client, search, terms(world, **change))
    assert answer.status_code == 400 and sentence in answer.content.decode()
    assert answer["HX-Push-Url"] == "false" and Search.objects.count() == 1


def test_marks_move_the_query_until_they_are_dropped(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member, k=6)
    first, second = search.rankings.all()
    good, bad = first.image_ids[3], first.image_ids[0]
    mark(member, first, good, 2)
    mark(member, first, bad, 0)
    refined(member_client, search, terms(world, marks="use", keep_refined="on"))
    moved = Search.objects.get(root=search)
    assert (moved.more, moved.less) == ([good], [bad])
    text = member_client.get(reverse("search-detail", args=[moved.pk])).content.decode()
    assert "1 positive, 1 negative" in text and 'name="keep_refined"' in text
    refined(member_client, moved, terms(world, keep_refined="on", k=4))
    assert Search.objects.get(k=4).more == [good]
    refined(member_client, moved, terms(world, k=5))
    assert Search.objects.get(k=5).more == [] and second.search == search


def test_a_new_mark_wins_over_an_earlier_one(member: User, world: World) -> None:
    search = world.ask(member, k=6)
    ranking = search.rankings.all()[0]
    mark(member, ranking, ranking.image_ids[0], 1)
    assert refined_by_marks(member, search, [7], [ranking.image_ids[0]]) == ([7, ranking.image_ids[0]], [])


def test_only_its_owner_refines_a_search(
    client: Client, curator_client: Client, member_client: Client, member: User, world: World
) -> None:
    search = world.ask(member)
    assert refined(curator_client, search, terms(world)).status_code == 404
    assert refined(client, search, terms(world))["Location"].startswith("/accounts/login/")
    assert Search.objects.count() == 1
    loaded_again = member_client.get(reverse("search-refine", args=[search.pk]))
    assert loaded_again["Location"] == reverse("search-detail", args=[search.pk])


def test_a_busy_site_keeps_the_answers_and_asks_to_come_again(
    member_client: Client, member: User, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = world.ask(member)
    monkeypatch.setattr(model_cache, "_waiting", threading.BoundedSemaphore(1))
    with model_cache._place_in_queue():
        answer = refined(member_client, search, terms(world))
    assert answer.status_code == 503 and int(answer["Retry-After"]) >= 1
    assert answer.content.decode().count('<li class="answer"') == 6


def test_an_empty_column_says_why(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    for change, sentence in (
        ({"threshold": 1}, "No result reaches 1.0; the 3 nearest"),
        ({"splits": ["gallery"]}, "No picture passes the filter: gallery"),
    ):
        where = refined(member_client, search, terms(world, **change))["Location"]
        assert sentence in member_client.get(where).content.decode()


def test_the_pages_terms_are_those_of_the_search(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member, k=4, models=world.models[:1])
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    assert re.search(r'name="k" id="id_k" min="1" value="4"', text)
    ticked = re.findall(r'name="models" value="(\d+)" id="model-\d+" checked', text)
    assert ticked == [str(world.models[0].pk)]


def test_two_models_say_how_far_they_agree(member_client: Client, member: User, world: World) -> None:
    text = member_client.get(reverse("search-detail", args=[world.ask(member, k=47).pk])).content.decode()
    assert "first 47 results" in text and "100&nbsp;%" in text
