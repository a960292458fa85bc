import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from retrieval.models import Search
from retrieval.search.services import commands
from retrieval.search.services.marks import mark, refined_by_marks
from retrieval.search.services.results import results_of
from retrieval.search.services.sharing import set_shared
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World, full_queue

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
    member_client: Client, member: User, world: World
) -> None:
    search = world.ask(member)
    with full_queue():
        answer = refined(member_client, search, terms(world))
    assert answer.status_code == 503 and int(answer["Retry-After"]) >= 1
    assert answer.content.decode().count('<li class="answer" id="result-') == 6


def test_an_empty_column_says_why(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    for change, sentence in (
        ({"threshold": 1}, "No result reaches 1.0; the 3 nearest"),
        ({"splits": ["gallery"]}, "No picture passes the filter: \u2068gallery\u2069"),
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


# --- one result in large


def test_a_result_has_a_page_with_its_neighbours(
    client: Client, member_client: Client, curator_client: Client, member: User, world: World
) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    pages = [reverse("search-result", args=[search.pk, ranking.pk, image]) for image in ranking.image_ids]
    text = member_client.get(pages[1]).content.decode()
    assert reverse("picture", args=[ranking.image_ids[1]]) in text and ranking.model.name in text
    assert re.findall(r'rel="(?:prev|next)" href="([^"]+)"', text) == [pages[0], pages[2]]
    assert f"{ranking.scores[1]:.2f}" in text and "Licence" in text and reverse("mark", args=[ranking.pk]) in text
    assert reverse("explanation", args=[search.pk, ranking.pk, ranking.image_ids[1]]) in text
    assert 'rel="prev"' not in member_client.get(pages[0]).content.decode()
    assert 'rel="next"' not in member_client.get(pages[2]).content.decode()
    other = next(image for image in world.train_images if image.pk not in ranking.image_ids)
    assert member_client.get(reverse("search-result", args=[search.pk, ranking.pk, other.pk])).status_code == 404
    assert curator_client.get(pages[0]).status_code == 404
    assert client.get(pages[0])["Location"].startswith("/accounts/login/")


def test_the_results_list_the_keys_of_the_large_view(
    client: Client, member_client: Client, member: User, world: World
) -> None:
    search = world.ask(member)
    set_shared(search, True)
    own = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    shared = client.get(reverse("shared", args=[search.share_token])).content.decode()
    script = Path("static/kindred/lightbox.js").read_text()
    for text in (own, shared):
        keys = re.findall(r'aria-keyshortcuts="(\w+)"', text)
        assert keys == ["ArrowLeft", "ArrowRight", "Escape"] and all(key in script for key in keys[:2])
        listed = text.split('<details class="key-list">')[1].split("</details>")[0]
        assert {"←", "→", "Esc"} <= set(re.findall(r"<kbd>([^<]+)</kbd>", listed))
        assert ("<kbd>Shift</kbd>" in listed) is (text is own), "only an owner crops"


def test_a_visitor_sees_a_shared_result_in_large_and_marks_nothing(client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    set_shared(search, True)
    ranking = search.rankings.all()[0]
    url = reverse("shared-result", args=[search.share_token, ranking.pk, ranking.image_ids[0]])
    text = client.get(url).content.decode()
    picture = reverse("shared-picture", args=[search.share_token, ranking.image_ids[0]])
    assert f"{picture}?size=large" in text and "marks-choices" not in text and "search-by" not in text
    world.dataset.public = False
    world.dataset.save(update_fields=["public"])
    assert client.get(url).status_code == 404


def test_marks_in_the_large_view_keep_their_own_names(member_client: Client, member: User, world: World) -> None:
    ranking = world.ask(member).rankings.all()[0]
    values = {"image": ranking.image_ids[0], "value": 2, "card": 1}
    text = member_client.post(
        reverse("mark", args=[ranking.pk]), values, headers={"HX-Request": "true"}
    ).content.decode()
    assert f'id="card-mark-{ranking.pk}-{ranking.image_ids[0]}-2"' in text and 'name="card"' in text


def test_folded_ranks_are_named(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    first, second = ranking.image_ids[:2]
    look = world.dataset.images.get(pk=first).look
    world.dataset.images.filter(pk=second).update(look=look)
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    assert re.search(r"\+1 near-duplicate: rank 2<", text)


# --- the same search from a program


def test_commands_repeat_a_search(world: World, member: User) -> None:
    search = world.ask(member, k=5)
    results = results_of(search, member)
    command = commands.curl_command(results, "https://kindred.example/api/v1/searches/")
    words = shlex.split(command)
    body = json.loads(words[words.index("-d") + 1])
    models = [model.pk for model in world.models]
    assert body == {"image_id": search.query_image_id, "datasets": [world.dataset.pk], "models": models, "k": 5}
    assert words[-1] == "https://kindred.example/api/v1/searches/"
    said = shlex.split(commands.kindred_command(results))
    assert said[:5] == ["kindred", "search", str(search.query_image_id), "--dataset", world.dataset.slug]
    assert said[-2:] == ["-k", "5"]


def test_commands_name_every_option_and_no_more_than_there_is(world: World, member: User) -> None:
    search = world.ask(member, upload=jpeg())
    search.box, search.threshold, search.filters = [0, 0, 0.5, 0.5], 0.25, {"splits": ["test"]}
    results = results_of(search, member)
    words = shlex.split(commands.curl_command(results, "https://kindred.example/"))
    fields = [word for before, word in pairwise(words) if before == "-F"]
    assert {"file=@photo.jpg", f"datasets={world.dataset.pk}", "k=3", "threshold=0.25", "box=0.5"} <= set(fields)
    assert 'filters={"splits": ["test"], "classes": []}' in fields
    said = shlex.split(commands.kindred_command(results))
    assert said[-9:] == ["--box", "0", "0", "0.5", "0.5", "--threshold", "0.25", "--split", "test"]
    search.filters = {"classes": [[world.dataset.pk, 1]]}
    assert commands.kindred_command(results) == "", "it has no option for classes"
    search.more = [7]
    assert "refine/" in commands.curl_command(results, "https://kindred.example/")
