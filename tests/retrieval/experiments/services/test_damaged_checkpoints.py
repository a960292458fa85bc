"""A training does not go on from a checkpoint that is not as it was stored."""

import logging
from pathlib import Path

import pytest
from django.conf import settings

from mlcore.artifacts import write_json
from mlcore.training.checkpoint_sums import DESCRIPTION, SUMS, TENSORS, sums_of
from retrieval.experiments.services.shared_checkpoints import SharedCheckpoints
from retrieval.models import Run

pytestmark = pytest.mark.django_db


def checkpoint(folder: Path) -> Path:
    """Write the files of a checkpoint; what its tensors are matters to nobody here."""
    folder.mkdir(parents=True)
    (folder / TENSORS).write_bytes(b"tensors")
    (folder / DESCRIPTION).write_bytes(b"{}")
    write_json(folder / SUMS, sums_of(folder))
    return folder


@pytest.fixture
def work() -> Path:
    return Path(settings.VAR_DIR) / "scratch/job-1-1/work-abc"


def dropped(work: Path) -> list[str]:
    SharedCheckpoints(Run(pk=1), work).drop_damaged()
    return sorted(folder.relative_to(work).as_posix() for folder in work.rglob("epoch-*"))


def test_whole_ones_stay(work: Path) -> None:
    for name in ("epoch-3", "best/epoch-2"):
        checkpoint(work / name)
    assert dropped(work) == ["best/epoch-2", "epoch-3"]


@pytest.mark.parametrize("file", [TENSORS, DESCRIPTION, SUMS])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_damaged_one_goes(work: Path, file: str, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint(work / "epoch-2")
    damaged = checkpoint(work / "epoch-3") / file
    damaged.write_bytes(b"[1]") if damage == "changed" else damaged.unlink()
    with caplog.at_level(logging.WARNING):
        assert dropped(work) == ["epoch-2"]
    assert "epoch-3" in caplog.text and "damaged" in caplog.text


def test_all_go_with_the_best_one(work: Path) -> None:
    checkpoint(work / "epoch-3")
    (checkpoint(work / "best/epoch-2") / TENSORS).write_bytes(b"tensorz")
    assert dropped(work) == [] and not work.exists()


def test_a_training_that_has_none_begins(work: Path) -> None:
    assert dropped(work) == []
