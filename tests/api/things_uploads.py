"""Requests about uploads; those that exist were begun by the curator."""

from django.core.files.uploadedfile import SimpleUploadedFile

from retrieval.models import Upload
from tests.api.things import Ask, Scene, listed, thing
from tests.retrieval.datasets.filled import filled
from tests.retrieval.pictures import jpeg

listed("GET /uploads/")


def upload_of(scene: Scene) -> Upload:
    return filled({"owls/1.jpg": jpeg(1), "owls/2.jpg": jpeg(2)}, scene.curator)


@thing("POST /uploads/")
def new_upload(scene: Scene) -> Ask:
    return Ask("/uploads/", {})


@thing("GET /uploads/{id}/")
@thing("DELETE /uploads/{id}/")
def one_upload(scene: Scene) -> Ask:
    return Ask(f"/uploads/{upload_of(scene).pk}/")


@thing("GET /uploads/{id}/files/")
def files_in_place(scene: Scene) -> Ask:
    return Ask(f"/uploads/{upload_of(scene).pk}/files/")


@thing("POST /uploads/{id}/files/")
def more_files(scene: Scene) -> Ask:
    body = {"files": [Reread("3.jpg", jpeg(3))], "paths": ["owls/3.jpg"]}
    return Ask(f"/uploads/{upload_of(scene).pk}/files/", body, format="multipart")


class Reread(SimpleUploadedFile):
    """A file that is sent by one caller after the other."""

    def read(self, *args: int) -> bytes:
        """Read from the start."""
        self.seek(0)
        return super().read(*args)
