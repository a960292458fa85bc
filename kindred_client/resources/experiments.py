"""Experiments: one protocol, many losses."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from kindred_client import response_types
from kindred_client.api import Answer, Fields, Ref, Resource, given, key, keys
from kindred_client.comparing import wait_for_runs
from kindred_client.downloads import Download
from kindred_client.pages import Pages
from kindred_client.waiting import wait_for


class Experiments(Resource):
    """Experiments, for curators."""

    def list(
        self,
        *,
        dataset: Ref | None = None,
        archived: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.ExperimentsList]:
        """List experiments; the archived ones only with archived=True."""
        query = given(
            dataset=None if dataset is None else key(dataset),
            archived=archived,
            limit=limit,
            cursor=cursor,
            fields=fields,
        )
        return self._api.pages("experiments.list", response_types.ExperimentsList, query=query)

    def get(self, experiment: Ref, *, fields: Fields = ()) -> response_types.ExperimentsGet:
        return self._api.call("experiments.get", response_types.ExperimentsGet, experiment, query=given(fields=fields))

    def start(
        self,
        name: str,
        *,
        dataset: Ref,
        preset: str,
        losses: Sequence[str],
        changes: Mapping[str, Any] | None = None,
        params: Mapping[str, Mapping[str, Any]] | None = None,
        seeds: Sequence[int] = (0,),
        weights: str = "",
        trials: int = 0,
        validation_classes: int = 0,
        tuning_folds: int | None = None,
        publish: bool = False,
    ) -> response_types.ExperimentsStart:
        """Start an experiment: one run per loss and seed.

        changes: fields of the preset to change; params: parameters by loss; trials: tuning trials per loss.
        tuning_folds: class folds that each trial is measured on; default 3, or one split with validation_classes.
        publish: publish each model as soon as its index is built; else publish it after a look.
        """
        body = {
            **plan(dataset, preset, losses, seeds),
            **refined(changes, params, weights=weights, trials=trials, validation_classes=validation_classes),
            **given(tuning_folds=tuning_folds),
        }
        named = {"name": name, "publish": publish}
        return self._api.call("experiments.start", response_types.ExperimentsStart, json={**named, **body})

    def estimate(
        self,
        *,
        dataset: Ref,
        preset: str,
        losses: Sequence[str],
        changes: Mapping[str, Any] | None = None,
        params: Mapping[str, Mapping[str, Any]] | None = None,
        seeds: Sequence[int] = (0,),
        weights: str = "",
        trials: int = 0,
        validation_classes: int = 0,
        tuning_folds: int | None = None,
    ) -> response_types.ExperimentsEstimate:
        """Return the estimated seconds, or a job that measures the speed first: wait for it and repeat the call."""
        body = {
            **plan(dataset, preset, losses, seeds),
            **refined(changes, params, weights=weights, trials=trials, validation_classes=validation_classes),
            **given(tuning_folds=tuning_folds),
        }
        return cast(response_types.ExperimentsEstimate, self._api.call("experiments.estimate", Answer, json=body))

    def wait(self, experiment: Ref, *, timeout: float | None = None) -> Mapping[str, Any]:
        """Wait until every run has succeeded and its model can be searched with; return the experiment.

        Raises:
            JobFailed: all have ended, and not all succeeded.
            WaitTimeout: `timeout` seconds were not enough; the runs go on.
        """
        return wait_for_runs(self._api, experiment, timeout=timeout)

    def compare(
        self,
        losses: Sequence[str],
        dataset: Ref,
        preset: str,
        seeds: Sequence[int] = (0,),
        *,
        name: str = "",
        timeout: float | None = None,
        **more: Any,
    ) -> response_types.ExperimentsReport:
        """Train the losses, wait for all of them, and return the report.

        `more`: further arguments of `start`. `timeout`: seconds to wait for the runs; they continue after it.

        Raises:
            JobFailed: a run failed or was cancelled; the others have ended, too.
        """
        named = name or f"{', '.join(losses)} on data set {key(dataset)}"[:120]
        experiment = self.start(named, dataset=dataset, preset=preset, losses=losses, seeds=seeds, **more)
        self.wait(experiment, timeout=timeout)
        wait_for(self._api, self.make_report(experiment))
        return self.report(experiment)

    def cancel(self, experiment: Ref, *, if_match: str = "") -> response_types.ExperimentsCancel:
        """Cancel its queued and running jobs."""
        return self._api.call("experiments.cancel", response_types.ExperimentsCancel, experiment, if_match=if_match)

    def delete(self, experiment: Ref, *, if_match: str = "") -> response_types.ExperimentsDelete:
        """Start deleting it with its runs, models and report; a conflict while ratings or marks refer to results."""
        return self._api.call("experiments.delete", response_types.ExperimentsDelete, experiment, if_match=if_match)

    def archive(self, experiment: Ref, *, if_match: str = "") -> response_types.ExperimentsArchive:
        """Archive it: models are unpublished, lists leave it out, results stay."""
        return self._api.call("experiments.archive", response_types.ExperimentsArchive, experiment, if_match=if_match)

    def restore(self, experiment: Ref, *, if_match: str = "") -> response_types.ExperimentsRestore:
        """Restore an archived experiment; its models stay unpublished."""
        return self._api.call("experiments.restore", response_types.ExperimentsRestore, experiment, if_match=if_match)

    def report(self, experiment: Ref) -> response_types.ExperimentsReport:
        """Return the newest report."""
        return self._api.call("experiments.report", response_types.ExperimentsReport, experiment)

    def make_report(
        self, experiment: Ref, *, external_models: Iterable[Ref] = ()
    ) -> response_types.ExperimentsMakeReport:
        """Start the job that creates the report; `external_models` are included as rows."""
        body = {"external_models": keys(external_models)}
        return self._api.call("experiments.make_report", response_types.ExperimentsMakeReport, experiment, json=body)

    def report_file(self, experiment: Ref, suffix: str) -> Download:
        """Download the newest report: html, md, tex, csv or json; or its chart for a slide: svg or png."""
        return self._api.download("experiments.report_file", experiment, suffix)


def plan(dataset: Ref, preset: str, losses: Sequence[str], seeds: Sequence[int]) -> dict[str, Any]:
    """Return the required fields of an experiment and of its estimate."""
    return {"dataset": key(dataset), "preset": preset, "losses": [*losses], "seeds": [*seeds]}


def refined(
    changes: Mapping[str, Any] | None, params: Mapping[str, Mapping[str, Any]] | None, **others: object
) -> dict[str, Any]:
    """Return the optional fields."""
    own = {loss: dict(values) for loss, values in (params or {}).items()}
    return {"changes": dict(changes or {}), "params": own, **others}
