"""Searching by picture."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from kindred_client import answers
from kindred_client.api import Fields, Ref, given, key, keys
from kindred_client.batch_search import as_form, search_many
from kindred_client.downloads import Download
from kindred_client.errors import Problem
from kindred_client.files import opened
from kindred_client.pages import Pages
from kindred_client.resources.base import Resource
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
    ) -> Pages[answers.SearchesList]:
        """List one's searches; `root`: those that were refined from that one."""
        query = given(saved=saved, root=None if root is None else key(root), limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("searches.list", answers.SearchesList, query=query)

    def create(
        self,
        *,
        datasets: Iterable[Ref],
        file: str | Path | None = None,
        image_id: Ref | None = None,
        image_url: str | None = None,
        models: Iterable[Ref] = (),
        k: int | None = None,
        box: Box | None = None,
        threshold: float | None = None,
        filters: Filters | None = None,
        exclude_self: bool = True,
    ) -> answers.SearchesCreate:
        """Ask for the pictures most like one: a file here, a picture of a data set, or one at a web address.

        box: left, top, right, bottom of what to look at, 0 to 1. filters: {"splits": [...], "classes": [...]}.
        """
        body = terms(datasets, models, k=k, box=box, threshold=threshold, filters=filters, exclude_self=exclude_self)
        body |= given(image_id=None if image_id is None else key(image_id), image_url=image_url)
        if file is None:
            return self._api.call("searches.create", answers.SearchesCreate, json=body)
        with ExitStack() as stack:
            part = opened("file", file, stack)
            return self._api.call("searches.create", answers.SearchesCreate, data=as_form(body), files=[part])

    def batch(self, searches: Sequence[Mapping[str, Any]]) -> answers.SearchesBatch:
        """Ask at most 50 searches at once, each as the API takes it; `many` asks any number, of files as well."""
        return self._api.call("searches.batch", answers.SearchesBatch, json={"searches": [*searches]})

    def many(
        self,
        pictures: Iterable[str | Path | int | Mapping[str, object]],
        *,
        datasets: Iterable[Ref],
        models: Iterable[Ref] = (),
        k: int | None = None,
        box: Box | None = None,
        threshold: float | None = None,
        filters: Filters | None = None,
        exclude_self: bool = True,
        workers: int = 4,
        total: int | None = None,
    ) -> Iterator["answers.SearchesCreate | Problem"]:
        """Search with thousands of pictures: yield each one's search in their order, or its Problem in its place.

        pictures: paths of files, ids of pictures (or answers that have one), web addresses; read as far as needed.
        total: how many they are, for the bar, where that cannot be seen.

        Raises:
            Problem: nothing of it can be asked (a wrong token, an unknown data set).
        """
        body = terms(datasets, models, k=k, box=box, threshold=threshold, filters=filters, exclude_self=exclude_self)
        return search_many(self._api, pictures, body, workers=workers, total=total)

    def get(self, search: Ref, *, fields: Fields = ()) -> answers.SearchesGet:
        return self._api.call("searches.get", answers.SearchesGet, search, query=given(fields=fields))

    def update(self, search: Ref, *, name: str, if_match: str = "") -> answers.SearchesUpdate:
        """Save it under a name; "" un-saves it."""
        return self._api.call("searches.update", answers.SearchesUpdate, search, json={"name": name}, if_match=if_match)

    def delete(self, search: Ref, *, if_match: str = "") -> None:
        self._api.call("searches.delete", dict, search, if_match=if_match)

    def refine(
        self,
        search: Ref,
        *,
        more: Iterable[Ref] | None = None,
        less: Iterable[Ref] | None = None,
        datasets: Iterable[Ref] = (),
        models: Iterable[Ref] = (),
        k: int | None = None,
        box: Box | None = None,
        threshold: float | None = None,
        filters: Filters | None = None,
    ) -> answers.SearchesRefine:
        """Ask again, for more like some answers and less like others.

        What is not given stays as it was; no pictures for `more` or `less`, an empty list, take those away.
        """
        wanted = given(k=k, box=None if box is None else [*box], threshold=threshold, filters=filters)
        chosen = given(datasets=keys(datasets) or None, models=keys(models) or None)
        moved = given(more=None if more is None else keys(more), less=None if less is None else keys(less))
        body = {**moved, **chosen, **wanted}
        return self._api.call("searches.refine", answers.SearchesRefine, search, json=body)

    def verdict(self, search: Ref) -> answers.SearchesVerdict:
        """Return what the neighbours vote that it is."""
        return self._api.call("searches.verdict", answers.SearchesVerdict, search)

    def why(self, search: Ref, ranking: Ref, image: Ref) -> answers.SearchesWhy:
        """Return which places of query and answer made their similarity."""
        return self._api.call("searches.why", answers.SearchesWhy, search, ranking, image)

    def file(self, search: Ref, suffix: str) -> Download:
        """Return the answers as a file: csv, json or zip."""
        return self._api.download("searches.file", search, suffix)

    def share(self, search: Ref, *, if_match: str = "") -> answers.SearchesShare:
        """Make the link by which anybody may see it."""
        return self._api.call("searches.share", answers.SearchesShare, search, if_match=if_match)

    def unshare(self, search: Ref, *, if_match: str = "") -> answers.SearchesUnshare:
        """Revoke the link."""
        return self._api.call("searches.unshare", answers.SearchesUnshare, search, if_match=if_match)

    def shared(
        self,
        *,
        dataset: Ref | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[answers.SearchesShared]:
        """List everybody's share links, or those into one data set; for curators."""
        found = None if dataset is None else key(dataset)
        query = given(dataset=found, limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("searches.shared", answers.SearchesShared, query=query)

    def shared_link(self, search: Ref, *, fields: Fields = ()) -> answers.SearchesSharedLink:
        """Return somebody's share link; for curators."""
        return self._api.call("searches.shared_link", answers.SearchesSharedLink, search, query=given(fields=fields))

    def revoke_link(self, search: Ref, *, if_match: str = "") -> None:
        """Revoke somebody's share link; for curators."""
        self._api.call("searches.revoke_link", dict, search, if_match=if_match)


def terms(
    datasets: Iterable[Ref],
    models: Iterable[Ref],
    *,
    k: int | None,
    box: Box | None,
    threshold: float | None,
    filters: Filters | None,
    exclude_self: bool,
) -> dict[str, Any]:
    """Return what is asked of a picture, whichever it is."""
    body = {"datasets": keys(datasets), "exclude_self": exclude_self}
    body |= given(models=keys(models) or None, k=k, box=None if box is None else [*box])
    return body | given(threshold=threshold, filters=filters)


def answer_rows(search: Mapping[str, Any]) -> Table:
    """Return a search's answers as one table: a row for each model and rank."""
    return Table(
        {"search": search["id"], "model": column["model"], "model_name": column["model_name"], **answer}
        for column in search["results"]
        for answer in column["answers"]
    )
