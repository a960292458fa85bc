"""Pictures of a data set."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given, key, keys, opened
from kindred_client.pages import Pages


class DatasetImages(Resource):
    """Pictures of a data set: list, add, hide, move and delete."""

    def images(
        self,
        dataset: Ref,
        *,
        split: str | None = None,
        label: int | None = None,
        class_name: str | None = None,
        sha256: Sequence[str] | None = None,
        hidden: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.DatasetsImages]:
        query = given(
            split=split, label=label, class_name=class_name, sha256=sha256, hidden=hidden, limit=limit, cursor=cursor,
            fields=fields,
        )  # fmt: skip
        return self._api.pages("datasets.images", response_types.DatasetsImages, dataset, query=query)

    def add_images(
        self, dataset: Ref, pictures: Iterable[str | Path], class_name: str, *, new: bool = False, split: str = ""
    ) -> response_types.DatasetsAddImages:
        """Start the job that adds up to 100 pictures, or one archive, to a class.

        split: "train" or "test", of a new class. Whole folders of classes: `add_folder`.
        """
        with ExitStack() as stack:
            parts = [opened("pictures", path, stack) for path in pictures]
            body = {"class_name": class_name, "new": new, "split": split}
            return self._api.call(
                "datasets.add_images", response_types.DatasetsAddImages, dataset, data=body, files=parts
            )

    def add_upload(
        self, dataset: Ref, upload: Ref, *, split: str = "", idempotency_key: str = ""
    ) -> response_types.DatasetsAddImages:
        """Start the job that adds an upload, whose folders are classes; new classes get `split`."""
        body = {"upload": key(upload), "split": split}
        return self._api.call(
            "datasets.add_images", response_types.DatasetsAddImages, dataset, json=body, key=idempotency_key
        )

    def hide_images(self, dataset: Ref, images: Iterable[Ref]) -> response_types.DatasetsHideImages:
        """Hide pictures from search, training and evaluation."""
        body = {"images": keys(images)}
        return self._api.call("datasets.hide_images", response_types.DatasetsHideImages, dataset, json=body)

    def show_images(self, dataset: Ref, images: Iterable[Ref]) -> response_types.DatasetsShowImages:
        """Unhide pictures."""
        body = {"images": keys(images)}
        return self._api.call("datasets.show_images", response_types.DatasetsShowImages, dataset, json=body)

    def relabel_images(
        self, dataset: Ref, images: Iterable[Ref], class_name: str, *, new: bool = False, split: str = ""
    ) -> response_types.DatasetsRelabelImages:
        """Move pictures to another class, a new one if `new`."""
        body = {"images": keys(images), "class_name": class_name, "new": new, "split": split}
        return self._api.call("datasets.relabel_images", response_types.DatasetsRelabelImages, dataset, json=body)

    def delete_images(self, dataset: Ref, images: Iterable[Ref]) -> response_types.DatasetsDeleteImages:
        """Start the job that deletes pictures."""
        body = {"images": keys(images)}
        return self._api.call("datasets.delete_images", response_types.DatasetsDeleteImages, dataset, json=body)
