"""Classes of one or a few pictures train without fooling: repeats differ, and a loss without pairs says so."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlcore.cli import main
from tests.cases.pictures import imported_classes
from tests.mlcore.tiny import tiny_protocol

pytestmark = pytest.mark.usefixtures("own_signals")
Capture = pytest.CaptureFixture[str]


def trained(folder: Path, capsys: Capture, loss: str, train: tuple[int, int], **changes: Any) -> list[dict[str, Any]]:
    """Train on so many classes of so many pictures; return the events, "error" ones too."""
    data = imported_classes(folder, {"train": train, "test": (3, 3)})
    protocol = folder / "protocol.json"
    protocol.write_text(json.dumps(tiny_protocol(**{"epochs": 1, **changes}).to_json()))
    words = [
        "--data",
        data,
        "--cache",
        folder / "cache",
        "--out",
        folder / "run",
        "--protocol",
        folder / "protocol.json",
    ]
    main(["train", *map(str, words), "--loss", loss, "--threads", "1", "--events", "jsonl"])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def epoch_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    return next(event for event in events if event["event"] == "epoch")


# Beside Multi-Similarity, of the case: a triplet, a pair and a ranking loss.
@pytest.mark.parametrize("loss", ["multi_similarity", "triplet_semi_hard", "contrastive", "smooth_ap"])
def test_pair_loss_without_any_pair_warns(loss: str, tmp_path: Path, capsys: Capture) -> None:
    epoch = epoch_of(trained(tmp_path, capsys, loss, (6, 1)))
    assert len(epoch["warnings"]) == 1 and "6 classes" in epoch["warnings"][0]


def test_pair_loss_without_any_pair_or_crop_is_refused(tmp_path: Path, capsys: Capture) -> None:
    events = trained(tmp_path, capsys, "multi_similarity", (6, 1), crop_scale=1, horizontal_flip=0)
    assert "nothing to pull together" in events[-1]["message"]


@pytest.mark.parametrize(
    ("train", "changes"),
    [
        ((6, 1), {}),
        ((4, 2), {"samples_per_class": 4}),
        ((3, 3), {"samples_per_class": 4}),
        ((6, 1), {"crop_scale": 1, "epochs": 4}),
    ],
    ids=["singles", "pairs drawn twice", "threes drawn four times", "flips alone"],
)
def test_repeated_pictures_get_views_of_their_own(
    train: tuple[int, int], changes: dict[str, Any], tmp_path: Path, capsys: Capture
) -> None:
    events = trained(tmp_path, capsys, "multi_similarity", train, **changes)
    # Flips alone are the same for both of a pair half of the time.
    assert min(event["positive_cosine"] for event in events if event["event"] == "epoch") < 0.999999
