"""Searching by picture."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given, key, keys, opened
from kindred_client.batch_search import as_form, search_many
from kindred_client.downloads import Download
from kindred_client.errors import Problem
from kindred_client.pages import Pages
from kindred_client.tables import Table

Box = Sequence[float]  # left, top, right, bottom, 0 to 1
Filters = Mapping[str, Any]


class Searches(Resource):
    """One's own searches."""

    def list(
        self,
        *,
        saved: bool | None = None,
        root: Ref | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.SearchesList]:
        """List one's searches; `root`: only refinements of that search."""
        query = given(saved=saved, root=None if root is None else key(root), limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("searches.list", response_types.SearchesList, query=query)

    def create(
        self,
        *,
        datasets: Iterable[Ref],
        file: str | Path | None = None,
        image_id: Ref | None = None,
        image_url: str | None = None,
        models: Iterable[Ref] = (),
        default_models: bool = False,
        k: int | None = None,
        box: Box | None = None,
        threshold: float | None = None,
        filters: Filters | None = None,
        exclude_self: bool = True,
    ) -> response_types.SearchesCreate:
        """Search for the pictures most similar to one: a local file, a picture of a data set, or one at a URL.

        models: default all that have an index; with `default_models` those that the search page takes.
        k: results per model, default 12. box: left, top, right, bottom of the searched part, 0 to 1. threshold: the
        minimum similarity, -1 to 1. filters: {"splits": [...], "classes": [...]}.
        """
        body = search_options(
            datasets,
            models,
            default_models=default_models,
            k=k,
            box=box,
            threshold=threshold,
            filters=filters,
            exclude_self=exclude_self,
        )
        body |= given(image_id=None if image_id is None else key(image_id), image_url=image_url)
        if file is None:
            return self._api.call("searches.create", response_types.SearchesCreate, json=body)
        with ExitStack() as stack:
            part = opened("file", file, stack)
            return self._api.call("searches.create", response_types.SearchesCreate, data=as_form(body), files=[part])

    def batch(self, searches: Sequence[Mapping[str, Any]]) -> response_types.SearchesBatch:
        """Run at most 50 searches at once, each as the API takes it; `many` takes any number, and files."""
        return self._api.call("searches.batch", response_types.SearchesBatch, json={"searches": [*searches]})

    def many(
        self,
        pictures: Iterable[str | Path | int | Mapping[str, object]],
        *,
        datasets: Iterable[Ref],
        models: Iterable[Ref] = (),
        default_models: bool = False,
        k: int | None = None,
        box: Box | None = None,
        threshold: float | None = None,
        filters: Filters | None = None,
        exclude_self: bool = True,
        workers: int = 4,
        total: int | None = None,
    ) -> Iterator["response_types.SearchesCreate | Problem"]:
        """Search with thousands of pictures: yield each one's search in their order, or its Problem in its place.

        pictures: paths of files, ids of images (or objects with an id), URLs; read one batch at a time.
        total: their number, for the progress bar, where `pictures` has no length.

        Raises:
            Problem: no search is possible (a wrong token, an unknown data set).
        """
        body = search_options(
            datasets,
            models,
            default_models=default_models,
            k=k,
            box=box,
            threshold=threshold,
            filters=filters,
            exclude_self=exclude_self,
        )
        return search_many(self._api, pictures, body, workers=workers, total=total)

    def get(self, search: Ref, *, fields: Fields = ()) -> response_types.SearchesGet:
        return self._api.call("searches.get", response_types.SearchesGet, search, query=given(fields=fields))

    def update(self, search: Ref, *, name: str, if_match: str = "") -> response_types.SearchesUpdate:
        """Save it under a name; "" removes it from saved."""
        return self._api.call(
            "searches.update", response_types.SearchesUpdate, search, json={"name": name}, if_match=if_match
        )

    def delete(self, search: Ref, *, if_match: str = "") -> None:
        """Delete a search; a first search with its refinements. `restore` undoes it for a minute."""
        self._api.call("searches.delete", dict, search, if_match=if_match)

    def restore(self, search: Ref, *, if_match: str = "") -> response_types.SearchesRestore:
        """Restore a search within a minute after its deletion."""
        return self._api.call("searches.restore", response_types.SearchesRestore, search, if_match=if_match)

    def refine(
        self,
        search: Ref,
        *,
        more_like: Iterable[Ref] | None = None,
        less_like: Iterable[Ref] | None = None,
        datasets: Iterable[Ref] = (),
        models: Iterable[Ref] = (),
        k: int | None = None,
        box: Box | None = None,
        threshold: float | None = None,
        filters: Filters | None = None,
    ) -> response_types.SearchesRefine:
        """Search again, for more like some results and less like others.

        An option that is not given stays as it was; an empty list for `more_like` or `less_like` removes it.
        """
        body = given(
            more_like=None if more_like is None else keys(more_like),
            less_like=None if less_like is None else keys(less_like),
            datasets=keys(datasets) or None,
            models=keys(models) or None,
            k=k,
            box=None if box is None else [*box],
            threshold=threshold,
            filters=filters,
        )
        return self._api.call("searches.refine", response_types.SearchesRefine, search, json=body)

    def prediction(self, search: Ref) -> response_types.SearchesPrediction:
        """Return the class that each model's nearest neighbours predict, with its confidence."""
        return self._api.call("searches.prediction", response_types.SearchesPrediction, search)

    def explanation(self, search: Ref, ranking: Ref, image: Ref) -> response_types.SearchesExplanation:
        """Return which cells of query and result contribute to their similarity."""
        return self._api.call("searches.explanation", response_types.SearchesExplanation, search, ranking, image)

    def file(self, search: Ref, suffix: str) -> Download:
        """Return the results as a file: csv, json or zip."""
        return self._api.download("searches.file", search, suffix)

    def share(self, search: Ref, *, if_match: str = "") -> response_types.SearchesShare:
        """Create the link with which anybody can see the search."""
        return self._api.call("searches.share", response_types.SearchesShare, search, if_match=if_match)

    def unshare(self, search: Ref, *, if_match: str = "") -> response_types.SearchesUnshare:
        """Revoke the link."""
        return self._api.call("searches.unshare", response_types.SearchesUnshare, search, if_match=if_match)

    def shared(
        self,
        *,
        dataset: Ref | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.SearchesShared]:
        """List everybody's share links, or those into one data set; for curators."""
        found = None if dataset is None else key(dataset)
        query = given(dataset=found, limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("searches.shared", response_types.SearchesShared, query=query)

    def shared_link(self, search: Ref, *, fields: Fields = ()) -> response_types.SearchesSharedLink:
        """Return somebody's share link; for curators."""
        return self._api.call(
            "searches.shared_link", response_types.SearchesSharedLink, search, query=given(fields=fields)
        )

    def revoke_link(self, search: Ref, *, if_match: str = "") -> None:
        """Revoke somebody's share link; for curators."""
        self._api.call("searches.revoke_link", dict, search, if_match=if_match)


def search_options(
    datasets: Iterable[Ref],
    models: Iterable[Ref],
    *,
    default_models: bool = False,
    k: int | None,
    box: Box | None,
    threshold: float | None,
    filters: Filters | None,
    exclude_self: bool,
) -> dict[str, Any]:
    """Return the body of a search without its picture."""
    body = {"datasets": keys(datasets), "exclude_self": exclude_self}
    body |= given(
        models=keys(models) or None, default_models=default_models or None, k=k, box=None if box is None else [*box]
    )
    return body | given(threshold=threshold, filters=filters)


def result_rows(search: Mapping[str, Any]) -> Table:
    """Return a search's results as one table: a row for each model and rank."""
    return Table(
        {"search": search["id"], "model": column["model"], "model_name": column["model_name"], **result}
        for column in search["columns"]
        for result in column["results"]
    )
