"""Tuning of a loss: its trials in a child process, then its tuned runs."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

from django.conf import settings
from django.db import transaction

from accounts.models import User
from config import places
from jobs.children import run_child
from jobs.context import JobContext
from jobs.errors import JobFailed
from mlcore.artifacts import read_json, write_json
from mlcore.comparison.plan import Tuning as Budget
from mlcore.comparison.report.tuning_section import held_out_text, searched_title, tuned_values
from mlcore.comparison.search_space import last_edges
from mlcore.comparison.tuning_state import Trial, best_of, current_state, rates_of
from mlcore.errors import ComparisonError
from mlcore.losses import stored_params
from retrieval.datasets.services.catalogue import catalogue_with_pictures
from retrieval.experiments.services.starting import submit_training
from retrieval.experiments.services.weights import weights_place
from retrieval.models import Experiment, Run, Tuning
from retrieval.registry.services.legend import loss_titles


def run_tune_job(context: JobContext, tuning: int) -> Mapping[str, object]:
    """Do the remaining trials of a loss, then queue its tuned runs. Safe to run again.

    Finished trials are kept in the row, whatever ends the attempt.
    """
    row = Tuning.objects.select_related("experiment__dataset").filter(pk=tuning).first()
    if row is None:
        raise JobFailed("its experiment was deleted; start another one")
    if row.done < row.experiment.trials:
        _tune_in_child(context, row)
        row.refresh_from_db()
    context.check()
    best = best_of(current_state(row.trials), row.loss)
    owner = User.objects.filter(pk=context.asked_by_id).first() if context.asked_by_id else None
    runs = _queue_tuned_runs(row, best, owner)
    return {"tuning": row.pk, "map_at_r": best["map_at_r"], "runs": [run.pk for run in runs]}


def _tune_in_child(context: JobContext, row: Tuning) -> None:
    scratch, total = context.adopt_scratch(), row.experiment.trials
    file = scratch / "comparison" / "tuning" / f"{row.loss}.json"
    if row.trials and not file.exists():  # the sweep clears old scratch folders away
        file.parent.mkdir(parents=True)
        write_json(file, row.trials)
    context.progress("trials", row.done, total)
    row.experiment.dataset, _ = catalogue_with_pictures(row.experiment.dataset_id, context.progress)

    def hear(event: Mapping[str, Any]) -> None:
        if event["event"] == "trial":
            context.progress("trials", event["done"], total)
            context.check()
            if row.experiment.weights:
                weights_place(row.experiment.weights)  # the next trial reads it: the copy stays
            Tuning.objects.filter(pk=row.pk).update(trials=read_json(file))
        elif event["event"] == "progress":
            context.say(f"{event['trial']}: {event['phase']} {event['done']} of {event['total']}")

    run_child(_command(row, scratch), on_event=hear, should_stop=context.should_stop, cwd=settings.BASE_DIR)


def _command(row: Tuning, scratch: Path) -> list[str]:
    experiment, file = row.experiment, scratch / "comparison.json"
    untuned = experiment.runs.filter(loss=row.loss, tuned=False)
    budget = asdict(Budget.from_json(experiment.tuning or {}))
    values = {"name": experiment.name, "protocol": experiment.protocol, "tuning": budget}
    write_json(file, {**values, "losses": {row.loss: untuned[0].params}, "seeds": [untuned[0].seed]})
    command = [sys.executable, "-m", "mlcore", "tune", str(file), "--loss", row.loss, "--events", "jsonl", "--child"]
    command += ["--data", str(experiment.dataset.folder), "--cache", str(places.cache())]
    command += ["--out", str(scratch / "comparison")]
    if experiment.weights:
        command += ["--weights", str(weights_place(experiment.weights))]
    return command


@transaction.atomic
def _queue_tuned_runs(row: Tuning, best: Trial, by: User | None) -> list[Run]:
    """Store a tuned run beside each untuned one of the loss and queue those that have no job yet."""
    runs = []
    for untuned in row.experiment.runs.filter(loss=row.loss, tuned=False):
        run, is_new = Run.objects.get_or_create(
            experiment=row.experiment,
            loss=row.loss,
            seed=untuned.seed,
            fold=untuned.fold,
            tuned=True,
            defaults={"params": stored_params(row.loss, best["params"]), "changes": rates_of(best)},
        )
        if is_new:
            submit_training(run, by=by)
        runs.append(run)
    return runs


class TuningRow(TypedDict):
    """A tuning as pages show it: MAP@R of the untuned and the best trial so far, and the best one's values.

    at_edge: which of them lie at an edge of their range, in words; "" if none does.
    """

    tuning: Tuning
    title: str
    untuned: float | None
    best: float | None
    values: str
    at_edge: str


def measured_on(experiment: Experiment) -> str:
    """Return what the trials of a tuned experiment are measured on, in words; "" without tuning."""
    return held_out_text(experiment.protocol, experiment.tuning) if experiment.tuning else ""


def tunings_of(experiment: Experiment) -> list[TuningRow]:
    """Return the tunings of an experiment as pages show them."""
    titles = loss_titles()
    return [
        _tuning_row(row, titles.get(row.loss, row.loss))
        for row in experiment.tunings.select_related("job", "experiment")
    ]


def _tuning_row(row: Tuning, title: str) -> TuningRow:
    shown: TuningRow = {"tuning": row, "title": title, "untuned": None, "best": None, "values": "", "at_edge": ""}
    if row.done:
        state = current_state(row.trials)
        shown["untuned"] = state["measured"][0]["map_at_r"]
        try:
            best = best_of(state, row.loss)
        except ComparisonError:  # so far no trial's loss was finite
            return shown
        shown["best"], shown["values"] = best["map_at_r"], tuned_values(best)
        shown["at_edge"] = ", ".join(map(searched_title, last_edges(state, row.loss, best)))
    return shown
