from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from retrieval.datasets.services.visibility import DELETION
from retrieval.models import Image, Search
from retrieval.registry.services.visibility import set_published
from retrieval.search.services.options import SearchOptions
from tests.conftest import api_of
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World, full_queue

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/searches/"


def refine(api: APIClient, search: Search, **body: Any) -> Any:
    return api.post(f"{ROOT}{search.pk}/refine/", body, format="json")


def test_an_uploaded_picture_is_asked_again_on_other_terms(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member, upload=jpeg())
    liked, disliked = (image.pk for image in world.test_images[:2])
    answer = refine(
        member_api, search, more_like=[liked], less_like=[disliked], k=5, box=[0, 0, 0.9, 0.9], threshold=-1
    )
    found = answer.json()
    assert answer.status_code == 201 and member_api.get(answer["Location"]).json() == found
    assert (found["root"], found["more_like"], found["less_like"]) == (str(search.pk), [liked], [disliked])
    assert (found["k"], found["box"], found["threshold"]) == (5, [0, 0, 0.9, 0.9], -1)


def test_what_is_left_out_stays_and_null_takes_it_away(member_api: APIClient, member: User, world: World) -> None:
    one, two = world.test_images[1].pk, world.test_images[2].pk
    label = world.test_images[1].label
    terms = SearchOptions((0.0, 0.0, 0.9, 0.9), -0.9, ("test",), ((world.dataset.pk, label),), (one,), (two,))
    search = world.ask(member, models=world.models[:1], options=terms, exclude_self=False)
    kept = refine(member_api, search).json()
    names = ("datasets", "k", "box", "threshold", "filters", "exclude_self", "more_like", "less_like")
    before = member_api.get(f"{ROOT}{search.pk}/").json()
    assert [kept[name] for name in names] == [before[name] for name in names]
    assert [column["model"] for column in kept["columns"]] == [world.models[0].pk]
    bare = refine(
        member_api, search, models=[], k=None, box=None, threshold=None, filters={}, more_like=[], less_like=[]
    ).json()
    assert (bare["box"], bare["threshold"], bare["more_like"], bare["less_like"], bare["k"]) == (None, None, [], [], 12)
    assert bare["filters"] == {"splits": [], "classes": []} and len(bare["columns"]) == 2
    assert not bare["exclude_self"], "a refinement does as its search did"


def test_a_new_word_wins_over_an_earlier_one(member_api: APIClient, member: User, world: World) -> None:
    one, two = world.test_images[1].pk, world.test_images[2].pk
    search = world.ask(member, options=SearchOptions(more_like=(one, two)))
    found = refine(member_api, search, less_like=[one]).json()
    assert (found["more_like"], found["less_like"]) == ([two], [one])


def test_classes_of_a_set_that_is_searched_no_more_fall_away(member_api: APIClient, member: User, world: World) -> None:
    other = world.another()
    search = world.ask(
        member,
        datasets=[world.dataset, other],
        models=world.models[:1],
        options=SearchOptions(classes=((world.dataset.pk, world.test_images[1].label), (other.pk, 0))),
    )
    found = refine(member_api, search, datasets=[other.pk]).json()
    assert found["datasets"] == [other.pk]
    assert found["filters"]["classes"] == [{"dataset": other.pk, "label": 0}]


def test_a_set_that_is_being_deleted_is_searched_no_more(
    member_api: APIClient, member: User, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.another()
    search = world.ask(member, datasets=[world.dataset, other], models=world.models[:1])
    Job.objects.create(kind="delete-dataset", key=f"{DELETION}{other.pk}", state=Job.State.QUEUED)
    answer = refine(member_api, search)
    found = answer.json()
    assert answer.status_code == 201 and found["datasets"] == [world.dataset.pk]
    assert member_api.get(answer["Location"]).json() == found


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"more_like": [999999]}, "more_like: there is no picture 999999"),
        ({"less_like": [10**30]}, "less than or equal to"),
        ({"more_like": ["x"]}, "this must be a whole number"),
        ({"more_like": "x"}, "Expected a list"),
        ({"models": [999999]}, "model 999999 has no index of Wings"),
        ({"k": 0}, "choose 1 to 47"),
        ({"box": [1, 1, 0, 0]}, "left before right"),
        ({"filters": {"classes": [{"dataset": 999999, "label": 1}]}}, "which is not searched"),
        ({"exclude_self": False}, "there is no such field"),
        ({"datasets": []}, "may not be empty"),
        ({"datasets": [999999]}, "datasets: there is no data set 999999"),
        ({"datasets": [1] * 1001}, "no more than 1000"),
        ({"filters": {"classes": [{"dataset": 1, "label": 1}] * 1001}}, "no more than 1000"),
    ],
)
def test_a_wrong_refinement_is_a_problem(
    member_api: APIClient, member: User, world: World, change: dict[str, Any], sentence: str
) -> None:
    answer = refine(member_api, world.ask(member), **change)
    assert answer.status_code == 400 and sentence in answer.json()["detail"]
    assert Search.objects.count() == 1


def test_a_picture_is_not_both_more_and_less(member_api: APIClient, member: User, world: World) -> None:
    one = world.test_images[1].pk
    answer = refine(member_api, world.ask(member), more_like=[one], less_like=[one])
    assert answer.status_code == 400 and "in more_like and in less_like" in answer.json()["detail"]


def test_a_hidden_picture_moves_no_members_search(member_api: APIClient, member: User, world: World) -> None:
    Image.objects.filter(pk=world.test_images[1].pk).update(hidden=True)
    assert refine(member_api, world.ask(member), more_like=[world.test_images[1].pk]).status_code == 400


def test_without_its_models_nothing_answers_again(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member, models=world.models[:1])
    set_published(world.models[0], False)
    answer = refine(member_api, search)
    assert answer.status_code == 409 and answer.json()["type"] == "/api/problems/nothing-searchable"
    assert refine(member_api, search, models=[]).status_code == 201


def test_a_busy_engine_refines_later(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member)
    member_api.raise_request_exception = False
    with full_queue():
        answer = refine(member_api, search)
    assert answer.status_code == 503 and answer["Retry-After"] == "1"


# --- what the neighbours say


def test_the_neighbours_say_what_it_is(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member, k=8)
    found = member_api.get(f"{ROOT}{search.pk}/prediction/").json()
    assert [row["model"] for row in found["predictions"]] == [model.pk for model in world.models]
    assert found["summary"].endswith(".")
    for row in found["predictions"]:
        said = row["prediction"]
        assert said["class_name"] == world.dataset.class_names[said["label"]] == said["shares"][0]["class_name"]
        assert 0 <= said["confidence"] <= 1 and said["dataset"] == world.dataset.pk and said["unknown"] in (True, False)


def test_a_search_with_filters_has_no_prediction(member_api: APIClient, member: User, world: World) -> None:
    search = world.ask(member, options=SearchOptions(splits=("test",)))
    found = member_api.get(f"{ROOT}{search.pk}/prediction/").json()
    assert found["summary"] == "" and [row["prediction"] for row in found["predictions"]] == [None, None]


def test_a_query_among_its_own_answers_has_no_vote(member_api: APIClient, member: User, world: World) -> None:
    predictions = [
        member_api.get(f"{ROOT}{world.ask(member, k=k, exclude_self=own).pk}/prediction/").json()
        for k, own in ((5, True), (6, False))
    ]
    assert predictions[0] == predictions[1]


def test_anothers_search_is_neither_refined_nor_explained(other_member: User, member: User, world: World) -> None:
    search = world.ask(member)
    stranger = api_of(other_member)
    assert refine(stranger, search).status_code == 404
    assert stranger.get(f"{ROOT}{search.pk}/prediction/").status_code == 404
