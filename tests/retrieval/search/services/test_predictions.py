import re
import shutil
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from accounts.models import User
from mlcore.inference.knn_classifier import Calibration, ConfidenceModel
from retrieval.models import Ranking, Search
from retrieval.registry.services import confidence
from retrieval.search.services import predictions as services
from retrieval.search.services.predictions import Prediction, missing_reason, predictions_of
from retrieval.search.services.results import results_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db
SURE = Calibration(
    {count: ConfidenceModel(odds, (0.0,) * 3, (0.0,) * 3, (1.0,) * 3) for count, odds in ((1, 0.0), (3, 2.0))},
    unknown_below=0.5,
    error=0.02,
    accuracy=0.9,
    queries=100,
    unknown_rejection_rate=0.8,
)


def rankings(search: Search) -> list[list[Ranking]]:
    return [[ranking] for ranking in search.rankings.select_related("model", "index__dataset")]


def answered(world: World, search: Search, *answers: tuple[int, float]) -> None:
    """Let every ranking of a search answer with pictures of these labels at these cosines."""
    pictures = [world.dataset.images.filter(label=label)[at] for at, (label, _) in enumerate(answers)]
    scores = [score for _, score in answers]
    search.rankings.update(image_ids=[picture.pk for picture in pictures], scores=scores)


def prediction_of(search: Search, group: list[Ranking]) -> Prediction | None:
    """Return the prediction in the only data set."""
    return next(iter(predictions_of(search, group)), None)


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "calibration_of", lambda index: SURE)


def test_the_neighbours_vote(world: World, member: User, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (2, 0.9), (3, 0.89), (3, 0.88))
    for group in rankings(search):
        found = prediction_of(search, group)
        assert found is not None and not found.unknown
        assert (found.class_name, found.label) == (world.dataset.class_names[3], 3)
        assert found.confidence == pytest.approx(0.8808, abs=1e-4)  # the sigmoid of 2
        assert [share.class_name for share in found.shares] == [
            world.dataset.class_names[3],
            world.dataset.class_names[2],
        ]
        assert sum(share.share for share in found.shares) == pytest.approx(1)


def test_what_is_far_from_all_is_perhaps_none(world: World, member: User, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (2, 0.4), (3, 0.3), (3, 0.2))
    found = prediction_of(search, rankings(search)[0])
    assert found is not None and found.unknown and found.similarity == 0.4


@pytest.mark.parametrize("changes", [{"filters": {"splits": ["test"]}}, {"more": [1]}, {"less": [1]}])
def test_a_search_with_filters_or_marks_has_no_prediction(
    world: World, member: User, sure: None, changes: dict[str, Any]
) -> None:
    search = world.ask(member)
    assert prediction_of(search, rankings(search)[0]) is not None
    for name, value in changes.items():
        setattr(search, name, value)
    assert prediction_of(search, rankings(search)[0]) is None
    assert missing_reason(search) == ("filtered" if "filters" in changes else "refined")


def test_hidden_pictures_do_not_vote(world: World, member: User, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (2, 0.9), (3, 0.89), (3, 0.88))
    world.dataset.images.filter(label=3).update(hidden=True)
    found = prediction_of(search, rankings(search)[0])
    assert found is not None and found.label == 2


def test_without_labels_or_index_there_is_no_prediction(world: World, member: User) -> None:
    search = world.ask(member)
    group = rankings(search)[0]
    assert prediction_of(search, group) is not None
    world.dataset.labelled = False
    world.dataset.save()
    assert prediction_of(search, rankings(search)[0]) is None
    shutil.rmtree(group[0].index.folder)
    assert prediction_of(search, group) is None


def test_results_have_predictions_when_asked_for(world: World, member: User, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (3, 0.9), (3, 0.89), (3, 0.88))
    plain, full = (results_of(search, member, with_predictions=wanted) for wanted in (False, True))
    assert [column.prediction for column in plain.columns] == [None, None] and plain.prediction_summary == ""
    assert [column.prediction and column.prediction.label for column in full.columns] == [3, 3]
    assert [headline.state for headline in full.headlines] == ["likely"] and full.unpredicted == ""


def test_a_page_is_rendered_without_measuring_the_confidence(
    world: World, member: User, member_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = world.ask(member)
    for model in world.models:
        for file in world.index_of(model).folder.glob("calibration-*.json"):
            file.unlink()
    measured = []
    calibrated = confidence._calibrated
    monkeypatch.setattr(confidence, "_calibrated", lambda index: measured.append(index) or calibrated(index))
    context = member_client.get(reverse("search-detail", args=[search.pk])).context
    assert len(measured) == 2, "an index of before has no file yet: the service measures, once"
    monkeypatch.setattr(services, "calibration_of", lambda index: pytest.fail("the template measures"))
    render_to_string("retrieval/_prediction.html", {"column": context["results"].columns[0], "is_owner": True})


def test_every_data_set_has_a_prediction_of_its_own(world: World, member: User, sure: None) -> None:
    other = world.another(*world.models)
    search = world.ask(member, datasets=[world.dataset, other])
    results = results_of(search, member, with_predictions=True)
    for column in results.columns:
        assert {found.dataset for found in column.predictions} == {world.dataset.pk, other.pk}
        assert column.prediction in column.predictions
    assert [headline.dataset_name for headline in results.headlines] == [other.name, world.dataset.name]
    assert all(headline.state != "disagreement" or len(headline.classes) > 1 for headline in results.headlines)


def test_the_page_says_what_it_is(world: World, member: User, member_client: Client, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (3, 0.9), (3, 0.89), (3, 0.88))
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    where = reverse("class", args=[world.dataset.slug, 3])
    name = f'<a href="{where}"><bdi>{world.dataset.class_names[3]}</bdi></a>'
    assert f"Most likely <b>{name}</b> (88\N{NO-BREAK SPACE}%)" in text
    assert text.count(f"Most likely {name}, 88 % confidence") == 2
    answered(world, search, (3, 0.4), (3, 0.3), (3, 0.2))
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    assert text.count("Probably not in this data set") == 3, "the headline, and each model"


@pytest.mark.parametrize(
    ("changes", "reason"), [({"more": [1]}, "refined"), ({"filters": {"splits": ["test"]}}, "filter")]
)
def test_a_page_without_predictions_says_why(
    world: World, member: User, member_client: Client, sure: None, changes: dict[str, Any], reason: str
) -> None:
    search = world.ask(member)
    Search.objects.filter(pk=search.pk).update(**changes)
    answer = member_client.get(reverse("search-detail", args=[search.pk]))
    assert answer.context["results"].headlines == ()
    assert reason in re.findall(r'<p class="headline-none[^"]*">(.*?)</p>', answer.content.decode(), re.S)[0].lower()
