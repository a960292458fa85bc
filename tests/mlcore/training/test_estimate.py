from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlcore.errors import CheckpointError
from mlcore.losses import LOSSES
from mlcore.training.estimate import StepTimes, step_times_file
from tests.mlcore.tiny import head_protocol, tiny_protocol

RATES = StepTimes(
    pictures=100,
    load=10.0,
    decode=0.1,
    feature=0.05,
    head_start=3.0,
    step=2.0,
    resting_step=1.0,
    epoch=0.5,
    measure=4.0,
    duplicates=1.5,
    index=6.0,
    steps={"random": 7, "balanced": 5},
    losses={**dict.fromkeys(LOSSES, 1.0), "soft_triple": 0.25, "multi_similarity": 0.5},
    pixels="pixels-96",
    features={"average": "features-a", "average+max": "features-am"},
)


def test_a_training_is_its_start_its_steps_its_epochs_and_what_follows() -> None:
    seconds = RATES.of_run(tiny_protocol(epochs=3, warmup_epochs=1), "multi_similarity")
    steps = 5 * (1 * 1.0 + 2 * 2.0 + 3 * 0.5)
    assert seconds == pytest.approx(10 + steps + 3 * 0.5 + 100 * 0.05 + 4 + 6)


def test_a_loss_with_another_sampler_has_its_own_number_of_steps() -> None:
    protocol = tiny_protocol(epochs=1, warmup_epochs=0)
    difference = RATES.of_run(protocol, "soft_triple") - RATES.of_run(protocol, "multi_similarity")
    assert difference == pytest.approx(7 * (2 + 0.25) - 5 * (2 + 0.5))


def test_a_head_neither_rests_nor_embeds_with_the_network() -> None:
    seconds = RATES.of_run(head_protocol(epochs=2), "multi_similarity")
    assert seconds == pytest.approx(10 + 5 * 2 * (2.0 + 0.5) + 2 * 0.5 + 3 + 4 + 6)


def test_a_row_that_is_not_trained_costs_no_step() -> None:
    assert RATES.of_run(tiny_protocol(epochs=50), "untrained") == 10 + 4 + 6


def test_what_the_cache_holds_is_not_reckoned(tmp_path: Path) -> None:
    protocol, both = tiny_protocol(), ("untrained", "soft_triple")
    assert RATES.once(protocol, both, tmp_path) == pytest.approx(100 * 0.1 + 1.5 + 100 * 0.05)
    (tmp_path / "pixels-96").mkdir()
    assert RATES.once(protocol, ("soft_triple",), tmp_path) == 0
    assert RATES.once(head_protocol(pooling="average+max"), both, tmp_path) == pytest.approx(2 * 100 * 0.05)


def test_rates_are_kept_by_data_and_protocol_whatever_its_name_and_epochs(tmp_path: Path) -> None:
    file = step_times_file(tmp_path, "print", tiny_protocol(epochs=3))
    assert file == step_times_file(tmp_path, "print", replace(tiny_protocol(epochs=9), name="other"))
    others: list[Any] = [("else", tiny_protocol()), ("print", tiny_protocol(dim=8))]
    assert all(step_times_file(tmp_path, *other) != file for other in others)
    assert step_times_file(tmp_path, "print", tiny_protocol(), "own.safetensors") != file


def test_rates_come_back_as_stored_and_another_versions_are_refused() -> None:
    assert StepTimes.from_json(RATES.to_json()) == RATES
    with pytest.raises(CheckpointError, match="measure again"):
        StepTimes.from_json({"pictures": 1})
