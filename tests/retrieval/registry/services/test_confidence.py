import json
import shutil
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from mlcore.errors import StaleIndexError
from mlcore.inference.knn_classifier import Calibration, ConfidenceModel
from retrieval.models import Image, Ranking, Search
from retrieval.registry.services import confidence as services
from retrieval.registry.services.confidence import calibration_of, verdict_of, weigh
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


@pytest.fixture
def sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "calibration_of", lambda index: SURE)


def test_the_index_job_left_a_calibration(world: World) -> None:
    index = world.index_of(world.models[0])
    (file,) = index.folder.glob("calibration-*.json")
    found = calibration_of(index)
    assert found is not None and found == Calibration.from_json(json.loads(file.read_text()))
    assert 0 <= found.error <= 1 and -1 <= found.unknown_below <= 1 and found.queries >= 12


def test_a_missing_calibration_is_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    index = world.index_of(world.models[0])
    before = calibration_of(index)
    (file,) = index.folder.glob("calibration-*.json")
    file.unlink()
    assert calibration_of(index) == before and file.exists()
    monkeypatch.setattr(services, "_calibrated", lambda index: pytest.fail("made again"))
    assert calibration_of(index) == before


def test_other_labels_are_another_revision(world: World) -> None:
    index = world.index_of(world.models[0])
    world.dataset.images.update(label=0)
    assert calibration_of(index) is not None
    index.dataset.revision += 1
    found = calibration_of(index)
    assert found is not None and found.accuracy == 1  # one class: no vote can be wrong


def test_a_failure_leaves_no_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    index = world.index_of(world.models[0])
    for file in index.folder.glob("calibration-*.json"):
        file.unlink()

    def full(*given: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(services, "calibrate", full)
    with pytest.raises(OSError, match="No space left"):
        calibration_of(index)
    assert not list(index.folder.glob("calibration-*"))


def test_too_few_pictures_are_noted_too(world: World) -> None:
    index = world.index_of(world.models[0])
    index.dataset.revision += 1
    Image.objects.exclude(pk__in=[image.pk for image in world.train_images[:4]]).update(hidden=True)
    assert calibration_of(index) is None and calibration_of(index) is None


def test_the_neighbours_vote(world: World, member: User, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (2, 0.9), (3, 0.89), (3, 0.88))
    for group in rankings(search):
        found = verdict_of(search, group)
        assert found is not None and found.near
        assert (found.class_name, found.label) == (world.dataset.class_names[3], 3)
        assert found.confidence == pytest.approx(0.8808, abs=1e-4)  # the sigmoid of 2
        assert [name for name, _ in found.shares] == [world.dataset.class_names[3], world.dataset.class_names[2]]
        assert sum(share for _, share in found.shares) == pytest.approx(1)


def test_what_is_far_from_all_is_perhaps_none(world: World, member: User, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (2, 0.4), (3, 0.3), (3, 0.2))
    found = verdict_of(search, rankings(search)[0])
    assert found is not None and not found.near and found.top == 0.4


@pytest.mark.parametrize("changes", [{"filters": {"splits": ["test"]}}, {"more": [1]}, {"less": [1]}])
def test_a_question_that_was_not_free_has_no_verdict(
    world: World, member: User, sure: None, changes: dict[str, Any]
) -> None:
    search = world.ask(member)
    assert verdict_of(search, rankings(search)[0]) is not None
    for name, value in changes.items():
        setattr(search, name, value)
    assert verdict_of(search, rankings(search)[0]) is None


def test_hidden_pictures_do_not_vote(world: World, member: User, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (2, 0.9), (3, 0.89), (3, 0.88))
    world.dataset.images.filter(label=3).update(hidden=True)
    found = verdict_of(search, rankings(search)[0])
    assert found is not None and found.label == 2


def test_without_labels_or_index_there_is_no_verdict(world: World, member: User) -> None:
    search = world.ask(member)
    group = rankings(search)[0]
    assert verdict_of(search, group) is not None
    world.dataset.labelled = False
    world.dataset.save()
    assert verdict_of(search, rankings(search)[0]) is None
    shutil.rmtree(group[0].index.folder)
    assert verdict_of(search, group) is None
    with pytest.raises((StaleIndexError, OSError)):
        calibration_of(group[0].index)


def columns(*said: str | None) -> list[dict[str, Any]]:
    """Return columns whose verdicts name these classes; "" is none of these, None no verdict."""
    return [{"rankings": [name]} for name in said]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (["Robin", "Robin"], "Both models say Robin."),
        (["Robin", "Robin", "Robin"], "All 3 models say Robin."),
        (["", ""], "Both models find nothing near: perhaps it is none of these."),
        (["Robin", "Wren", "Robin"], "The models disagree: 2 say Robin and 1 says Wren."),
        (["Robin", ""], "The models disagree: 1 says Robin and 1 says none of these."),
        (["Robin", None], ""),
        ([], ""),
    ],
)
def test_a_sentence_says_whether_the_models_agree(
    said: list[str | None], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Found:
        def __init__(self, name: str) -> None:
            self.class_name, self.near = name or "Whatever", bool(name)

    monkeypatch.setattr(services, "verdict_of", lambda search, group: None if group[0] is None else Found(group[0]))
    assert weigh(Search(), columns(*said)) == sentence


def test_the_page_says_what_it_is(world: World, member: User, member_client: Client, sure: None) -> None:
    search = world.ask(member)
    answered(world, search, (3, 0.9), (3, 0.89), (3, 0.88))
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    assert f"Both models say {world.dataset.class_names[3]}." in text
    where = reverse("class", args=[world.dataset.slug, 3])
    assert text.count(f'Most likely <b><a href="{where}">{world.dataset.class_names[3]}</a></b>, 88 % sure') == 2
    answered(world, search, (3, 0.4), (3, 0.3), (3, 0.2))
    text = member_client.get(reverse("search-detail", args=[search.pk])).content.decode()
    assert text.count("Perhaps <b>none of these</b>") == 2
