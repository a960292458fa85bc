"""Folders of pictures on their way to the server, gathered file by file; see `client.datasets.import_folder`."""

from collections.abc import Mapping

from kindred_client import response_types
from kindred_client.api import Fields, Ref, Resource, given
from kindred_client.pages import Pages


class Uploads(Resource):
    """Uploads that wait to be imported or added, for curators."""

    def list(
        self, *, limit: int | None = None, cursor: str | None = None, fields: Fields = ()
    ) -> Pages[response_types.UploadsList]:
        query = given(limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("uploads.list", response_types.UploadsList, query=query)

    def create(self) -> response_types.UploadsCreate:
        """Begin an upload."""
        return self._api.call("uploads.create", response_types.UploadsCreate, json={})

    def get(self, upload: Ref, *, fields: Fields = ()) -> response_types.UploadsGet:
        return self._api.call("uploads.get", response_types.UploadsGet, upload, query=given(fields=fields))

    def delete(self, upload: Ref, *, if_match: str = "") -> None:
        """Throw it away with its files."""
        self._api.call("uploads.delete", dict, upload, if_match=if_match)

    def files(
        self, upload: Ref, *, limit: int | None = None, cursor: str | None = None, fields: Fields = ()
    ) -> Pages[response_types.UploadsFiles]:
        """List what has arrived, by path."""
        query = given(limit=limit, cursor=cursor, fields=fields)
        return self._api.pages("uploads.files", response_types.UploadsFiles, upload, query=query)

    def send(self, upload: Ref, files: Mapping[str, bytes]) -> response_types.UploadsSend:
        """Store files, at most 100, by path ("class/picture.jpg"); one that is there is replaced whole."""
        parts = [("files", (path.rpartition("/")[2], content)) for path, content in files.items()]
        return self._api.call(
            "uploads.send", response_types.UploadsSend, upload, files=parts, data={"paths": list(files)}
        )
