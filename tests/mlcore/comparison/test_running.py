"""Cells are done once, by whoever is free, and a failed one lets the others go on."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlcore.artifacts import read_json, write_json
from mlcore.comparison.plan import Comparison, Tuning
from mlcore.comparison.running import run_comparison
from mlcore.comparison.workspace import ComparisonWorkspace, claimed
from mlcore.config import Protocol
from mlcore.datasets import DatasetFolder
from mlcore.errors import ComparisonError, Stopped
from tests.mlcore.tiny import head_protocol


def comparison(protocol: Protocol | None = None, **changes: Any) -> Comparison:
    fields: dict[str, Any] = {
        "name": "tiny",
        "protocol": protocol or head_protocol(epochs=2, dim=8),
        "losses": {"soft_triple": {}, "n_pairs": {}},
        "seeds": (0, 1),
    }
    return Comparison(**{**fields, **changes})


@pytest.fixture
def workspace(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> ComparisonWorkspace:
    return ComparisonWorkspace(tmp_path / "comparison", wings, None, cache_root)


def times_of(workspace: ComparisonWorkspace) -> dict[str, int]:
    """Return when each finished cell was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in workspace.folder.glob("cells/*/metrics.json")}


def stop_after(cells: int) -> tuple[Callable[[str, dict[str, Any]], None], Callable[[], bool]]:
    """Return a listener and a question that asks to stop once so many cells are measured."""
    finished: list[str] = []

    def hear(name: str, event: dict[str, Any]) -> None:
        if event["event"] == "metrics":
            finished.append(name)

    return hear, lambda: len(finished) >= cells


def test_a_comparison_goes_on_where_it_was_stopped_and_does_nothing_twice(workspace: ComparisonWorkspace) -> None:
    listen, should_stop = stop_after(3)
    with pytest.raises(Stopped, match="run the same command again"):
        run_comparison(workspace, comparison(), on_event=listen, should_stop=should_stop)
    before = times_of(workspace)
    assert list(before) and len(before) == 3
    assert run_comparison(workspace, comparison()) == {"done": 6, "failed": 0}
    after = times_of(workspace)
    assert set(after) == {cell.name for cell in comparison().cells()}
    assert {name: after[name] for name in before} == before
    assert run_comparison(workspace, comparison()) == {"done": 6, "failed": 0} and times_of(workspace) == after
    assert not any((workspace.folder / "work").iterdir())


def test_a_grown_comparison_keeps_its_finished_cells(workspace: ComparisonWorkspace) -> None:
    run_comparison(workspace, comparison(losses={"n_pairs": {}}, seeds=(0,)))
    before = times_of(workspace)
    assert run_comparison(workspace, comparison(seeds=(0, 1))) == {"done": 6, "failed": 0}
    assert {name: times_of(workspace)[name] for name in before} == before


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"protocol": head_protocol(epochs=3, dim=8)}, "another protocol; choose another folder"),
        ({"losses": {"n_pairs": {"scale": 3.0}}}, "n_pairs with other parameters; choose another folder"),
        ({"tuning": Tuning(trials=2, validation_classes=2)}, "another tuning; choose another folder"),
    ],
)
def test_another_comparison_never_joins_a_folder(
    workspace: ComparisonWorkspace, other: dict[str, Any], message: str
) -> None:
    one = {"losses": {"n_pairs": {}}, "seeds": (0,)}
    run_comparison(workspace, comparison(**one))
    with pytest.raises(ComparisonError, match=message):
        run_comparison(workspace, comparison(**{**one, **other}))
    with pytest.raises(ComparisonError, match="another dataset"):
        run_comparison(replace(workspace, dataset=replace(workspace.dataset, fingerprint="x")), comparison(**one))


def test_a_folder_older_than_a_field_of_the_protocol_goes_on(workspace: ComparisonWorkspace) -> None:
    one = comparison(losses={"n_pairs": {}}, seeds=(0,))
    run_comparison(workspace, one)
    stored, before = read_json(workspace.folder / "comparison.json"), times_of(workspace)
    del stored["protocol"]["memory"], stored["protocol"]["memory_warmup_epochs"], stored["losses"]["n_pairs"]["scale"]
    write_json(workspace.folder / "comparison.json", stored)
    with pytest.raises(ComparisonError, match="another protocol; choose another folder"):
        run_comparison(workspace, replace(one, protocol=one.protocol.with_changes(memory=8)))
    assert run_comparison(workspace, replace(one, seeds=(0, 1))) == {"done": 4, "failed": 0}
    assert {name: times_of(workspace)[name] for name in before} == before


def test_a_failed_cell_says_why_lets_the_others_go_on_and_is_tried_again(
    workspace: ComparisonWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlcore.losses.n_pairs import NPairsLoss

    with monkeypatch.context() as broken:
        broken.setattr(NPairsLoss, "forward", lambda self, embeddings, labels: embeddings.sum() * float("nan"))
        assert run_comparison(workspace, comparison(seeds=(0,))) == {"done": 3, "failed": 1}
    error = read_json(workspace.folder / "cells" / "n_pairs-s0.error.json")["error"]
    assert error.startswith("the loss became nan at epoch 1, step 1")
    assert run_comparison(workspace, comparison(seeds=(0,))) == {"done": 4, "failed": 0}


def test_a_cell_in_other_hands_is_left_to_them(workspace: ComparisonWorkspace) -> None:
    one = comparison(losses={"n_pairs": {}}, seeds=(0,))
    run_comparison(workspace, replace(one, seeds=(1,)))  # makes the folders
    waited: list[str] = []

    def should_stop() -> bool:
        waited.append("")
        return len(waited) > 8

    with claimed(workspace.folder / "locks" / "n_pairs-s0.lock") as mine:
        assert mine
        with pytest.raises(Stopped):
            run_comparison(workspace, replace(one, seeds=(0, 1)), should_stop=should_stop)
        assert not (workspace.folder / "cells" / "n_pairs-s0").exists()
    assert run_comparison(workspace, replace(one, seeds=(0, 1)))["done"] == 4


def test_folds_hold_classes_out_and_every_fold_is_a_cell(workspace: ComparisonWorkspace) -> None:
    folded = comparison(head_protocol(epochs=1, dim=8, folds=2), losses={"n_pairs": {}}, seeds=(0,))
    assert run_comparison(workspace, folded) == {"done": 4, "failed": 0}
    assert read_json(workspace.folder / "cells" / "n_pairs-s0-f1" / "model.json")["fold"] == 1


def test_two_processes_share_a_comparison(wings: DatasetFolder, tmp_path: Path, cache_root: Path) -> None:
    file = tmp_path / "asked.json"
    protocol = head_protocol(epochs=1, dim=8).to_json()
    asked = {"name": "shared", "protocol": protocol, "losses": ["n_pairs", "soft_triple"], "seeds": 2}
    write_json(file, asked)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "mlcore", "compare", str(file), "--data", str(wings.folder), "--out", str(out)]
    command += ["--cache", str(cache_root), "--workers", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert '"done": 6' in done.stdout and '"failed": 0' in done.stdout
    assert done.stderr.count("soft_triple-s1: Recall@1") == 1, "no cell is done twice"
