import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mlcore.config import Protocol, ladder
from mlcore.datasets import DatasetFolder
from mlcore.errors import Stopped
from mlcore.losses import LOSSES
from mlcore.losses.nested import NestedLoss
from mlcore.runs import RunSpec
from mlcore.training import timing
from mlcore.training.timing import measure_step_times
from mlcore.training.train import train
from tests.mlcore.tiny import head_protocol, paths_in, tiny_protocol


@pytest.mark.parametrize("protocol", [tiny_protocol(), head_protocol()], ids=["network", "head"])
def test_a_probe_times_everything_and_leaves_nothing(protocol: Protocol, wings: DatasetFolder, tmp_path: Path) -> None:
    phases: list[str] = []
    rates = measure_step_times(
        protocol, wings, tmp_path / "cache", progress=lambda phase, done, total: phases.append(phase)
    )
    assert phases == ["load", "decode", "measure", "train"]
    assert set(rates.losses) == set(LOSSES) and all(seconds > 0 for seconds in rates.losses.values())
    assert min(rates.load, rates.decode, rates.feature, rates.epoch, rates.measure, rates.index) > 0
    assert rates.pictures == len(wings.pictures) and min(rates.steps.values()) >= 1
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_probe_stops_when_asked_and_leaves_nothing(wings: DatasetFolder, tmp_path: Path) -> None:
    def stop(phase: str, done: int, total: int) -> None:
        if phase == "train":
            raise Stopped("stopped")

    with pytest.raises(Stopped):
        measure_step_times(tiny_protocol(), wings, tmp_path / "cache", progress=stop)
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_losses_of_nested_training_are_timed_nested(
    wings: DatasetFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nested: set[tuple[str, tuple[int, ...]]] = set()
    forward = NestedLoss.forward

    def counting(loss: NestedLoss, *arguments: Any) -> Any:
        nested.add((type(loss.loss).__name__, loss.sizes))
        return forward(loss, *arguments)

    monkeypatch.setattr(NestedLoss, "forward", counting)
    protocol = head_protocol(nested_from=2)
    measure_step_times(protocol, wings, tmp_path / "cache")
    assert {found for _, found in nested} == {ladder(protocol.dim, 2)} and len(nested) == len(LOSSES)


@pytest.mark.parametrize(("rows", "seconds"), [(50, 0.25), (100, 1), (400, 16), (1000, 40)])
def test_further_metrics_are_reckoned_linear_where_queries_are_bounded(
    monkeypatch: pytest.MonkeyPatch, rows: int, seconds: float
) -> None:
    monkeypatch.setattr(timing, "_further", lambda data, dim, count: (count / 100) ** 2)
    monkeypatch.setattr(timing, "MOST_ROWS", 100)
    monkeypatch.setattr(timing, "MOST_QUERIES", 400)
    data: Any = SimpleNamespace(measured_rows=np.arange(rows))
    assert timing.seconds_of_further(data, 8) == pytest.approx(seconds)


@pytest.mark.learning
def test_a_training_takes_what_was_reckoned_within_a_factor_of_two(wings: DatasetFolder, tmp_path: Path) -> None:
    """Its neighbours on the machine may disturb either side, so the middle one of three tries counts."""
    protocol, factors = tiny_protocol(epochs=60, backbone="resnet10t", batch_size=16), []
    for attempt in range(3):
        cache = tmp_path / f"cache-{attempt}"
        rates = measure_step_times(protocol, wings, cache)
        promised = rates.of_run(protocol, "soft_triple") + rates.once(protocol, ["soft_triple"], cache) - rates.index
        begun = time.perf_counter()
        train(RunSpec(protocol=protocol, loss="soft_triple"), wings, paths_in(tmp_path, cache, f"run-{attempt}"))
        factors.append(promised / (time.perf_counter() - begun))
    assert 0.5 < sorted(factors)[1] < 2, factors
