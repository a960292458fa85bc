"""A site whose files are in a bucket, used by hosts that share nothing but that and the database."""

import io
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as current
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from backups.services.site import check_site
from config.health import check_storage
from jobs import services as jobs
from jobs.errors import JobInterrupted
from jobs.models import Job
from retrieval.datasets.services.deleting import submit_deletion as submit_dataset_deletion
from retrieval.datasets.services.deleting_pictures import submit_picture_deletion
from retrieval.datasets.services.importing import submit_import
from retrieval.datasets.services.reimporting import submit_reimport
from retrieval.experiments.services import training
from retrieval.experiments.services.reports import document_of, submit_report
from retrieval.experiments.services.shared_checkpoints import SharedCheckpoints
from retrieval.models import Dataset, Experiment, Image, Index, Model, Run, Search, Upload
from retrieval.pages.services.maps import stored_map, submit_map
from retrieval.pages.services.storage import garbage
from retrieval.pages.services.storage.cleanup import sweep_leftovers
from retrieval.pages.services.storage.garbage import unused_files
from retrieval.pages.services.storage.moving import stored_keys
from retrieval.pages.services.storage.sizes import usage
from retrieval.registry.services.deleting import submit_deletion
from retrieval.registry.services.indexes import submit_index
from retrieval.search.services import model_cache
from retrieval.search.services.access import remove_searches
from retrieval.search.services.run_search import run_search
from storage.errors import StorageAway
from storage.folder import FolderStore
from storage.store import store
from tests.retrieval.encoder import EncoderInProcess, encoder
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World, done, failed, started
from tests.storage.conftest import host
from tests.storage.server import S3Server

__all__ = ("encoder",)
pytestmark = pytest.mark.django_db


@pytest.fixture
def moved(world: World, bucket: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return the world with its files in a bucket, on a host that has none of them."""
    url, settings.STORAGE_URL = settings.STORAGE_URL, ""
    call_command("storage", "move", url, stdout=io.StringIO())
    settings.STORAGE_URL = url
    model_cache.cache.clear()
    with host("b") as media:
        assert not media.exists()
        yield world
    model_cache.cache.clear()


def files_below(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


# --- moving


def test_everything_is_moved_once_and_read_there(world: World, bucket: str, settings: Settings, s3: S3Server) -> None:
    url, settings.STORAGE_URL = settings.STORAGE_URL, ""
    world.ask(User.objects.create(email="x@example.org"), upload=jpeg())
    said = io.StringIO()
    call_command("storage", "move", url, stdout=said)
    wanted = len(list(stored_keys(FolderStore())))
    assert f"{wanted:,} copied, 0 were there" in said.getvalue() and f"STORAGE_URL={url} " in said.getvalue()
    before = s3.names(bucket)
    said = io.StringIO()
    call_command("storage", "move", url, stdout=said)
    assert f"0 copied, {wanted:,} were there" in said.getvalue() and s3.names(bucket) == before


def test_a_move_that_misses_a_file_says_so_and_goes_on(world: World, bucket: str, settings: Settings) -> None:
    url, settings.STORAGE_URL = settings.STORAGE_URL, ""
    image = world.test_images[0]
    image.file.unlink()
    errors = io.StringIO()
    with pytest.raises(CommandError, match="1 files are not there"):
        call_command("storage", "move", url, stdout=io.StringIO(), stderr=errors)
    assert image.path in errors.getvalue()
    settings.STORAGE_URL = url
    assert store().has(world.test_images[1].storage_key) and store().has(world.models[1].artifact)


def test_all_comes_back_into_a_folder(moved: World) -> None:
    with host("c") as media:
        call_command("storage", "move", "folder", stdout=io.StringIO())
        assert (media / world_image(moved).storage_key).is_file() and (media / moved.models[0].artifact).is_dir()


def world_image(world: World) -> Image:
    return world.test_images[0]


@pytest.mark.parametrize("to", ["s3://", "ftp://x/y", "s3://other/x?endpoint=http://127.0.0.1:1"])
def test_a_move_to_nowhere_is_refused(world: World, bucket: str, settings: Settings, to: str) -> None:
    with pytest.raises(CommandError, match=r"move to 'folder' first"):
        call_command("storage", "move", to, stdout=io.StringIO())
    settings.STORAGE_URL = ""
    with pytest.raises(CommandError):
        call_command("storage", "move", to, stdout=io.StringIO(), stderr=io.StringIO())


def test_the_site_is_checked_in_the_storage(moved: World, s3: S3Server, bucket: str) -> None:
    assert list(check_site()) == []
    image, model = world_image(moved), moved.models[0]
    s3.client.delete_object(Bucket=bucket, Key=f"site/{image.storage_key}")
    [blob] = [name for name in s3.names(bucket) if name.startswith(f"{model.artifact}/.files/{model.weights_sha256}")]
    s3.client.put_object(Bucket=bucket, Key=f"site/{blob}", Body=b"other")
    faults = sorted(check_site())
    assert len(faults) == 2 and f"{image.storage_key} is missing" in faults[0] and "damaged" in faults[1]


# --- what people do, on a host that has no file


def test_people_search_see_and_download(moved: World, member: User, member_client: Client) -> None:
    picture = SimpleUploadedFile("mine.jpg", jpeg(), "image/jpeg")
    answer = member_client.post("/", {"picture": picture, "datasets": moved.dataset.pk})
    assert answer.status_code == 302, answer.content
    search = Search.objects.get(owner=member)
    assert not search.upload.exists() and search.upload_bytes == store().measure(search.upload_key).bytes
    assert member_client.get(f"/searches/{search.pk}/").status_code == 200
    with host("c"):  # the next request comes to another one
        model_cache.cache.clear()
        own = member_client.get(reverse("search-picture", args=[search.pk]))
        assert own.status_code == 200 and b"".join(own).startswith(b"\xff\xd8")  # type: ignore[arg-type]
        ranking = search.rankings.first()
        assert ranking is not None
        shown = member_client.get(reverse("thumbnail", args=[ranking.image_ids[0]]))
        assert shown.status_code == 200 and store().has(Image.objects.get(pk=ranking.image_ids[0]).storage_key)
        run_search(datasets=[moved.dataset], models=moved.models, like=search, by=member, k=3)
        explained = member_client.get(reverse("explanation", args=[search.pk, ranking.pk, ranking.image_ids[0]]))
        assert explained.status_code == 200, explained.content
        assert not search.upload.exists(), "no host has a copy of a private picture"
        search.delete()


def test_a_web_host_with_an_encoder_fetches_no_network(
    moved: World, member: User, encoder: EncoderInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = EncoderInProcess.handle_request

    def elsewhere(self: EncoderInProcess, request: httpx.Request) -> httpx.Response:
        with host("encoder"):
            return answer(self, request)

    monkeypatch.setattr(EncoderInProcess, "handle_request", elsewhere)
    with host("c") as media:
        assert moved.ask(member, upload=jpeg()).rankings.count() == len(moved.models)
        assert not [name for name in files_below(media) if name.endswith(".safetensors")]
        assert [name for name in files_below(media) if name.endswith("index.bin")]
    with host("encoder") as media:
        assert len([name for name in files_below(media) if name.endswith(".safetensors")]) == len(moved.models)


def test_a_deleted_search_takes_its_picture_from_the_storage(
    moved: World, member: User, django_capture_on_commit_callbacks: Any
) -> None:
    search = moved.ask(member, upload=jpeg())
    assert store().has(search.upload_key)
    with host("c"), django_capture_on_commit_callbacks(execute=True):
        remove_searches(Search.stored.filter(pk=search.pk))
    assert not store().has(search.upload_key)


def test_pages_of_models_show_files_without_fetching_them(moved: World, curator_client: Client) -> None:
    model = moved.models[0]
    with host("c") as media:
        page = curator_client.get("/downloads/")
        assert page.status_code == 200 and b"embeddings" in page.content
        assert not (media / model.artifact).exists()
        assert curator_client.get(reverse("model", args=[model.pk])).status_code == 200
        assert curator_client.get("/leaderboard/").status_code == 200
        assert not (media / model.artifact).exists(), "its scores and diagnostics came alone"
        file = curator_client.get(reverse("download-model", args=[model.pk, "embeddings"]))
        assert file.status_code == 200 and b"".join(file)[:6] == b"\x93NUMPY"  # type: ignore[arg-type]


def test_curators_import_add_and_delete_on_different_hosts(moved: World, s3: S3Server, bucket: str) -> None:
    dataset = submit_import(name="Moths", by=None, source="wings:species=4,per_class=4,size=32,seed=7")
    done(dataset.job)
    dataset.refresh_from_db()
    with host("c"):
        index = done(submit_index(moved.models[0], dataset, by=None)).result
        assert index["count"] == 16 and dataset.images.first().file.is_file()
    with host("d"):
        job = done(submit_dataset_deletion(dataset, by=None))
        assert job.result == {"deleted": "Moths"}
    left = [name for name in s3.names(bucket) if name.startswith(dataset.storage_key)]
    assert left == [] and not Index.objects.filter(dataset__name="Moths").exists()


def test_an_upload_is_filled_on_two_hosts_and_imported_on_a_third(moved: World, curator_api: APIClient) -> None:
    upload = Upload.objects.get(pk=curator_api.post("/api/v1/uploads/", {}).json()["id"])

    def send(*paths: str) -> Any:
        files = [SimpleUploadedFile("x.jpg", jpeg(seed)) for seed, _ in enumerate(paths)]
        body = {"files": files, "paths": list(paths)}
        return curator_api.post(f"/api/v1/uploads/{upload.pk}/files/", body, format="multipart")

    with host("f"):  # not where it began
        assert send("owl/1.jpg", "owl/2.jpg").status_code == 200
    with host("c"):
        assert send("jay/1.jpg", "jay/2.jpg", "owl/2.jpg", "tit/1.jpg").status_code == 200
    upload.refresh_from_db()
    assert upload.files == 5
    with host("d"):
        listed = curator_api.get(f"/api/v1/uploads/{upload.pk}/files/").json()["results"]
        assert [row["path"] for row in listed] == ["jay/1.jpg", "jay/2.jpg", "owl/1.jpg", "owl/2.jpg", "tit/1.jpg"]
        body = {"name": "Sent", "upload": str(upload.pk)}
        assert curator_api.post("/api/v1/datasets/", body).status_code == 202
    with host("e"):
        done(Dataset.objects.get(name="Sent").job)
    assert Dataset.objects.get(name="Sent").classes.count() == 3
    assert not store().has(f"{upload.storage_key}/owl/1.jpg")


def test_a_training_that_stopped_is_finished_on_another_host(moved: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = started(moved.dataset, ("multi_similarity",), epochs=3).runs.get()
    say = training.JobContext.say

    def interrupted(context: Any, message: str) -> None:
        say(context, message)
        if message.startswith("epoch 2"):
            raise JobInterrupted("the worker is being stopped")

    with monkeypatch.context() as patched, host("c"):
        patched.setattr(training.JobContext, "say", interrupted)
        jobs.run_job(run.job_id)
    run.refresh_from_db()
    assert run.state == "queued" and [event["epoch"] for event in run.history] == [1, 2]
    [stored] = [found.key.rpartition("/")[2] for found in store().below(checkpoints_of(run))]
    assert stored in ("2", "3"), "the child may be ahead of what is heard of it"
    first = run.history
    with host("d"):
        done(run.job)
    run.refresh_from_db()
    assert [event["epoch"] for event in run.history] == [1, 2, 3]
    assert run.history[:2] == first, "the first two epochs were not trained again"
    assert list(store().below("checkpoints")) == []
    with host("e"):
        assert (Model.objects.get(run=run).folder / "model.json").is_file()


def test_half_of_a_checkpoint_is_not_taken_up(moved: World, s3: S3Server, bucket: str) -> None:
    """A host that died while it stored one leaves objects without a list."""
    run = started(moved.dataset, ("multi_similarity",)).runs.get()
    work = Path(current.VAR_DIR) / "scratch/work-abcd"
    for epoch in (1, 2):
        shutil.rmtree(work, ignore_errors=True)
        (work / f"epoch-{epoch}").mkdir(parents=True)
        (work / f"epoch-{epoch}/checkpoint.json").write_text(str(epoch))
        SharedCheckpoints(run, work).put()
    [name] = [name for name in s3.names(bucket) if "checkpoints" in name and name.endswith(".contents.json")]
    s3.client.put_object(Bucket=bucket, Key="site/" + name.replace("/2/.contents.json", "/3/.files/abc"), Body=b"half")
    with host("c"):
        elsewhere = Path(current.VAR_DIR) / "scratch/work-abcd"
        SharedCheckpoints(run, elsewhere).fetch()
        assert (elsewhere / "epoch-2/checkpoint.json").read_text() == "2"


def test_a_checkpoint_that_its_training_replaced_is_left_for_the_newer_one(
    moved: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(moved.dataset, ("multi_similarity",)).runs.get()
    work = Path(current.VAR_DIR) / "scratch/work-abcd"
    (work / "epoch-2").mkdir(parents=True)
    (work / "epoch-2/checkpoint.json").write_text("2")
    copytree = shutil.copytree

    def replaced(*words: Any, **options: Any) -> Any:
        if (work / "epoch-2").exists():
            (work / "epoch-2").rename(work / "epoch-3")
            raise FileNotFoundError("epoch-2")
        return copytree(*words, **options)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copytree", replaced)
        SharedCheckpoints(run, work).put()
    assert [found.key.rpartition("/")[2] for found in store().below(checkpoints_of(run))] == ["3"]


def test_a_reimport_uses_no_path_twice(moved: World, curator: User) -> None:
    """Another host may have a copy of a picture that was deleted, under its path."""
    dataset = submit_import(name="Moths", by=None, source="wings:species=4,per_class=4,size=32,seed=7")
    done(dataset.job)
    dataset.refresh_from_db()
    gone = dataset.images.filter(split="test").first()
    assert gone is not None
    done(submit_picture_deletion(dataset, [gone.pk], by=curator))
    done(submit_reimport(dataset, by=curator))
    again = dataset.images.get(sha256=gone.sha256)
    assert again.path != gone.path and again.path.endswith(gone.path) and again.file.is_file()


def checkpoints_of(run: Run) -> str:
    [found] = store().below(f"checkpoints/run-{run.pk}")
    return found.key


def test_reports_maps_and_deletion(moved: World, s3: S3Server, bucket: str) -> None:
    experiment = Experiment.objects.get()
    with host("c"):
        done(submit_report(experiment, by=None))
        index = moved.index_of(moved.models[0])
        done(submit_map(index, by=None))
    document = document_of(experiment)
    assert document is not None and len(document["rows"]) >= 2 and stored_map(index) is not None
    with host("d"):
        done(submit_deletion(experiment, by=None))
    left = {name.split("/")[0] for name in s3.names(bucket)}
    assert left & {"runs", "indexes", "reports", "maps"} == set()


def test_the_storage_page_counts_what_is_stored_and_copied(moved: World) -> None:
    Path(current.VAR_DIR).mkdir()
    groups = {group.title: group.bytes for group in usage(fresh=True).groups}
    assert groups["Models"] > 0 and groups["Indexes"] > 0 and "Copies on this host" not in groups
    assert moved.models[0].folder.is_dir()
    assert {group.title: group.bytes for group in usage(fresh=True).groups}["Copies on this host"] > 0


def test_what_no_row_needs_is_found_in_the_storage(moved: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "KEEP_NEW", timedelta(seconds=-1))
    store().write("searches/00000000-0000-0000-0000-000000000000.jpg", b"nobody's")
    found = unused_files(garbage.PRIVATE)
    assert [(item.key, item.bytes) for item in found] == [("searches/00000000-0000-0000-0000-000000000000.jpg", 8)]
    sweep_leftovers(timezone.now())
    assert unused_files() == []


# --- a storage that is away


def test_a_site_without_its_storage_says_so(
    moved: World, member: User, member_client: Client, member_api: APIClient, settings: Settings
) -> None:
    settings.STORAGE_URL = "s3://kindred/site?endpoint=http://127.0.0.1:9"
    member_client.raise_request_exception = member_api.raise_request_exception = False
    page = member_client.get(reverse("thumbnail", args=[world_image(moved).pk]))
    assert page.status_code == 503 and page["Retry-After"]
    answer = member_api.get(f"/api/v1/images/{world_image(moved).pk}/file/?size=thumbnail")
    assert answer.status_code == 503 and answer["Retry-After"] and answer.json()["type"] == "/api/problems/busy"
    body = {"image_id": world_image(moved).pk, "datasets": [moved.dataset.pk]}
    answer = member_api.post("/api/v1/searches/", body)
    assert answer.status_code == 503 and "storage" in answer.json()["detail"]


def test_a_job_without_the_storage_waits_and_then_fails_with_a_sentence(moved: World, settings: Settings) -> None:
    url = settings.STORAGE_URL
    job = submit_index(moved.models[0], moved.dataset, by=None)
    settings.STORAGE_URL = "s3://kindred/site?endpoint=http://127.0.0.1:9"
    for _ in range(2):  # each time a little later
        jobs.run_job(job.pk)
        job.refresh_from_db()
        assert job.state == "queued" and job.sent_at is not None
    assert "does not answer" in failed(job)
    jobs.retry(job)
    Job.objects.filter(pk=job.pk).update(cancel_asked=True)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"
    settings.STORAGE_URL = url
    jobs.retry(job)
    assert done(job).result["count"] == 48


def test_a_host_is_ready_only_with_its_storage(bucket: str, settings: Settings, db: None) -> None:
    check_storage()
    settings.STORAGE_URL = "s3://kindred/site?endpoint=http://127.0.0.1:9"
    with pytest.raises(StorageAway):
        check_storage()


def test_where_files_are_is_asked_of_one_package() -> None:
    """Another storage takes three files: its own, the table in storage/store.py, and docs/settings.md."""
    root = Path(current.BASE_DIR)
    found = {}
    for app in ("accounts", "backups", "config", "jobs", "mlcore", "operations", "ratings", "retrieval", "storage"):
        for file in (root / app).rglob("*.py"):
            text = file.read_text()
            found[str(file.relative_to(root))] = [word for word in ("obstore", "s3://", ".is_shared") if word in text]
    # The doctor probes what it knows of S3; another storage does without.
    knows = {file: words for file, words in found.items() if words and "/doctor/" not in file}
    engines = {file for file, words in knows.items() if {"obstore", "s3://"} & set(words)}
    assert engines == {"storage/objects.py", "storage/claim.py"}
    assert {file for file, words in knows.items() if ".is_shared" in words and not file.startswith("storage/")} <= {
        "backups/services/backing_up.py",
        "backups/services/restoring.py",
        "retrieval/pages/services/storage/needed.py",
        "backups/services/site.py",
        "retrieval/experiments/services/shared_checkpoints.py",
        "retrieval/datasets/services/reimporting.py",
        "retrieval/pages/services/storage/cleanup.py",
        "retrieval/pages/services/storage/moving.py",
        "retrieval/pages/services/storage/sizes.py",
    }
