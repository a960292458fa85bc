import pytest
from django.conf import settings
from django.http import Http404
from django.test import RequestFactory

from config.errors import Rejected
from retrieval.datasets.services import pictures
from retrieval.datasets.services.pictures import rendition_file, thumbnail_of
from retrieval.files import jpeg_response
from retrieval.models import Image
from tests.retrieval.world import World, replaced

pytestmark = pytest.mark.django_db


def test_a_thumbnail_is_small_and_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    image = world.test_images[0]
    first = thumbnail_of(image)
    assert first.read_bytes().startswith(b"\xff\xd8\xff")
    monkeypatch.setattr(pictures, "_opened", None)
    assert thumbnail_of(image) == first
    assert first == rendition_file(image.sha256, "thumbnails")


@pytest.mark.parametrize(("data", "sentence"), [(None, "is gone"), (b"rot", "is damaged")])
def test_a_picture_gone_or_rotten_has_no_thumbnail(world: World, data: bytes | None, sentence: str) -> None:
    image = world.test_images[0]
    replaced(image.file, data or b"")
    rendition_file(image.sha256, "thumbnails").unlink(missing_ok=True)  # the import has made it
    if data is None:
        image.file.unlink()
    with pytest.raises(Rejected, match=sentence):
        thumbnail_of(image)
    with pytest.raises(Http404, match=sentence):
        jpeg_response(RequestFactory().get("/"), lambda: thumbnail_of(image))


def test_an_image_says_its_class_and_file(world: World) -> None:
    image = Image.objects.select_related("dataset").get(pk=world.test_images[0].pk)
    assert image.class_name in world.dataset.class_names and str(image) == image.path
    assert image.file.is_relative_to(settings.MEDIA_ROOT)
