import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image as Pillow

from accounts.models import User
from jobs.models import Job
from retrieval.datasets.services.pictures import thumbnail_of
from retrieval.models import Dataset, Image, Model, Search
from retrieval.registry.services.indexes import submit_index
from retrieval.registry.services.visibility import set_published
from retrieval.search import forms
from retrieval.search.views import form as form_views
from tests.conftest import signed_in
from tests.retrieval.pictures import BAD, GOOD, jpeg
from tests.retrieval.world import World, full_queue, replaced

pytestmark = pytest.mark.django_db


def form(world: World, **changes: Any) -> dict[str, Any]:
    values = {"datasets": [world.dataset.pk], "models": [model.pk for model in world.models], "k": 3}
    return values | changes


def sent(client: Client, world: World, **changes: Any) -> Any:
    return client.post(reverse("search"), form(world, **changes))


def upload(data: bytes, name: str = "bird.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def text_of(answer: Any) -> str:
    return answer.content.decode()


# --- the form


def test_the_form_offers_sets_models_and_pictures_to_start_from(member_client: Client, world: World) -> None:
    text = text_of(member_client.get(reverse("search")))
    assert "Wings" in text and "SoftTriple" in text and text.count("/thumbnail") == 24


def test_without_a_model_the_form_says_what_is_missing(member_client: Client) -> None:
    answer = member_client.get(reverse("search"))
    assert answer.status_code == 200 and "No model can search yet" in text_of(answer)


def test_the_form_shows_ones_last_searches_and_no_others(
    member_client: Client, member: User, other_member: User, world: World
) -> None:
    mine, theirs = world.ask(member), world.ask(other_member)
    text = text_of(member_client.get(reverse("search")))
    assert str(mine.pk) in text and str(theirs.pk) not in text


# --- asking


def test_a_gallery_picture_searches(member_client: Client, member: User, world: World) -> None:
    query = world.test_images[0]
    answer = sent(member_client, world, image=query.pk)
    search = Search.objects.get()
    assert answer.status_code == 302 and answer["Location"] == f"/searches/{search.pk}/"
    assert search.owner == member and search.query_image == query and search.rankings.count() == 2


def test_the_gallery_picture_wins_over_a_file_left_in_the_form(member_client: Client, world: World) -> None:
    sent(member_client, world, image=world.test_images[0].pk, picture=upload(jpeg()))
    assert Search.objects.get().query_image == world.test_images[0]


def test_with_no_model_selected_the_default_ones_search(member_client: Client, world: World) -> None:
    Model.objects.filter(pk=world.models[0].pk).update(is_default=True)
    sent(member_client, world, image=world.test_images[0].pk, models=[])
    assert [ranking.model for ranking in Search.objects.get().rankings.all()] == [world.models[0]]


def test_all_models_search_at_one_tick(member_client: Client, world: World) -> None:
    sent(member_client, world, image=world.test_images[0].pk, models=[world.models[0].pk], all_models="on")
    assert Search.objects.get().rankings.count() == 2


def test_a_data_set_that_no_selected_model_can_search_is_searched_with_its_best(
    member_client: Client, world: World
) -> None:
    moths = world.another(world.models[1])
    both = [world.dataset.pk, moths.pk]
    sent(member_client, world, image=world.test_images[0].pk, datasets=both, models=[world.models[0].pk])
    searched = {ranking.index.dataset_id for ranking in Search.objects.get().rankings.select_related("index")}
    assert searched == set(both)


def test_a_bad_file_is_named_beside_its_field(member_client: Client, world: World) -> None:
    text = text_of(sent(member_client, world, picture=upload(b"I am a text. " * 40, "notes.pdf")))
    beside = text.split('data-errors="picture"')[1].split("</div>")[0]
    assert "notes.pdf is not a picture" in beside and "autofocus" in beside and text.count("autofocus") == 1


def test_options_that_are_wrong_stand_beside_their_field_and_are_open(member_client: Client, world: World) -> None:
    text = text_of(sent(member_client, world, image=world.test_images[0].pk, k=60))
    assert "1 to 47 results" in text.split('data-errors="k"')[1].split("</div>")[0].replace("Choose", "")
    assert re.search(r'id="options" open', text)


def test_a_script_gets_the_url_of_the_results(member_client: Client, world: World) -> None:
    values = form(world, image=world.test_images[0].pk)
    answer = member_client.post(reverse("search"), values, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == reverse("search-detail", args=[Search.objects.get().pk])


# --- several pictures at once


def test_several_pictures_are_searched_each_and_shown_together(
    member_client: Client, other_member: User, world: World
) -> None:
    files = [upload(jpeg(1), "a.jpg"), upload(b"no picture " * 40, "notes.pdf"), upload(jpeg(2), "b.jpg")]
    answer = member_client.post(reverse("search-batch"), form(world, picture=files), follow=True)
    text = text_of(answer)
    assert Search.objects.count() == 2 and answer.redirect_chain[0][0].startswith("/searches/batch/?search=")
    assert text.count('class="batch-row"') == 2 and "notes.pdf is not a picture" in text
    assert all(reverse("search-detail", args=[search.pk]) in text for search in Search.objects.all())
    others = signed_in(other_member).get(answer.redirect_chain[0][0])
    assert others.status_code == 302 and others["Location"] == reverse("searches")


def test_several_pictures_have_the_headlines_of_their_own_pages(member_client: Client, world: World) -> None:
    files = [upload(jpeg(number), f"{number}.jpg") for number in range(2)]
    answer = member_client.post(reverse("search-batch"), form(world, picture=files), follow=True)
    parts = text_of(answer).split('class="batch-row"')[1:]
    for search, part in zip(answer.context["rows"], parts, strict=True):
        alone = member_client.get(reverse("search-detail", args=[search.search.pk])).content.decode()
        headline = re.search(r'<p class="headline .*?</p>', alone)
        assert headline is not None and headline[0] in part and part.count('class="headline ') == 1


def test_several_pictures_of_which_none_can_be_read_are_all_named(member_client: Client, world: World) -> None:
    files = [upload(b"no picture " * 40, "a.pdf"), upload(b"", "b.jpg"), upload(b"neither " * 40, "c.txt")]
    answer = sent(member_client, world, picture=files)
    assert answer.status_code == 400 and not Search.objects.exists()
    assert "a.pdf is not a picture" in text_of(answer) and "c.txt is not a picture" in text_of(answer)


def test_more_pictures_than_the_limit_are_refused_at_once(
    member_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "MOST_SEARCHES", 2)
    answer = sent(member_client, world, picture=[upload(jpeg(number), f"{number}.jpg") for number in range(3)])
    assert answer.status_code == 400 and "the limit is 2 at once" in text_of(answer)


@pytest.mark.parametrize("query", ["", "?search=x", "?search=0f8fad5b-d9cb-469f-a165-70867728950e"])
def test_a_page_of_no_searches_leads_to_the_history(member_client: Client, world: World, query: str) -> None:
    answer = member_client.get(reverse("search-batch") + query)
    assert answer.status_code == 302 and answer["Location"] == reverse("searches")


@pytest.mark.parametrize("name", GOOD)
def test_any_picture_searches(member_client: Client, world: World, name: str) -> None:
    assert sent(member_client, world, picture=upload(GOOD[name])).status_code == 302
    search = Search.objects.get()
    stored = member_client.get(reverse("search-picture", args=[search.pk]))
    assert stored["Content-Type"] == "image/jpeg" and not Pillow.open(search.upload).getexif()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_explained(member_client: Client, world: World, name: str) -> None:
    data, sentence = BAD[name]
    answer = sent(member_client, world, picture=upload(data))
    assert answer.status_code == 400 and re.search(sentence, text_of(answer))
    assert not Search.objects.exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({}, "No picture chosen"),
        ({"k": 0}, "greater than or equal to 1"),
        ({"k": 10**9}, "less than or equal to 100"),
        ({"k": 60}, "1 to 47 results per model, not 60"),
        ({"k": "many"}, "Enter a whole number"),
        ({"datasets": [999999]}, "Select a valid choice"),
        ({"datasets": ["x"]}, "is not a valid value"),
        ({"datasets": [10**30]}, "Select a valid choice"),
        ({"models": [999999]}, "Select a valid choice. 999999 is not"),
        ({"models": ["x"]}, "is not a valid value"),
        ({"models": [10**30]}, "Select a valid choice"),
        ({"image": 999999}, "There is no picture 999999"),
        ({"image": 10**30}, "There is no picture"),
        ({"image": "x"}, "Enter a whole number"),
    ],
)
def test_a_wrong_form_is_explained_and_stores_nothing(
    member_client: Client, world: World, change: dict[str, Any], sentence: str
) -> None:
    picture = {} if change == {} or "image" in change else {"image": world.test_images[0].pk}
    answer = sent(member_client, world, **picture, **change)
    assert answer.status_code == 400 and sentence in text_of(answer)
    assert not Search.objects.exists()


def test_a_huge_file_is_refused_before_it_is_read(member_client: Client, world: World) -> None:
    answer = sent(member_client, world, picture=upload(bytes(50 * 2**20)))
    assert answer.status_code == 413


@pytest.mark.parametrize("change", [{"revision": 0}, {"revision": 1, "hidden": True}])
def test_a_picture_one_may_not_see_is_refused(member_client: Client, world: World, change: dict[str, Any]) -> None:
    other = Dataset.objects.create(name="Other", slug="other", source="wings", revision=change.pop("revision"))
    values = {"label": 0, "split": "test", "sha256": "0" * 64, "width": 32, "height": 32}
    image = Image.objects.create(dataset=other, path="a.jpg", **values, **change)
    answer = sent(member_client, world, image=image.pk)
    assert answer.status_code == 400 and f"There is no picture {image.pk}" in text_of(answer)


def test_a_damaged_index_is_explained(member_client: Client, world: World, fresh_engine: None) -> None:
    replaced(world.index_of(world.models[0]).folder / "index.bin", b"rot")
    answer = sent(member_client, world, image=world.test_images[0].pk, models=[world.models[0].pk])
    assert answer.status_code == 400 and "The index of SoftTriple cannot be used" in text_of(answer)


def test_a_busy_site_asks_to_come_again(member_client: Client, world: World) -> None:
    with full_queue():
        answer = sent(member_client, world, image=world.test_images[0].pk)
    assert answer.status_code == 503 and int(answer["Retry-After"]) >= 1
    assert "try again in a moment" in text_of(answer) and not Search.objects.exists()


# --- ways in, and the state in the address


def test_a_new_search_leaves_baselines_out(member_client: Client, world: World) -> None:
    trained, baseline = world.models
    Model.objects.filter(pk=baseline.pk).update(loss="half_whitened_pca")
    text = text_of(member_client.get(reverse("search")))
    boxes = re.findall(r'name="models" value="(\d+)"[^>]*?( checked)?>', text)
    assert boxes == [(str(trained.pk), " checked"), (str(baseline.pk), "")]


def test_the_address_fills_the_form(member_client: Client, member: User, world: World) -> None:
    image, model = world.test_images[1], world.models[1]
    said = {"models": model.pk, "k": 7, "threshold": "0.25", "splits": "test", "image": image.pk, "left": 10}
    text = text_of(member_client.get(reverse("search"), said | {"classes": f"{world.dataset.pk}:2"}))
    assert reverse("picture", args=[image.pk]) in text and world.dataset.class_names[2] in text
    ticked = re.findall(r'<input type="checkbox"[^>]+value="([^"]+)"[^>]* checked', text)
    assert set(ticked) == {str(model.pk), f"{world.dataset.pk}:2", "test"}
    values = dict(re.findall(r'name="(k|threshold|left)"[^>]* value="([^"]*)"', text))
    assert values == {"k": "7", "threshold": "0.25", "left": "10"}


@pytest.mark.parametrize("said", [{"image": "x"}, {"image": "9" * 30}, {"like": "x"}, {"k": "<b>"}, {"datasets": "x"}])
def test_an_address_that_means_nothing_is_a_form_all_the_same(
    member_client: Client, world: World, said: dict[str, str]
) -> None:
    answer = member_client.get(reverse("search"), said)
    assert answer.status_code == 200 and "<b>" not in text_of(answer).split("<h1>")[1].split("<footer")[0]


def test_an_earlier_search_is_a_way_in_for_its_owner(
    member_client: Client, member: User, other_member: User, world: World
) -> None:
    mine, theirs = world.ask(member, upload=jpeg()), world.ask(other_member, upload=jpeg())
    assert reverse("search-picture", args=[mine.pk]) in text_of(
        member_client.get(reverse("search"), {"like": str(mine.pk)})
    )
    assert sent(member_client, world, like=str(mine.pk)).status_code == 302
    assert Search.objects.get(root=mine).owner == member
    answer = sent(member_client, world, like=str(theirs.pk))
    assert answer.status_code == 400 and "That search was deleted" in text_of(answer)


def test_a_web_address_is_a_way_in(member_client: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form_views, "fetch_picture", lambda address: jpeg())
    assert sent(member_client, world, url="https://example.org/a.jpg").status_code == 302
    assert Search.objects.get().upload.exists()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [("http://127.0.0.1/a.jpg", "127.0.0.1 is not on the public internet"), ("nonsense", "Enter a valid URL")],
)
def test_a_web_address_that_is_none_is_explained(
    member_client: Client, world: World, address: str, sentence: str
) -> None:
    answer = sent(member_client, world, url=address)
    assert answer.status_code == 400 and sentence in text_of(answer) and not Search.objects.exists()


def test_classes_are_found_by_a_part_of_their_name(member_client: Client, world: World) -> None:
    name = world.dataset.class_names[3]
    text = text_of(member_client.get(reverse("search-classes"), {"class_name": name[2:6].upper()}))
    assert name in text and "checked" not in text
    kept = {"class_name": "no such", "classes": f"{world.dataset.pk}:3"}
    text = text_of(member_client.get(reverse("search-classes"), kept))
    assert name in text and "checked" in text and "No other class name" in text
    assert Client().get(reverse("search-classes")).status_code == 302


def test_the_form_weighs_little(member_client: Client, world: World) -> None:
    """HTML, styles and scripts, uncompressed; pictures left out."""
    text = text_of(member_client.get(reverse("search")))
    files = set(re.findall(r'(?:href|src)="/static/([^"]+[.](?:css|js))"', text))
    files |= {f"kindred/{name}.js" for name in ("crop", "picture", "sending", "kept")}
    sizes = {name: Path(str(finders.find(name))).stat().st_size for name in files}
    assert len(sizes) >= 5 and len(text.encode()) + sum(sizes.values()) < 150_000, sizes


def test_the_forms_pictures_have_sizes(member_client: Client, world: World) -> None:
    pictures = re.findall(r"<img[^>]+>", text_of(member_client.get(reverse("search"))))
    assert pictures and all("width=" in picture and "height=" in picture for picture in pictures)


# --- why there is nothing to see


def test_while_something_is_made_the_form_says_how_far_it_is(member_client: Client, world: World) -> None:
    Model.objects.update(published=False)
    job = submit_index(world.models[0], by=None)
    Job.objects.filter(pk=job.pk).update(state="running", attempt=1, heartbeat_at=timezone.now(), done=3, total=4)
    text = text_of(member_client.get(reverse("search")))
    assert "Building an index" in text and "75 %" in text and "every 5s" in text


def test_an_index_behind_its_set_is_said_and_curators_get_a_way_out(
    member_client: Client, curator_client: Client, member: User, world: World
) -> None:
    Dataset.objects.update(revision=2)
    search = world.ask(member)
    for address in (reverse("search"), reverse("search-detail", args=[search.pk])):
        text = text_of(member_client.get(address))
        assert "added or relabelled since" in text and "Build new index" not in text
    assert "Build new index" in text_of(curator_client.get(reverse("search")))


# --- seeing


def test_a_search_is_its_owners_alone(
    client: Client, member_client: Client, member: User, curator_client: Client, world: World
) -> None:
    search = world.ask(member, upload=jpeg())
    for name in ("search-detail", "search-picture"):
        address = reverse(name, args=[search.pk])
        assert member_client.get(address).status_code == 200
        assert curator_client.get(address).status_code == 404
        assert client.get(address).status_code == 302
    for name in ("search-share", "search-delete"):
        address = reverse(name, args=[search.pk])
        assert curator_client.post(address).status_code == 404
        assert client.post(address)["Location"].startswith("/accounts/login/")
        assert member_client.get(address).status_code == 405
    assert Search.objects.get().share_token is None


def test_a_search_shows_every_answer_of_every_model(member_client: Client, member: User, world: World) -> None:
    search = world.ask(member, k=5)
    text = text_of(member_client.get(reverse("search-detail", args=[search.pk])))
    for ranking in search.rankings.all():
        assert ranking.model.name in text
        for pk, score in zip(ranking.image_ids, ranking.scores, strict=True):
            assert reverse("search-result", args=[search.pk, ranking.pk, pk]) in text
            assert reverse("thumbnail", args=[pk]) in text and f"{score:.2f}" in text


def test_an_answer_searches_with_the_same_models_and_number(member_client: Client, member: User, world: World) -> None:
    """What the page's hidden form sends when a picture is clicked."""
    search = world.ask(member, k=5, models=world.models[:1])
    text = text_of(member_client.get(reverse("search-detail", args=[search.pk])))
    hidden = dict(re.findall(r'<input type="hidden" name="(datasets|k|models)" value="(\d+)">', text))
    picked = search.rankings.get().image_ids[0]
    assert member_client.post(reverse("search"), {**hidden, "image": picked}).status_code == 302
    again = Search.objects.exclude(pk=search.pk).get()
    assert (again.query_image_id, again.k, again.rankings.get().model) == (picked, 5, world.models[0])


def test_the_history_lists_ones_own_searches_and_deletes_one(
    member_client: Client, member: User, other_member: User, world: World
) -> None:
    mine, theirs = world.ask(member), world.ask(other_member)
    text = text_of(member_client.get(reverse("searches")))
    assert str(mine.pk) in text and str(theirs.pk) not in text
    answer = member_client.post(reverse("search-delete", args=[mine.pk]), follow=True)
    assert "deleted" in text_of(answer) and list(Search.objects.all()) == [theirs]
    assert member_client.post(reverse("search-delete", args=[mine.pk])).status_code == 404
    assert member_client.get(reverse("searches"), {"page": "99"}).status_code == 200


def test_the_history_is_for_those_who_signed_in(client: Client) -> None:
    assert client.get(reverse("searches")).status_code == 302


# --- sharing


def shared(client: Client, search: Search) -> str:
    client.post(reverse("search-share", args=[search.pk]))
    search.refresh_from_db()
    assert search.share_token is not None
    return search.share_token


def test_a_shared_search_is_seen_by_whoever_has_the_link_until_it_is_revoked(
    client: Client, member_client: Client, member: User, world: World
) -> None:
    search = world.ask(member, upload=jpeg())
    address = reverse("shared", args=[shared(member_client, search)])
    assert address in text_of(member_client.get(reverse("search-detail", args=[search.pk])))
    answer = client.get(address)
    text = text_of(answer)
    assert answer.status_code == 200 and "Stop sharing" not in text and "/pictures/" in text
    pictures = set(re.findall(rf'src="({address}[^"]+)"', text))
    assert len(pictures) >= 4
    assert {client.get(picture).status_code for picture in pictures} == {200}
    assert not re.search(r'(src|href)="/pictures/', text), "a visitor may not see those"
    member_client.post(reverse("search-share", args=[search.pk]))
    for gone in (address, *pictures):
        assert client.get(gone).status_code == 404


def test_a_shared_search_has_a_card_that_shows_no_more_than_the_page(
    client: Client, member_client: Client, member: User, world: World
) -> None:
    search = world.ask(member)
    token = shared(member_client, search)
    answer = client.get(reverse("shared", args=[token]))
    text = text_of(answer)
    card = dict(re.findall(r'<meta property="(og:\w+)" content="([^"]*)">', text))
    assert search.query_image.class_name in card["og:title"] and "similar pictures" in card["og:description"]
    assert card["og:image"].endswith(reverse("shared-query", args=[token]))
    assert f"<title>{card['og:title']}" in text
    classes = [name.class_name for line in answer.context["results"].headlines for name in line.classes]
    assert classes and all(f"\u2068{name}\u2069" in card["og:description"] for name in classes)
    search.query_image.__class__.objects.filter(pk=search.query_image_id).update(hidden=True)
    first = search.rankings.all()[0].image_ids[0]
    text = text_of(client.get(reverse("shared", args=[token])))
    card = dict(re.findall(r'<meta property="(og:\w+)" content="([^"]*)">', text))
    assert card["og:image"].endswith(reverse("shared-picture", args=[token, first]))
    assert search.query_image.class_name not in card["og:title"]
    assert "og:title" not in text_of(member_client.get(reverse("search-detail", args=[search.pk])))


def test_a_shared_search_gives_its_own_pictures_only(
    client: Client, member_client: Client, member: User, world: World
) -> None:
    search = world.ask(member, models=world.models[:1])
    token, own = shared(member_client, search), search.rankings.get().image_ids
    for image in Image.objects.all():
        answer = client.get(reverse("shared-picture", args=[token, image.pk]))
        large = client.get(reverse("shared-picture", args=[token, image.pk]), {"size": "large"})
        assert answer.status_code == large.status_code == (200 if image.pk in own else 404)
    assert client.get(reverse("shared-query", args=[token])).status_code == 200


def test_a_shared_picture_whose_file_is_gone_is_not_found(
    client: Client, member_client: Client, member: User, world: World
) -> None:
    search = world.ask(member)
    token, picked = shared(member_client, search), search.rankings.all()[0].image_ids[0]
    image = Image.objects.get(pk=picked)
    thumbnail_of(image).unlink()
    image.file.unlink()
    assert client.get(reverse("shared-picture", args=[token, picked])).status_code == 404


@pytest.mark.parametrize("token", ["None", "x", "0" * 43])
def test_a_guessed_link_leads_nowhere(client: Client, member: User, world: World, token: str) -> None:
    world.ask(member)
    assert client.get(reverse("shared", args=[token])).status_code == 404


def test_a_stranger_cannot_share_for_another(member: User, other_member: User, world: World) -> None:
    search = world.ask(member)
    assert signed_in(other_member).post(reverse("search-share", args=[search.pk])).status_code == 404


def test_a_withdrawn_model_still_shows_in_old_searches_and_answers_no_new_one(
    member_client: Client, member: User, world: World
) -> None:
    search, withdrawn = world.ask(member), world.models[0]
    set_published(withdrawn, False)
    assert "SoftTriple" in text_of(member_client.get(reverse("search-detail", args=[search.pk])))
    answer = sent(member_client, world, image=world.test_images[0].pk, models=[withdrawn.pk])
    assert answer.status_code == 400 and "Select a valid choice" in text_of(answer)
    Model.objects.update(published=False)
    assert not (settings.MEDIA_ROOT / "searches").exists()
