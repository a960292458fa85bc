import io
import re

import PIL.Image
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from mlcore.datasets.reader_table import known_readers
from retrieval.datasets.services.pictures import rendition_key
from retrieval.models import Dataset
from storage.store import place_of
from tests.retrieval.pictures import jpeg, zipped
from tests.retrieval.world import World, replaced

pytestmark = pytest.mark.django_db


def page(client: Client, name: str, *args: object, **query: object) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_everybody_lists_the_sets_they_may_see(client: Client, member_client: Client, world: World) -> None:
    assert "Wings" in page(client, "datasets")
    Dataset.objects.update(public=False)
    assert "Wings" not in page(client, "datasets")
    assert "Wings" in page(member_client, "datasets")


def test_a_set_shows_its_pictures_and_classes(member_client: Client, world: World) -> None:
    text = page(member_client, "dataset", "wings")
    assert text.count(' loading="lazy"') == 48 and reverse("dataset-class-list", args=["wings"]) in text
    assert all(name in text for name in world.dataset.class_names)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"split": "test"}, 24),
        ({"split": "nonsense"}, 48),
        ({"label": "0"}, 6),
        ({"label": "x"}, 48),
        ({"label": "9" * 5000}, 48),
        ({"page": "no"}, 48),
        ({"page": "999"}, 48),
    ],
)
def test_a_set_is_filtered_and_nonsense_is_no_filter(
    member_client: Client, world: World, query: dict[str, str], count: int
) -> None:
    assert page(member_client, "dataset", "wings", **query).count(' loading="lazy"') == count


def test_a_set_with_queries_shows_them_and_their_gallery(member_client: Client, world: World) -> None:
    assert 'value="test"' in page(member_client, "dataset", "wings")
    world.part()
    text = page(member_client, "dataset", "wings", split="query")
    assert text.count(' loading="lazy"') == 8 and "8 of them queries" in text
    assert 'value="gallery"' in text and 'value="test"' not in text
    assert page(member_client, "dataset", "wings", split="gallery").count(' loading="lazy"') == 16


def test_classes_have_a_page_and_htmx_gets_their_list_alone(client: Client, world: World) -> None:
    name = world.dataset.class_names[0]
    text = page(client, "dataset-class-list", "wings", q=name)
    assert "<h1>" in text and text.count("/thumbnail") == 1 and "/classes/0/" in text
    address = reverse("dataset-class-list", args=["wings"])
    part = client.get(address, {"q": "none of them", "page": "x"}, headers={"HX-Request": "true"})
    assert "HX-Request" in part["Vary"] and "/thumbnail" not in part.content.decode()
    assert "<h1>" not in part.content.decode()
    Dataset.objects.update(public=False)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("name", ["picture", "thumbnail"])
def test_pictures_of_a_private_set_are_for_members(
    client: Client, member_client: Client, world: World, name: str
) -> None:
    address = reverse(name, args=[world.test_images[0].pk])
    assert client.get(address).status_code == 200
    Dataset.objects.update(public=False)
    assert client.get(address).status_code == 404
    answer = member_client.get(address)
    assert answer.status_code == 200 and answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff" and "sandbox" in answer["Content-Security-Policy"]


def test_a_picture_does_not_tell_its_file_name(client: Client, world: World) -> None:
    answer = client.get(reverse("picture", args=[world.test_images[0].pk]))
    assert answer["Content-Disposition"] == "inline"


@pytest.mark.parametrize("name", ["picture", "thumbnail"])
def test_a_picture_whose_file_is_gone_is_not_found(client: Client, world: World, name: str) -> None:
    image = world.test_images[0]
    image.file.unlink()
    place_of(rendition_key(image.sha256, "thumbnails")).unlink(missing_ok=True)  # the import has made it
    assert client.get(reverse(name, args=[image.pk])).status_code == 404
    assert client.get(reverse(name, args=[10**18])).status_code == 404


def test_a_rotten_picture_has_no_thumbnail(client: Client, world: World) -> None:
    image = world.test_images[0]
    replaced(image.file, b"rot")
    place_of(rendition_key(image.sha256, "thumbnails")).unlink(missing_ok=True)  # the import has made it
    assert client.get(reverse("thumbnail", args=[image.pk])).status_code == 404


def test_a_picture_is_shown_without_what_the_camera_wrote(client: Client, world: World) -> None:
    image = world.test_images[0]
    told = io.BytesIO()
    exif = PIL.Image.Exif()
    exif[0x010F] = "a camera that knows where it is"
    PIL.Image.open(image.file).save(told, "PNG", exif=exif)
    replaced(image.file, told.getvalue())
    answer = client.get(reverse("picture", args=[image.pk]))
    assert answer["Content-Type"] == "image/jpeg"
    with PIL.Image.open(io.BytesIO(b"".join(answer.streaming_content))) as shown:
        assert shown.size == (image.width, image.height) and not shown.getexif()


# --- import


def test_the_import_form_queues_a_job(curator_client: Client) -> None:
    form = {"name": "More wings", "source": "wings:species=4,per_class=2,size=32", "public": "on"}
    answer = curator_client.post(reverse("dataset-import"), form)
    dataset = Dataset.objects.get()
    assert answer.status_code == 302 and answer["Location"] == reverse("job", args=[dataset.job_id])
    assert dataset.public and Job.objects.get().kind == "import"
    assert curator_client.get(answer["Location"]).status_code == 200


def test_the_import_form_takes_an_archive(curator_client: Client) -> None:
    archive = SimpleUploadedFile("birds.zip", zipped({"a/1.jpg": jpeg()}))
    assert curator_client.post(reverse("dataset-import"), {"name": "Birds", "archive": archive}).status_code == 302
    assert Dataset.objects.get().source.startswith("upload:")


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": "", "source": "wings"}, "This field is required"),
        ({"name": "Birds"}, "archive or a server path"),
        ({"name": "Birds", "source": "/etc"}, "outside the import folders"),
        ({"name": "Birds", "source": "wings\0"}, "Null characters are not allowed"),
        ({"name": "B" * 81, "source": "wings"}, "at most 80 characters"),
    ],
)
def test_a_wrong_import_is_explained_and_writes_nothing(
    curator_client: Client, form: dict[str, str], sentence: str
) -> None:
    answer = curator_client.post(reverse("dataset-import"), form)
    assert answer.status_code == 400 and sentence in answer.content.decode()
    assert not Dataset.objects.exists() and not Job.objects.exists()


def test_the_import_form_lists_every_kind_that_can_be_read(curator_client: Client) -> None:
    text = page(curator_client, "dataset-import")
    assert all(f"<dt>{reader.title}</dt>" in text for reader in known_readers())
    assert "Recognised by <code>image_class_labels.txt</code> with <code>images.txt</code>." in text


def test_importing_is_for_curators(client: Client, member_client: Client) -> None:
    assert client.get(reverse("dataset-import")).status_code == 302
    assert member_client.get(reverse("dataset-import")).status_code == 403
    assert member_client.post(reverse("dataset-import"), {"name": "X", "source": "wings"}).status_code == 403
    assert not Dataset.objects.exists()


def test_a_curator_opens_a_set_to_visitors_and_closes_it(
    curator_client: Client, member_client: Client, client: Client, world: World
) -> None:
    address = reverse("dataset-public", args=["wings"])
    assert member_client.post(address).status_code == 403
    assert curator_client.get(address).status_code == 405
    for public in (False, True):
        assert curator_client.post(address).status_code == 302
        assert client.get(reverse("dataset", args=["wings"])).status_code == (200 if public else 404)


def test_a_set_not_imported_yet_has_a_page_for_curators(curator_client: Client, member_client: Client) -> None:
    Dataset.objects.create(name="Waiting", slug="waiting", source="wings")
    assert "Import not finished" in page(curator_client, "dataset", "waiting")
    assert member_client.get(reverse("dataset", args=["waiting"])).status_code == 404


def test_long_lists_of_an_import_report_end_with_the_number_of_the_others(curator_client: Client, world: World) -> None:
    listed = {"broken": [["1.txt", "is not a picture: .txt"]], "singleton_classes": ["dodo"]}
    Dataset.objects.update(report={**listed, "totals": {"broken": 100_000, "singleton_classes": 300}})
    text = curator_client.get(reverse("dataset", args=[world.dataset.slug])).content.decode()
    assert "100000 files" in text.replace(",", "") and "and 99800 more" in text
    assert "300 classes with one picture" in text and "dodo\u2069 and 100 more" in text


def left_out(text: str) -> dict[str, list[str]]:
    """Return the files that an import report names, by how it left them out."""
    parts = re.findall(r'data-left-out="(\w+)">(.*?)</details>', text, re.DOTALL)
    return {kind: re.findall(r"<bdi>([^<]+)</bdi>", part) for kind, part in parts}


def test_files_that_are_no_pictures_are_told_from_pictures_that_cannot_be_read(
    curator_client: Client, world: World
) -> None:
    broken, skipped = [["a/1.jpg", "damaged"]], [["notes.txt", "is not a picture: .txt"], ["b.pdf", "a PDF"]]
    totals = {"broken": 1, "skipped": 2}
    Dataset.objects.update(report={"broken": broken, "skipped": skipped, "totals": totals})
    found = left_out(page(curator_client, "dataset", world.dataset.slug))
    assert found == {"broken": ["a/1.jpg"], "skipped": ["notes.txt", "b.pdf"]}
    Dataset.objects.update(report={"broken": broken + skipped, "totals": {"broken": 3}})
    before = left_out(page(curator_client, "dataset", world.dataset.slug))
    assert before == {"broken": ["a/1.jpg", "notes.txt", "b.pdf"]}, "a report of before has one list"


@pytest.mark.parametrize("key", ["singleton_classes", "lonely", None])
def test_the_import_report_names_classes_with_one_picture(
    curator_client: Client, world: World, key: str | None
) -> None:
    Dataset.objects.update(report={"remarks": ["a file is odd"], **({key: ["Raphus cucullatus"]} if key else {})})
    text = curator_client.get(reverse("dataset", args=[world.dataset.slug])).content.decode()
    assert "A file is odd." in text
    assert ("Raphus cucullatus" in text) is (key is not None)
