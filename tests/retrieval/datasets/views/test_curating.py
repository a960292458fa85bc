import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from retrieval.models import Dataset
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

PAGES = ("dataset-pictures", "dataset-classes", "dataset-describe")


def pictures(query: str = "") -> str:
    return reverse("dataset-pictures", args=["wings"]) + query


@pytest.mark.parametrize("name", PAGES)
def test_changing_a_set_is_for_curators(
    client: Client, member_client: Client, curator_client: Client, world: World, name: str
) -> None:
    address = reverse(name, args=["wings"])
    assert client.get(address).status_code == 302
    assert member_client.get(address).status_code == 403
    assert curator_client.get(address).status_code == 200
    assert curator_client.get(reverse(name, args=["nothing"])).status_code == 404


def test_a_member_can_post_nothing(member_client: Client, world: World) -> None:
    chosen = world.test_images[0]
    assert member_client.post(pictures(), {"action": "hide", "image": chosen.pk}).status_code == 403
    assert member_client.post(reverse("dataset-class-edit", args=["wings", 0]), {"name": "X"}).status_code == 403
    assert Dataset.objects.get().revision == 1


def test_a_curator_hides_a_picture_and_shows_it_again(
    curator_client: Client, member_client: Client, world: World
) -> None:
    chosen = world.test_images[0]
    answer = curator_client.post(pictures("?shown=shown"), {"action": "hide", "image": [chosen.pk]}, follow=True)
    assert answer.redirect_chain[0][0] == pictures("?shown=shown") and "1 picture was hidden" in answer.content.decode()
    for name in ("picture", "thumbnail"):
        assert member_client.get(reverse(name, args=[chosen.pk])).status_code == 404
        assert curator_client.get(reverse(name, args=[chosen.pk])).status_code == 200
    small = reverse("thumbnail", args=[chosen.pk])
    assert small not in member_client.get(reverse("dataset", args=["wings"])).content.decode()
    assert curator_client.get(pictures("?shown=hidden")).content.decode().count("/thumbnail") == 1
    curator_client.post(pictures(), {"action": "show", "image": [chosen.pk]})
    assert member_client.get(reverse("picture", args=[chosen.pk])).status_code == 200
    assert small in member_client.get(reverse("dataset", args=["wings"])).content.decode()
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", "target", "who_name"))
    assert actions == [("hide-pictures", "Wings", "Cora"), ("show-pictures", "Wings", "Cora")]


def test_pictures_move_to_a_class_old_or_new(curator_client: Client, world: World) -> None:
    chosen = [image.pk for image in world.test_images[:2]]
    values = {"action": "move", "image": chosen, "name": world.dataset.class_names[7], "split": ""}
    assert curator_client.post(pictures(), values).status_code == 302
    assert world.dataset.images.filter(label=7).count() == 8
    assert curator_client.post(pictures(), {**values, "name": "Dodo", "split": "test"}).status_code == 302
    assert set(world.dataset.images.filter(pk__in=chosen).values_list("label", "split")) == {(8, "test")}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"action": "hide"}, "select at least one picture"),
        ({"action": "burn", "image": ["1"]}, "burn is not one of the available choices"),
        ({"action": "hide", "image": ["x"]}, "not one of the available choices"),
        ({"action": "hide", "image": ["9" * 30]}, "not one of the available choices"),
        ({"action": "hide", "image": ["999999"]}, "no picture 999999"),
        ({"action": "move", "image": ["1"], "name": "Dodo"}, "no class &#x27;Dodo&#x27;"),
        ({"action": "move", "image": ["1"], "name": "D" * 201}, "at most 200 characters"),
        ({"action": "move", "image": ["1"], "name": "D", "split": "both"}, "both is not one of"),
    ],
)
def test_a_wrong_choice_is_explained(
    curator_client: Client, world: World, values: dict[str, object], sentence: str
) -> None:
    answer = curator_client.post(pictures(), values)
    assert answer.status_code == 400 and sentence in answer.content.decode()
    assert Dataset.objects.get().revision == 1


@pytest.mark.parametrize(
    ("query", "count"), [("?class=Nobody", 0), ("?class=", 48), ("?shown=hidden", 0), ("?page=9", 48)]
)
def test_the_pictures_are_filtered(curator_client: Client, world: World, query: str, count: int) -> None:
    assert curator_client.get(pictures(query)).content.decode().count("/thumbnail") == count


def test_the_pictures_of_a_class_are_found_by_its_name(curator_client: Client, world: World) -> None:
    text = curator_client.get(pictures(), {"class": world.dataset.class_names[3].upper()}).content.decode()
    assert text.count("/thumbnail") == 6


def test_a_class_is_renamed_and_merged(curator_client: Client, world: World) -> None:
    address = reverse("dataset-class-edit", args=["wings", 4])
    answer = curator_client.post(address, {"name": "Great tit"}, follow=True)
    assert "was renamed to Great tit" in answer.content.decode()
    answer = curator_client.post(address, {"into": world.dataset.class_names[5]}, follow=True)
    assert "6 pictures were moved" in answer.content.decode() and "Great tit</a>" not in answer.content.decode()
    assert curator_client.get(address).status_code == 404
    other = reverse("dataset-class-edit", args=["wings", 5])
    for values, sentence in (({"into": "Nobody"}, "no class"), ({"name": ""}, "required"), ({"into": ""}, "required")):
        answer = curator_client.post(other, values)
        assert answer.status_code == 400 and sentence in answer.content.decode()


def test_classes_are_found_by_name(curator_client: Client, world: World) -> None:
    name = world.dataset.class_names[3]
    text = curator_client.get(reverse("dataset-classes", args=["wings"]), {"name": name.upper()}).content.decode()
    assert text.count("Rename or merge </span>") == sum(name in other for other in world.dataset.class_names)


def test_licence_and_attribution_stand_on_the_sets_page(curator_client: Client, client: Client, world: World) -> None:
    address = reverse("dataset-describe", args=["wings"])
    assert curator_client.post(address, {"licence": "CC BY 4.0", "attribution": "A. Wallace"}).status_code == 302
    text = client.get(reverse("dataset", args=["wings"])).content.decode()
    assert "CC BY 4.0" in text and "A. Wallace" in text and "Licence and attribution" not in text
    assert curator_client.post(address, {"licence": "x" * 301}).status_code == 400


def test_a_curator_finds_the_tools_on_the_sets_page(curator_client: Client, world: World) -> None:
    text = curator_client.get(reverse("dataset", args=["wings"])).content.decode()
    assert all(reverse(name, args=["wings"]) in text for name in PAGES)


# --- two tabs that change one thing


def state_of(client: Client, name: str, *args: object) -> str:
    """Return what a page's form says that it was filled in by."""
    found = re.search(r'name="seen" value="([^"]+)"', client.get(reverse(name, args=args)).content.decode())
    assert found is not None
    return found[1]


def test_a_description_from_an_old_tab_overwrites_nothing(curator_client: Client, world: World) -> None:
    address, old = reverse("dataset-describe", args=["wings"]), state_of(curator_client, "dataset-describe", "wings")
    first = {"seen": old, "licence": "CC BY 4.0", "attribution": "A. Wallace"}
    assert curator_client.post(address, first).status_code == 302
    answer = curator_client.post(address, {"seen": old, "licence": "CC0", "attribution": ""})
    text = answer.content.decode()
    assert answer.status_code == 400 and "was changed after you opened this page" in text
    assert "A. Wallace" in text and 'value="CC0"' in text, "what is stored, and what was typed"
    assert Dataset.objects.get().licence == "CC BY 4.0"
    again = re.search(r'name="seen" value="([^"]+)"', text)
    assert again and curator_client.post(address, {"seen": again[1], "licence": "CC0"}).status_code == 302
    assert Dataset.objects.get().licence == "CC0"


def test_pictures_from_an_old_tab_stay_as_they_are(curator_client: Client, world: World) -> None:
    one, two = world.test_images[:2]
    old = state_of(curator_client, "dataset-pictures", "wings")
    assert curator_client.post(pictures(), {"seen": old, "action": "hide", "image": [one.pk]}).status_code == 302
    answer = curator_client.post(pictures(), {"seen": old, "action": "hide", "image": [two.pk]})
    text = answer.content.decode()
    assert answer.status_code == 400 and "was changed after you opened this page" in text
    assert f'value="{two.pk}" checked' in text and Dataset.objects.get().revision == 2
    again = re.search(r'name="seen" value="([^"]+)"', text)
    assert again
    assert curator_client.post(pictures(), {"seen": again[1], "action": "hide", "image": [two.pk]}).status_code == 302
    assert world.dataset.images.filter(hidden=True).count() == 2


def test_a_class_from_an_old_tab_keeps_its_name(curator_client: Client, world: World) -> None:
    address, old = (
        reverse("dataset-class-edit", args=["wings", 4]),
        state_of(curator_client, "dataset-class-edit", "wings", 4),
    )
    assert curator_client.post(address, {"seen": old, "name": "Great tit"}).status_code == 302
    answer = curator_client.post(address, {"seen": old, "name": "Blue tit"})
    assert answer.status_code == 400 and "was changed after you opened this page" in answer.content.decode()
    merged = curator_client.post(address, {"seen": old, "into": world.dataset.class_names[5]})
    assert merged.status_code == 400 and world.dataset.images.filter(label=4).count() == 6
    assert world.dataset.classes.get(label=4).name == "Great tit"
