"""Runs: one loss, one seed, one fold."""

from collections.abc import Iterable

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given, key, keys
from kindred_client.pages import Pages


class Runs(Resource):
    """Trainings, for curators."""

    def list(
        self,
        *,
        experiment: Ref | None = None,
        dataset: Ref | None = None,
        loss: str | None = None,
        state: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.RunsList]:
        query = given(
            experiment=None if experiment is None else key(experiment),
            dataset=None if dataset is None else key(dataset),
            loss=loss,
            state=state,
            limit=limit,
            cursor=cursor,
            fields=fields,
        )
        return self._api.pages("runs.list", response_types.RunsList, query=query)

    def get(self, run: Ref, *, fields: Fields = ()) -> response_types.RunsGet:
        return self._api.call("runs.get", response_types.RunsGet, run, query=given(fields=fields))

    def delete(self, run: Ref, *, if_match: str = "") -> response_types.RunsDelete:
        """Start deleting it with its model; a conflict while ratings or marks refer to results."""
        return self._api.call("runs.delete", response_types.RunsDelete, run, if_match=if_match)

    def curves(self, run: Ref) -> response_types.RunsCurves:
        """Return the curves: values after each epoch."""
        return self._api.call("runs.curves", response_types.RunsCurves, run)

    def log(self, run: Ref) -> response_types.RunsLog:
        """Return the last lines of its log."""
        return self._api.call("runs.log", response_types.RunsLog, run)

    def compare(self, run: Iterable[Ref]) -> response_types.RunsCompare:
        """Return runs side by side, with the statistical tests if `test` has finished."""
        return self._api.call("runs.compare", response_types.RunsCompare, query={"run": keys(run)})

    def test(self, runs: Iterable[Ref]) -> response_types.RunsTest:
        """Start paired tests between runs."""
        return self._api.call("runs.test", response_types.RunsTest, json={"runs": keys(runs)})
