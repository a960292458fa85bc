"""Run every cell of a comparison: resumable, and shared by as many processes as work on its folder."""

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcore.artifacts import read_json, sha256_of_file, write_json
from mlcore.comparison.plan import Cell, Comparison
from mlcore.datasets import DatasetFolder
from mlcore.errors import ComparisonError, MlcoreError, Stopped

FORMAT = 1
PLAN = "comparison.json"
WAIT_SECONDS = 1.0
MAY_GROW = ("name", "losses", "seeds")


@dataclass(frozen=True)
class Bench:
    """What the cells of a comparison share: its folder, the data set, the weights, the cache of pixels."""

    folder: Path
    dataset: DatasetFolder
    weights: Path | None
    cache: Path

    def cell(self, cell: Cell) -> Path:
        """Return where the finished run of a cell lies."""
        return self.folder / "cells" / cell.name

    def error(self, cell: Cell) -> Path:
        """Return the file that says why a cell failed."""
        return self.folder / "cells" / f"{cell.name}.error.json"

    def tuning(self, loss: str) -> Path:
        """Return the file of a loss's trials."""
        return self.folder / "tuning" / f"{loss}.json"


Listen = Callable[[str, dict[str, Any]], None]
"""Called as listen(cell's name, event); the events are those of a training."""


def store_plan(bench: Bench, comparison: Comparison) -> None:
    """Write comparison.json, or check that the folder's own is of the same comparison.

    A comparison may grow by losses and seeds: finished cells are kept. Anything else that differs would
    put figures of two experiments into one table.

    Raises:
        ComparisonError: protocol, data, weights, tuning or a loss's parameters are not those of the folder.
    """
    about = {"name": bench.dataset.name, "fingerprint": bench.dataset.fingerprint}
    asked = plan_of(comparison, about, sha256_of_file(bench.weights) if bench.weights else "")
    file = bench.folder / PLAN
    if file.exists():
        _require_same(read_json(file), asked, bench.folder)
    write_json(file, asked)


def plan_of(comparison: Comparison, dataset: Mapping[str, str], weights_sha256: str) -> dict[str, Any]:
    """Return what comparison.json holds; dataset: its {"name", "fingerprint"}."""
    return {"format": FORMAT, **comparison.to_json(), "dataset": dict(dataset), "weights_sha256": weights_sha256}


def _require_same(stored: Mapping[str, Any], asked: Mapping[str, Any], folder: Path) -> None:
    # Parsed, for the folder may be older than a field of the protocol or a parameter of a loss.
    stored = {**stored, **Comparison.from_json(stored).to_json()}
    for key in sorted(asked.keys() - set(MAY_GROW)):
        if stored.get(key) != asked[key]:
            raise ComparisonError(f"{folder} holds a comparison with another {key}; choose another folder")
    for loss, params in stored["losses"].items():
        if asked["losses"].get(loss, params) != params:
            raise ComparisonError(f"{folder} holds {loss} with other parameters; choose another folder")


def run_comparison(
    bench: Bench,
    comparison: Comparison,
    *,
    listen: Listen = lambda name, event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, int]:
    """Do every cell that is not done; return how many are {"done", "failed"} at the end.

    Several processes may do this on one folder: a lock that dies with its process says who has a cell. A
    finished cell is never done again; an interrupted one goes on from its last epoch; a failed one leaves
    its error, lets the others go on, and is tried again by the next call.

    Raises:
        Stopped: as asked; calling again goes on.
        ComparisonError: the folder holds another comparison.
    """
    bench.folder.mkdir(parents=True, exist_ok=True)
    store_plan(bench, comparison)
    for folder in ("cells", "tuning", "locks"):
        (bench.folder / folder).mkdir(exist_ok=True)
    work = _Work(bench, comparison, listen, should_stop)
    while work.pass_over():
        time.sleep(WAIT_SECONDS)  # what is left is in other processes' hands
    from mlcore.comparison.folds import join_folds

    cells = comparison.cells()
    done = {cell: bench.cell(cell) for cell in cells if bench.cell(cell).exists()}
    join_folds(bench.dataset, comparison, done, bench.folder / "cells")
    return {"done": len(done), "failed": sum(bench.error(cell).exists() for cell in cells)}


def run_tuning(
    bench: Bench,
    comparison: Comparison,
    loss: str,
    *,
    listen: Listen = lambda name, event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Do the trials of one loss that are not done, and nothing else; return the values of its file.

    Raises:
        Stopped: as asked; calling again goes on.
        ComparisonError: the comparison tunes nothing or has no such loss, the folder holds another one, or
            another process is tuning this loss.
    """
    if loss not in comparison.losses:
        raise ComparisonError(f"{comparison.name} has no loss {loss!r}; it has {', '.join(comparison.losses)}")
    from mlcore.comparison.tuning import tune

    for folder in ("tuning", "locks"):
        (bench.folder / folder).mkdir(parents=True, exist_ok=True)
    store_plan(bench, comparison)
    with _claimed(bench.folder / "locks" / f"tune-{loss}.lock") as mine:
        if not mine:
            raise ComparisonError(f"another process is tuning {loss} in {bench.folder}; let it end")
        tune(bench, comparison, loss, listen=listen, should_stop=should_stop)
    state: dict[str, Any] = read_json(bench.tuning(loss))
    return state


class _Work:
    """One process's share of a comparison."""

    def __init__(self, bench: Bench, comparison: Comparison, listen: Listen, should_stop: Callable[[], bool]) -> None:
        self.bench, self.comparison = bench, comparison
        self.listen, self.should_stop = listen, should_stop
        self.failed: set[str] = set()

    def pass_over(self) -> bool:
        """Do all that is free to be done; say whether something is left in others' hands."""
        busy = False
        for cell in self.comparison.cells():
            if self.should_stop():
                raise Stopped("stopped as asked; the same command goes on")
            if self.bench.cell(cell).exists() or cell.name in self.failed:
                continue
            with _claimed(self.bench.folder / "locks" / f"{cell.name}.lock") as mine:
                if not mine:
                    busy = True
                elif not self.bench.cell(cell).exists():
                    busy |= not self._do(cell)
        return busy

    def _do(self, cell: Cell) -> bool:
        """Run a cell; return False when it waits for a tuning that another process does."""
        try:
            found = self._tuned(cell.loss) if cell.tuned else {}
            if found is None:
                return False
            self._train(cell, found)
        except Stopped:
            raise
        except MlcoreError as error:
            self._fail(cell, str(error))
        else:
            self.bench.error(cell).unlink(missing_ok=True)
        return True

    def _tuned(self, loss: str) -> Mapping[str, Any] | None:
        """Return what the tuning of a loss found, after doing it if nobody else is."""
        from mlcore.comparison.tuning import best_of, tune

        with _claimed(self.bench.folder / "locks" / f"tune-{loss}.lock") as mine:
            if not mine:
                return None
            tune(self.bench, self.comparison, loss, listen=self.listen, should_stop=self.should_stop)
        return best_of(read_json(self.bench.tuning(loss)), loss)

    def _train(self, cell: Cell, found: Mapping[str, Any]) -> None:
        from mlcore.training.train import RunPaths, TrainingCallbacks, train

        bench = self.bench
        train(
            self.comparison.spec_of(cell, found),
            bench.dataset,
            RunPaths(bench.cell(cell), bench.folder / "work" / cell.name, bench.cache),
            weights=None if self.comparison.protocol.weights == "scratch" else bench.weights,
            callbacks=TrainingCallbacks(lambda event: self.listen(cell.name, event), self.should_stop),
        )

    def _fail(self, cell: Cell, message: str) -> None:
        self.failed.add(cell.name)
        write_json(self.bench.error(cell), {"error": message})
        self.listen(cell.name, {"event": "error", "message": message})


@contextmanager
def _claimed(file: Path) -> Iterator[bool]:
    """Yield whether this process has the lock; the system takes it back from a process that dies."""
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
