"""A collapsed space is told, with ways out, and one that only lies close is not."""

import json
from pathlib import Path

import pytest

from mlcore.artifacts import read_json
from mlcore.cli import main
from mlcore.datasets import DatasetFolder
from mlcore.errors import Stopped
from mlcore.losses import LOSSES
from mlcore.runs import RunSpec
from mlcore.training.collapse import collapse_warnings
from mlcore.training.train import train
from tests.mlcore.tiny import paths_in, stopping_after, tiny_protocol, tiny_spec

pytestmark = pytest.mark.usefixtures("one_thread")

COLLAPSED = {"positive_cosine": 0.997, "negative_cosine": 0.996}
# At a rate of 1 the hardest triplets draw this network to a point in its first epoch.
RUINED = {"learning_rate": 1.0, "batch_norm": "frozen"}


@pytest.mark.parametrize("loss", LOSSES)
def test_two_collapsed_epochs_are_told_with_their_figures_and_what_to_try(loss: str) -> None:
    (warning,) = collapse_warnings(loss, COLLAPSED, COLLAPSED)
    assert "mean cosine of 0.9960, those of one class of 0.9970. Try a lower learning_rate" in warning
    assert ("proxy_rate_factor" in warning) == LOSSES[loss].has_proxies
    assert ("triplet_semi_hard" in warning) == (loss == "triplet_hard")


@pytest.mark.parametrize(
    ("event", "before"),
    [
        (COLLAPSED, None),
        (COLLAPSED, {"positive_cosine": 0.96, "negative_cosine": 0.90}),
        ({"positive_cosine": 0.985, "negative_cosine": 0.97}, COLLAPSED),  # close, but classes are apart
        ({"positive_cosine": 0.31, "negative_cosine": 0.30}, COLLAPSED),  # nothing learned, but not a point
        ({}, COLLAPSED),
        (COLLAPSED, {}),
    ],
    ids=str,
)
def test_other_epochs_are_not_called_a_collapse(event: dict[str, float], before: dict[str, float] | None) -> None:
    assert collapse_warnings("contrastive", event, before) == []


def warned_epochs(folder: Path) -> list[int]:
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return [event["epoch"] for event in history if event.get("warnings")]


def test_a_training_that_collapses_says_so_also_after_it_was_stopped(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    spec = tiny_spec("triplet_hard", epochs=4, **RUINED)
    whole, part = (paths_in(tmp_path, cache_root, name) for name in ("whole", "part"))
    train(spec, wings, whole)
    assert warned_epochs(whole.out)[-2:] == [3, 4]
    with pytest.raises(Stopped):
        train(spec, wings, part, callbacks=stopping_after(7))
    train(spec, wings, part)
    assert warned_epochs(part.out) == warned_epochs(whole.out)


@pytest.mark.parametrize("loss", ["soft_triple", "contrastive", "proxy_anchor", "triplet_hard"])
def test_a_training_that_learns_is_not_warned(
    loss: str, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    place = paths_in(tmp_path, cache_root)
    train(RunSpec(protocol=tiny_protocol(), loss=loss), wings, place)
    assert warned_epochs(place.out) == []


def test_the_command_line_warns_at_once(
    wings: DatasetFolder, tmp_path: Path, cache_root: Path, capsys: pytest.CaptureFixture[str], own_signals: None
) -> None:
    protocol = tmp_path / "protocol.json"
    protocol.write_text(json.dumps(tiny_protocol(**RUINED).to_json()))
    options = ["--data", str(wings.folder), "--out", str(tmp_path / "run"), "--cache", str(cache_root)]
    assert main(["train", *options, "--protocol", str(protocol), "--loss", "triplet_hard"]) == 0
    said = capsys.readouterr().err.splitlines()
    last = next(place for place, line in enumerate(said) if line.startswith("epoch 3/3"))
    assert said[last + 1].startswith("  warning: the space collapses: pictures of different classes have a mean cosine")
    assert "warnings" not in read_json(tmp_path / "run" / "metrics.json")
