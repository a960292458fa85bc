import json
import shutil
from typing import Any

import pytest

from mlcore.errors import StaleIndexError
from mlcore.inference.knn_classifier import Calibration
from retrieval.models import Image
from retrieval.registry.services import confidence as services
from retrieval.registry.services.confidence import calibration_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


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


def test_an_index_that_is_gone_is_refused(world: World) -> None:
    index = world.index_of(world.models[0])
    shutil.rmtree(index.folder)
    with pytest.raises((StaleIndexError, OSError)):
        calibration_of(index)
