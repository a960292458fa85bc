"""Single pictures."""

from collections.abc import Sequence

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given, key
from kindred_client.downloads import Download
from kindred_client.pages import Pages


class Images(Resource):
    """The pictures of all data sets that one may see."""

    def list(
        self,
        *,
        dataset: Ref | None = None,
        split: str | None = None,
        label: int | None = None,
        class_name: str | None = None,
        sha256: Sequence[str] | None = None,
        hidden: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        fields: Fields = (),
    ) -> Pages[response_types.ImagesList]:
        query = given(
            dataset=None if dataset is None else key(dataset),
            split=split,
            label=label,
            class_name=class_name,
            sha256=sha256,
            hidden=hidden,
            limit=limit,
            cursor=cursor,
            fields=fields,
        )
        return self._api.pages("images.list", response_types.ImagesList, query=query)

    def get(self, image: Ref, *, fields: Fields = ()) -> response_types.ImagesGet:
        return self._api.call("images.get", response_types.ImagesGet, image, query=given(fields=fields))

    def file(self, image: Ref, *, size: str | None = None) -> Download:
        """Return the picture itself, a JPEG; `size`: "full", or "thumbnail"."""
        return self._api.download("images.file", image, query=given(size=size))

    def update(
        self, image: Ref, *, hidden: bool | None = None, class_name: str | None = None, if_match: str = ""
    ) -> response_types.ImagesUpdate:
        """Hide or show it, or say that it is of another class."""
        body = given(hidden=hidden, class_name=class_name)
        return self._api.call("images.update", response_types.ImagesUpdate, image, json=body, if_match=if_match)

    def delete(self, image: Ref, *, if_match: str = "") -> response_types.ImagesDelete:
        """Start the job that deletes it."""
        return self._api.call("images.delete", response_types.ImagesDelete, image, if_match=if_match)
