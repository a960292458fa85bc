import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from config.errors import Busy, Rejected
from retrieval.datasets.services import pictures
from retrieval.datasets.services.pictures import RENDITIONS, rendition_key, thumbnail_of
from retrieval.files import jpeg_response
from retrieval.models import Image, Search
from retrieval.search.services import query_image
from storage.store import place_of
from tests.mlcore.large_pictures import png
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World, replaced

pytestmark = pytest.mark.django_db


def test_a_thumbnail_is_small_and_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    image = world.test_images[0]
    first = thumbnail_of(image)
    assert first.read_bytes().startswith(b"\xff\xd8\xff")
    monkeypatch.setattr(pictures, "_opened", None)
    assert thumbnail_of(image) == first
    assert first == place_of(rendition_key(image.sha256, "thumbnails"))


@pytest.mark.parametrize(("data", "sentence"), [(None, "is gone"), (b"rot", "is damaged")])
def test_a_picture_gone_or_rotten_has_no_thumbnail(world: World, data: bytes | None, sentence: str) -> None:
    image = world.test_images[0]
    replaced(image.file, data or b"")
    place_of(rendition_key(image.sha256, "thumbnails")).unlink(missing_ok=True)  # the import has made it
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


API = "/api/v1/searches/"


@pytest.fixture
def _all_decode(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Let every turn be taken, for as long as the test takes."""
    settings.DECODE_SECONDS = 0.01
    monkeypatch.setattr(pictures, "_places", threading.BoundedSemaphore(1))
    with pictures.decoding():
        yield


def file() -> SimpleUploadedFile:
    return SimpleUploadedFile("a.jpg", jpeg(), "image/jpeg")


def test_a_turn_is_given_back_and_waited_for(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.DECODE_SECONDS = 10
    monkeypatch.setattr(pictures, "_places", threading.BoundedSemaphore(1))
    order: list[str] = []

    def second() -> None:
        with pictures.decoding():
            order.append("second")

    with pictures.decoding():
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


@pytest.mark.usefixtures("_all_decode")
def test_who_gets_no_turn_is_told_so() -> None:
    with pytest.raises(Busy, match="try again"), pictures.decoding():
        pass


@pytest.mark.usefixtures("_all_decode")
def test_searches_answer_503_while_all_turns_are_taken(
    member_api: APIClient, member_client: Client, world: World
) -> None:
    member_api.raise_request_exception = False
    sent = {"datasets": [world.dataset.pk], "file": file()}
    answer = member_api.post(API, sent, format="multipart")
    assert answer.status_code == 503 and int(answer["Retry-After"]) >= 1
    assert answer["Content-Type"] == "application/problem+json"
    page = member_client.post("/", {"datasets": [world.dataset.pk], "picture": file()})
    assert page.status_code == 503 and int(page["Retry-After"]) >= 1
    assert not Search.objects.exists()


@pytest.mark.usefixtures("_all_decode")
def test_a_batch_tells_each_of_its_searches_and_waits_but_once(
    member_api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def acquire(timeout: float) -> bool:
        waits.append(timeout)
        return False

    monkeypatch.setattr(pictures._places, "acquire", acquire)
    bodies = [{"datasets": [world.dataset.pk], "image_id": image.pk} for image in world.test_images[:8]]
    answer = member_api.post(f"{API}batch/", {"searches": bodies}, format="json")
    assert answer.status_code == 200
    assert [row["problem"]["status"] for row in answer.json()["results"]] == [503] * 8
    assert len(waits) == 1


@pytest.mark.usefixtures("_all_decode")
@pytest.mark.parametrize("size", ["full", "thumbnail"])
def test_pictures_that_are_not_made_yet_answer_503(
    member_api: APIClient, member_client: Client, world: World, size: str
) -> None:
    image = world.test_images[-1]
    for kind in RENDITIONS:
        place_of(rendition_key(image.sha256, kind)).unlink(missing_ok=True)
    member_api.raise_request_exception = False
    answer = member_api.get(f"/api/v1/images/{image.pk}/file/?size={size}")
    assert answer.status_code == 503 and answer["Content-Type"] == "application/problem+json"
    page = member_client.get(f"/pictures/{image.pk}" + ("/thumbnail" if size == "thumbnail" else ""))
    assert page.status_code == 503 and int(page["Retry-After"]) >= 1


def test_a_small_file_of_many_pixels_is_searched_with_and_kept_small(world: World, member: Any) -> None:
    search = world.ask(member, upload=png(16, 0)(30))
    assert search.upload.stat().st_size < 200_000 and search.rankings.exists()


def test_what_networks_get_of_a_query_is_bounded(world: World) -> None:
    query = query_image.uploaded_query(jpeg(size=(5000, 1500)), Search())
    assert query.for_networks.size == (2048, 1024)
    small = query_image.uploaded_query(jpeg(size=(800, 300)), Search())
    assert small.for_networks.size == (600, 300)


def test_the_pixels_of_an_upload_have_a_setting(member_api: APIClient, world: World, settings: Any) -> None:
    settings.PICTURE_MAX_PIXELS = 1000
    answer = member_api.post(API, {"datasets": [world.dataset.pk], "file": file()}, format="multipart")
    assert answer.status_code == 400 and "megapixels" in answer.json()["detail"]
