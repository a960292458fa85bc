"""Data sets: import, changes, classes and pictures."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from kindred_client import response_types
from kindred_client.api import Fields, Ref, given, key, opened
from kindred_client.errors import KindredError
from kindred_client.folder_upload import FolderSender
from kindred_client.folders import ResumeState, key_of
from kindred_client.pages import Pages
from kindred_client.resources.dataset_images import DatasetImages

T = TypeVar("T")
Layout = Mapping[str, Any]
"""The fields of LayoutSerializer: reader, level, pattern, columns, split, class_names."""


class Datasets(DatasetImages):
    """The data sets that you can see.

    Folders are sent picture by picture: a broken connection, a restarted server or a new process loses nothing.
    """

    def list(
        self,
        *,
        slug: str | None = None,
        labelled: bool | None = None,
        public: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.DatasetsList]:
        query = given(slug=slug, labelled=labelled, public=public, limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("datasets.list", response_types.DatasetsList, query=query)

    def get(self, dataset: Ref, *, fields: Fields = ()) -> response_types.DatasetsGet:
        return self._api.call("datasets.get", response_types.DatasetsGet, dataset, query=given(fields=fields))

    def create(
        self,
        name: str,
        *,
        source: str | None = None,
        archive: str | Path | None = None,
        upload: Ref | None = None,
        licence: str = "",
        attribution: str = "",
        labelled: bool = True,
        layout: Layout | None = None,
        public: bool = False,
        idempotency_key: str = "",
    ) -> response_types.DatasetsCreate:
        """Start the import of a server path, a local archive, or an upload: exactly one of them.

        layout: what to read otherwise than found, such as {"level": 2}; the result of a preview says what there is.
        """
        body = {
            "name": name, "licence": licence, "attribution": attribution, "labelled": labelled, "public": public,
            **given(source=source, upload=None if upload is None else key(upload), layout=layout),
        }  # fmt: skip
        return self._start("datasets.create", response_types.DatasetsCreate, body, archive, key=idempotency_key)

    def preview(
        self,
        *,
        source: str | None = None,
        archive: str | Path | None = None,
        upload: Ref | None = None,
        labelled: bool = True,
        layout: Layout | None = None,
    ) -> response_types.DatasetsPreview:
        """Start the preview of an import, which stores no data set: of exactly one source.

        The job's `result` says what would be imported. An archive is kept as an upload, `result["upload"]`, which
        `create` takes.
        """
        body = {
            "labelled": labelled,
            **given(source=source, upload=None if upload is None else key(upload), layout=layout),
        }
        return self._start("datasets.preview", response_types.DatasetsPreview, body, archive)

    def reimport(
        self,
        dataset: Ref,
        *,
        source: str | None = None,
        archive: str | Path | None = None,
        upload: Ref | None = None,
        layout: Layout | None = None,
        dry_run: bool = False,
        if_match: str = "",
    ) -> response_types.DatasetsReimport:
        """Start another import of the source; `dry_run` only reports what would change.

        layout: as for `create`; by default that of the last import.
        """
        body = {
            "dry_run": dry_run,
            **given(source=source, upload=None if upload is None else key(upload), layout=layout),
        }
        return self._start(
            "datasets.reimport", response_types.DatasetsReimport, body, archive, dataset, if_match=if_match
        )

    def _start(
        self, name: str, shape: type[T], body: Mapping[str, object], archive: str | Path | None, *ids: Ref, **tied: str
    ) -> T:
        if archive is None:
            return self._api.call(name, shape, *ids, json=body, **tied)
        form = {**body, **given(layout=json.dumps(body["layout"]) if "layout" in body else None)}
        with ExitStack() as stack:
            return self._api.call(name, shape, *ids, data=form, files=[opened("archive", archive, stack)], **tied)

    def update(
        self,
        dataset: Ref,
        *,
        licence: str | None = None,
        attribution: str | None = None,
        public: bool | None = None,
        if_match: str = "",
    ) -> response_types.DatasetsUpdate:
        body = given(licence=licence, attribution=attribution, public=public)
        return self._api.call("datasets.update", response_types.DatasetsUpdate, dataset, json=body, if_match=if_match)

    def delete(self, dataset: Ref, *, if_match: str = "") -> response_types.DatasetsDelete:
        """Start the job that deletes a data set with its pictures, indexes and searches."""
        return self._api.call("datasets.delete", response_types.DatasetsDelete, dataset, if_match=if_match)

    def classes(self, dataset: Ref, *, fields: Fields = ()) -> response_types.DatasetsClasses:
        """Return all classes, in `results`."""
        return self._api.call("datasets.classes", response_types.DatasetsClasses, dataset, query=given(fields=fields))

    def rename_class(self, dataset: Ref, label: int, name: str) -> response_types.DatasetsRenameClass:
        return self._api.call(
            "datasets.rename_class", response_types.DatasetsRenameClass, dataset, label, json={"name": name}
        )

    def merge_class(self, dataset: Ref, label: int, into: str) -> response_types.DatasetsMergeClass:
        """Merge a class into the class of that name."""
        return self._api.call(
            "datasets.merge_class", response_types.DatasetsMergeClass, dataset, label, json={"into": into}
        )

    def import_folder(
        self,
        folder: str | Path,
        name: str,
        *,
        licence: str = "",
        attribution: str = "",
        labelled: bool = True,
        layout: Layout | None = None,
        public: bool = False,
        workers: int = 4,
        state: str | Path | None = None,
    ) -> response_types.DatasetsGet:
        """Send a folder of class folders, wait for its import, and return the data set.

        state: the folder where it is remembered how far this came; by default one of the user's own.

        Raises:
            JobFailed: it could not be imported.
            KindredError: an earlier call was stopped, its import is done, and the folder was changed meanwhile.
        """
        terms: dict[str, Any] = {
            "licence": licence, "attribution": attribution, "labelled": labelled, "public": public,
            **given(layout=layout),
        }  # fmt: skip

        def start(upload: str) -> response_types.DatasetsCreate:
            return self.create(name, upload=upload, idempotency_key=key_of(upload, name=name, **terms), **terms)

        def changed(done: response_types.JobsGet) -> None:
            dataset = done["result"]["dataset"]
            raise KindredError(
                f"{folder} was imported as data set {dataset} ({name}) before it was changed; "
                f"send what is new with datasets.add_folder({dataset}, {str(folder)!r})"
            )

        sender = self._sender(folder, "import", state, workers)
        return self.get(sender.send(start, changed=changed)["result"]["dataset"])

    def add_folder(
        self,
        dataset: Ref,
        folder: str | Path,
        split: str = "",
        *,
        workers: int = 4,
        state: str | Path | None = None,
    ) -> response_types.JobsGet:
        """Send a folder of class folders, wait until its pictures are in the data set, and return the finished job.

        split: "train" or "test", of the classes that are new. The job's `result` says how many were added. Where the
        folder was changed since an earlier call was stopped, that call's job is waited for and the folder sent anew.

        Raises:
            JobFailed: they could not be added.
        """

        def start(upload: str) -> response_types.DatasetsAddImages:
            return self.add_upload(dataset, upload, split=split, idempotency_key=key_of(upload, split=split))

        return self._sender(folder, f"add to {key(dataset)}", state, workers).send(start)

    def _sender(self, folder: str | Path, what: str, state: str | Path | None, workers: int) -> FolderSender:
        where = Path(folder).expanduser().resolve()
        memory = ResumeState(self._api.transport.base, str(where), what, folder=Path(state) if state else None)
        return FolderSender(self._api, where, memory, workers=workers)
