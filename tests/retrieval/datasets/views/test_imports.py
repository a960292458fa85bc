"""The preview of an import on the site: what it shows, what can be changed there, and who may open it."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs.models import Job
from retrieval.datasets.services import uploads
from retrieval.datasets.services.previewing import submit_preview
from retrieval.models import Dataset, Upload
from tests.retrieval.datasets.filled import classes_of_jpegs
from tests.retrieval.pictures import write_folder, zipped
from tests.retrieval.world import done, failed

pytestmark = [pytest.mark.django_db, pytest.mark.services]

NAMES = ["finch", "robin", "tit", "wren"]


@pytest.fixture
def folder() -> Path:
    return write_folder(Path(settings.IMPORT_ROOTS[0]) / "birds", dict.fromkeys(NAMES, 3))


@pytest.fixture
def previewed(curator: User, folder: Path) -> Job:
    """Return a preview that is done."""
    return done(submit_preview(source=str(folder), about={"name": "Birds", "licence": "CC0"}, by=curator))


def offered(job: Job, options: dict[str, Any]) -> Job:
    """Let a preview say what a reader offers."""
    assert job.result is not None
    job.result = {**job.result, "options": options}
    job.save(update_fields=["result"])
    return job


def page_of(job: Job) -> str:
    return reverse("dataset-preview", args=[job.pk])


def send(client: Client, job: Job, action: str, names: list[str] = NAMES, **fields: str) -> HttpResponse:
    form = {"action": action, "class_name": names, "name": "Birds", **fields}
    answer: HttpResponse = client.post(page_of(job), form)
    return answer


def archive() -> SimpleUploadedFile:
    return SimpleUploadedFile("More birds.tar.zip", zipped(classes_of_jpegs("a", "b", "c")))


# --- the form of the source


def test_the_first_button_previews_and_needs_no_name(curator_client: Client) -> None:
    answer = curator_client.post(reverse("dataset-import"), {"action": "preview", "archive": archive()})
    job = Job.objects.get()
    assert answer.status_code == 302 and answer["Location"] == page_of(job)
    assert job.payload["about"]["name"] == "More birds.tar" and Upload.objects.count() == 1
    waiting = curator_client.get(page_of(job)).content.decode()
    assert 'hx-trigger="every 1s"' in waiting and "Queued" in waiting and f'href="{page_of(job)}"' in waiting
    done(job)
    assert 'value="More birds.tar"' in curator_client.get(page_of(job)).content.decode()


def test_an_upload_of_before_can_be_chosen(curator_client: Client, curator: User) -> None:
    form = curator_client.get(reverse("dataset-import")).content.decode()
    assert 'name="upload"' not in form
    done(submit_preview(archive=archive(), by=curator))
    form = curator_client.get(reverse("dataset-import")).content.decode()
    assert 'name="upload"' in form and "1 file" in form
    upload = Upload.objects.get()
    fields = {"action": "import", "name": "Birds", "upload": str(upload.pk)}
    assert curator_client.post(reverse("dataset-import"), fields).status_code == 302
    assert Dataset.objects.get().source == f"upload:{upload.folder.name}" and not Upload.objects.exists()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "archive or a server path"),
        ({"source": "/etc"}, "outside the import folders"),
    ],
)
def test_a_wrong_source_is_explained(curator_client: Client, form: dict[str, str], sentence: str) -> None:
    answer = curator_client.post(reverse("dataset-import"), {"action": "preview", **form})
    assert answer.status_code == 400 and sentence in answer.content.decode() and not Job.objects.exists()


def test_a_second_preview_at_once_is_explained(curator_client: Client, curator: User) -> None:
    first = submit_preview(source="wings", by=curator)
    answer = curator_client.post(reverse("dataset-import"), {"action": "preview", "source": "wings:species=4"})
    assert answer.status_code == 400 and f"job {first.pk}" in answer.content.decode()


# --- the preview


def test_it_shows_layout_classes_and_remarks(curator_client: Client, previewed: Job) -> None:
    text = curator_client.get(page_of(previewed)).content.decode()
    for part in ("Anything else", "one folder a class", "6 of 2 classes", "few pictures are held out", 'value="CC0"'):
        assert part.casefold() in text.casefold()
    assert text.count('name="class_name"') == 4 and text.count("data:image/jpeg;base64,") == 12
    assert "6 held-out and 6 training pictures were compared" in text
    assert "Import data set" in text and 'name="level"' not in text and 'name="path_column"' not in text


def test_it_offers_levels_and_columns(curator_client: Client, previewed: Job) -> None:
    options = {
        "chosen": {"level": 2, "label_column": "species"},
        "levels": [
            {"number": 1, "classes": 2, "first": ["Birds", "Fish"]},
            {"number": 2, "classes": 40, "first": ["wren", "tit"]},
        ],
        "columns": ["file", "species"],
    }
    text = curator_client.get(page_of(offered(previewed, options))).content.decode()
    assert "As found (level 2)" in text and "Level 1: 2 classes (Birds, Fish)" in text
    assert "Level 2: 40 classes (wren, tit, …)" in text
    assert "As found (species)" in text and text.count('<option value="file">') == 3
    answer = send(curator_client, previewed, "preview", level="1", label_column="file", split="halves")
    again = Job.objects.latest("pk")
    assert answer["Location"] == page_of(again)
    assert again.payload["layout"] == {"level": 1, "label_column": "file", "split": "halves"}


def test_names_of_classes_are_taken_over_and_can_be_taken_back(curator_client: Client, previewed: Job) -> None:
    send(curator_client, previewed, "preview", ["Finch", "robin", "tit", "wren"])
    again = done(Job.objects.latest("pk"))
    assert again.payload["layout"] == {"class_names": {"finch": "Finch"}}
    text = curator_client.get(page_of(again)).content.decode()
    assert 'value="Finch"' in text and "in the source <bdi>finch</bdi>" in text
    send(curator_client, again, "import", ["finch", "robin", "tit", "Wren"])
    assert Dataset.objects.get().layout == {"class_names": {"wren": "Wren"}}


def test_the_import_takes_what_the_preview_showed(curator_client: Client, previewed: Job) -> None:
    answer = send(curator_client, previewed, "import", licence="CC BY", public="on")
    dataset = Dataset.objects.get()
    assert answer["Location"] == reverse("job", args=[dataset.job_id])
    assert (dataset.name, dataset.licence, dataset.public, dataset.layout) == ("Birds", "CC BY", True, {})
    assert dataset.source.endswith("/birds")


def test_a_changed_layout_is_previewed_before_the_import(curator_client: Client, previewed: Job) -> None:
    answer = send(curator_client, previewed, "import", ["Finch", *NAMES[1:]], split="halves")
    again = Job.objects.latest("pk")
    assert answer["Location"] == page_of(again) and not Dataset.objects.exists()
    assert again.payload["layout"] == {"split": "halves"}  # other classes may be found
    assert again.payload["about"]["name"] == "Birds"
    send(curator_client, done(again), "import", split="halves")
    assert Dataset.objects.get().layout == {"split": "halves"}


def test_labels_can_be_left_out(curator_client: Client, previewed: Job) -> None:
    send(curator_client, previewed, "import", unlabelled="on")
    again = done(Job.objects.latest("pk"))
    text = curator_client.get(page_of(again)).content.decode()
    assert 'name="class_name"' not in text and "Remarks" not in text
    send(curator_client, again, "import", [], unlabelled="on")
    assert not Dataset.objects.get().labelled


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (["", *NAMES[1:]], {}),
        (["n" * 300, *NAMES[1:]], {}),
        (NAMES, {"name": ""}),
        (NAMES, {"split": "thirds"}),
        (NAMES, {"pattern": "x" * 400}),
    ],
)
def test_wrong_fields_are_explained(
    curator_client: Client, previewed: Job, names: list[str], fields: dict[str, str]
) -> None:
    answer = send(curator_client, previewed, "import", names, **fields)
    assert answer.status_code == 400 and not Dataset.objects.exists()


def test_a_name_that_is_taken_is_explained(curator_client: Client, previewed: Job) -> None:
    send(curator_client, previewed, "import")
    answer = send(curator_client, previewed, "import")
    assert answer.status_code == 400 and "is taken" in answer.content.decode()


def test_a_refusal_offers_the_way_back_and_no_import(curator_client: Client, curator: User, folder: Path) -> None:
    job = done(submit_preview(source=str(folder), layout={"reader": "folder", "level": 9}, by=curator))
    text = curator_client.get(page_of(job)).content.decode()
    assert "level" in text and "Supported formats" in text and "Preview again" in text
    assert "Import data set" not in text
    send(curator_client, job, "preview", [], reader="folder")
    assert Job.objects.latest("pk").payload["layout"] == {"reader": "folder"}


def test_a_refusal_suggests_what_to_choose(curator_client: Client, previewed: Job) -> None:
    job = offered(previewed, {"chosen": {"pattern": "^(?P<label>[a-z]+)_"}, "levels": [], "columns": []})
    assert 'value="^(?P' not in curator_client.get(page_of(job)).content.decode()
    job.result = {**(job.result or {}), "refusal": "no folder names a class"}
    job.save(update_fields=["result"])
    text = curator_client.get(page_of(job)).content.decode()
    assert 'value="^(?P&lt;label&gt;[a-z]+)_"' in text


def test_a_damaged_archive_is_told_and_can_be_deleted(curator_client: Client, curator: User) -> None:
    sent = SimpleUploadedFile("birds.zip", b"PK\x03\x04 and no more")
    job = done(submit_preview(archive=sent, by=curator))
    text = curator_client.get(page_of(job)).content.decode()
    assert "archive.zip" in text and "Preview again" not in text and "Delete upload" in text
    answer = send(curator_client, job, "delete")
    assert answer["Location"] == reverse("dataset-import") and not Upload.objects.exists()


def test_an_upload_that_is_gone_is_told(curator_client: Client, curator: User) -> None:
    job = done(submit_preview(archive=archive(), by=curator))
    uploads.delete_upload(Upload.objects.get())
    text = curator_client.get(page_of(job)).content.decode()
    assert "Delete upload" not in text
    for action in ("preview", "import"):
        answer = send(curator_client, job, action, ["a", "b", "c"])
        assert answer.status_code == 400 and "gone" in answer.content.decode()
    assert not Dataset.objects.exists() and Job.objects.count() == 1


def test_a_preview_that_failed_says_why(curator_client: Client, curator: User) -> None:
    job = submit_preview(archive=archive(), by=curator)
    uploads.delete_upload(Upload.objects.get())
    sentence = failed(job)
    text = curator_client.get(page_of(job)).content.decode()
    assert "hx-get" not in text.partition("<main")[2] and sentence[:30] in text
    assert send(curator_client, job, "import").status_code == 200 and not Dataset.objects.exists()


def test_the_page_of_a_reimport_says_how_the_source_is_read(curator_client: Client, previewed: Job) -> None:
    send(curator_client, previewed, "import", ["Finch", *NAMES[1:]])
    dataset = Dataset.objects.get()
    done(dataset.job)
    text = curator_client.get(reverse("dataset-reimport", args=[dataset.slug])).content.decode()
    assert "Read as before: 1 class renamed." in text


# --- who may


def test_previews_are_for_curators(client: Client, member_client: Client, previewed: Job) -> None:
    assert client.get(page_of(previewed)).status_code == 302
    assert member_client.get(page_of(previewed)).status_code == 403
    assert send(member_client, previewed, "import").status_code == 403
    form = {"action": "preview", "source": "wings"}
    assert member_client.post(reverse("dataset-import"), form).status_code == 403
    assert not Dataset.objects.exists() and Job.objects.count() == 1


def test_a_job_of_another_kind_is_no_preview(curator_client: Client) -> None:
    curator_client.post(reverse("dataset-import"), {"name": "Birds", "source": "wings:species=4"})
    assert curator_client.get(page_of(Job.objects.get())).status_code == 404
    assert curator_client.get(reverse("dataset-preview", args=[10**9])).status_code == 404


def test_paths_are_checked_again_by_the_import(
    curator_client: Client, previewed: Job, settings: Any, tmp_path: Path
) -> None:
    settings.IMPORT_ROOTS = [tmp_path / "elsewhere"]
    answer = send(curator_client, previewed, "import")
    assert answer.status_code == 400 and "outside the import folders" in answer.content.decode()
