import shutil
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from accounts.models import User
from mlcore.inference.knn_classifier import Calibration, ConfidenceModel
from retrieval.models import Dataset, Ranking, Search
from retrieval.registry.services import confidence
from retrieval.search.services import predictions as services
from retrieval.search.services.predictions import ConfidenceCheck, Prediction, prediction_of, summarise_agreement
from retrieval.search.services.results import results_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db
CHECK = ConfidenceCheck(queries=100, error=0.02, least_similarity=0.5, unknown_rejection_rate=0.8)
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


def prediction(name: str, label: int = 0) -> Prediction:
    """Return a prediction of a class; "" is none of the data set."""
    return Prediction(1, label, name or "Whatever", 0.9, (), not name, 0.8, Dataset(name="Wings"), CHECK)


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["Robin", "Robin"], "Both models predict Robin."),
        (["Robin", "Robin", "Robin"], "All 3 models predict Robin."),
        (["", ""], "Both models find nothing similar: probably none of these."),
        (["Robin", "Wren", "Robin"], "The models disagree: 2 predict Robin and 1 predicts Wren."),
        (["Robin", ""], "The models disagree: 1 predicts Robin and 1 predicts none of these."),
        (["Robin", None], ""),
        ([], ""),
    ],
)
def test_a_sentence_says_whether_the_models_agree(names: list[str | None], sentence: str) -> None:
    assert summarise_agreement([None if name is None else prediction(name) for name in names]) == sentence


def test_results_have_predictions_when_asked_for(world: World, member: User, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (3, 0.9), (3, 0.89), (3, 0.88))
    plain, full = (results_of(search, member, with_predictions=wanted) for wanted in (False, True))
    assert [column.prediction for column in plain.columns] == [None, None] and plain.agreement == ""
    assert [column.prediction and column.prediction.label for column in full.columns] == [3, 3] and full.agreement


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


def test_the_page_says_what_it_is(world: World, member: User, member_client: Client, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (3, 0.9), (3, 0.89), (3, 0.88))
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    assert f"Both models predict {world.dataset.class_names[3]}." in text
    where = reverse("class", args=[world.dataset.slug, 3])
    assert text.count(f'Most likely <b><a href="{where}">{world.dataset.class_names[3]}</a></b>, 88 % confidence') == 2
    answered(world, search, (3, 0.4), (3, 0.3), (3, 0.2))
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    assert text.count("Probably <b>not in this data set</b>") == 2
