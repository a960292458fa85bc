import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mlcore.cli import main
from mlcore.errors import UnknownLossError
from mlcore.losses import LOSSES
from mlcore.losses.loss_animation import CLASSES, FRAMES, PER_CLASS, animate_loss, write_animations

STORED = Path(__file__).parents[3] / "retrieval" / "experiments" / "services" / "toys"


@pytest.mark.parametrize("loss", ["multi_similarity_no_miner", "normalized_softmax"])
def test_the_stored_pictures_are_what_the_losses_do(loss: str) -> None:
    stored, now = json.loads((STORED / f"{loss}.json").read_text()), animate_loss(loss).to_json()
    for name in ("points", "proxies"):
        assert np.abs(np.array(stored[name]) - np.array(now[name])).max(initial=0) <= 2
    assert stored["within"] == pytest.approx(now["within"], abs=0.02)


def test_a_run_is_the_same_each_time_and_leaves_the_generator_alone() -> None:
    state = torch.get_rng_state()
    first, second = animate_loss("margin"), animate_loss("margin")
    assert first.to_json() == second.to_json()
    assert torch.equal(torch.get_rng_state(), state)


def test_a_run_brings_classes_together_and_stays_on_the_sphere() -> None:
    run = animate_loss("supervised_contrastive")
    assert run.points.shape == (FRAMES, CLASSES * PER_CLASS, 3) and run.proxies.shape == (FRAMES, 0, 3)
    assert np.abs(np.linalg.norm(run.points, axis=2) - 100).max() < 1.5
    assert run.within[0] < 0.4 < 0.95 < run.within[-1] and run.between[-1] < run.between[0]


def test_proxies_are_recorded_with_their_points() -> None:
    assert animate_loss("proxy_anchor").proxies.shape == (FRAMES, CLASSES, 3)


def test_an_unknown_loss_is_named() -> None:
    with pytest.raises(UnknownLossError, match="no loss named 'nothing'"):
        animate_loss("nothing")


def test_the_command_writes_a_small_file_of_every_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "mlcore.losses.loss_animation.LOSSES", {name: LOSSES[name] for name in ("contrastive", "cos_face")}
    )
    assert main(["animations", "--out", str(tmp_path)]) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["contrastive.json", "cos_face.json"]
    assert write_animations(tmp_path) == ["contrastive", "cos_face"], "again, over the first"


def test_stored_runs_are_of_losses_of_the_table_and_small() -> None:
    assert {file.stem for file in STORED.glob("*.json")} <= set(LOSSES)
    assert sum(file.stat().st_size for file in STORED.iterdir()) < 150_000
