"""The runner of a comparison: resumable, and shared by as many processes as work on its folder."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from mlcore.artifacts import read_json, write_json
from mlcore.comparison.folds import join_folds
from mlcore.comparison.plan import Cell, Comparison
from mlcore.comparison.tuning import tune
from mlcore.comparison.tuning_state import best_of, current_state
from mlcore.comparison.workspace import ComparisonWorkspace, EventCallback, claimed, store_plan
from mlcore.errors import MlcoreError, Stopped

WAIT_SECONDS = 1.0


def run_comparison(
    workspace: ComparisonWorkspace,
    comparison: Comparison,
    *,
    on_event: EventCallback = lambda name, event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, int]:
    """Do every cell that is not done; return how many are {"done", "failed"} at the end.

    Several processes may do this on one folder: a lock that dies with its process says who has a cell. A
    finished cell is never run again; an interrupted one resumes after its last epoch; a failed one leaves
    its error, lets the others go on, and is tried again by the next call.

    Raises:
        Stopped: `should_stop` said so; calling again resumes.
        ComparisonError: the folder holds another comparison.
    """
    workspace.folder.mkdir(parents=True, exist_ok=True)
    comparison = store_plan(workspace, comparison)
    for folder in ("cells", "tuning", "locks"):
        (workspace.folder / folder).mkdir(exist_ok=True)
    runner = CellRunner(workspace, comparison, on_event, should_stop)
    while runner.run_free_cells():
        time.sleep(WAIT_SECONDS)  # what is left is in other processes' hands
    cells = comparison.cells()
    done = {cell: workspace.cell(cell) for cell in cells if workspace.cell(cell).exists()}
    join_folds(workspace.dataset, comparison, done, workspace.folder / "cells")
    return {"done": len(done), "failed": sum(workspace.error(cell).exists() for cell in cells)}


class CellRunner:
    """One process's share of a comparison."""

    def __init__(
        self,
        workspace: ComparisonWorkspace,
        comparison: Comparison,
        on_event: EventCallback,
        should_stop: Callable[[], bool],
    ) -> None:
        self.workspace, self.comparison = workspace, comparison
        self.on_event, self.should_stop = on_event, should_stop
        self.failed: set[str] = set()

    def run_free_cells(self) -> bool:
        """Do all that is free to be done; say whether something is left in others' hands."""
        busy = False
        for cell in self.comparison.cells():
            if self.should_stop():
                raise Stopped("stopped by a signal; run the same command again to resume")
            if self.workspace.cell(cell).exists() or cell.name in self.failed:
                continue
            with claimed(self.workspace.folder / "locks" / f"{cell.name}.lock") as mine:
                if not mine:
                    busy = True
                elif not self.workspace.cell(cell).exists():
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
            self.workspace.error(cell).unlink(missing_ok=True)
        return True

    def _tuned(self, loss: str) -> Mapping[str, Any] | None:
        """Return what the tuning of a loss found, after doing it if nobody else is."""
        with claimed(self.workspace.folder / "locks" / f"tune-{loss}.lock") as mine:
            if not mine:
                return None
            tune(self.workspace, self.comparison, loss, on_event=self.on_event, should_stop=self.should_stop)
        return best_of(current_state(read_json(self.workspace.tuning(loss))), loss)

    def _train(self, cell: Cell, found: Mapping[str, Any]) -> None:
        from mlcore.training.train import RunPaths, TrainingCallbacks, train  # torch takes seconds to import

        workspace = self.workspace
        train(
            self.comparison.spec_of(cell, found),
            workspace.dataset,
            RunPaths(workspace.cell(cell), workspace.folder / "work" / cell.name, workspace.cache),
            weights=None if self.comparison.protocol.weights == "scratch" else workspace.weights,
            callbacks=TrainingCallbacks(lambda event: self.on_event(cell.name, event), self.should_stop),
        )

    def _fail(self, cell: Cell, message: str) -> None:
        self.failed.add(cell.name)
        write_json(self.workspace.error(cell), {"error": message})
        self.on_event(cell.name, {"event": "error", "message": message})
