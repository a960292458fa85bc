"""The client against a real server and a real worker."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.models import User
from jobs.models import Job
from kindred_client import (
    Forbidden,
    Invalid,
    JobFailed,
    NotFound,
    Stale,
    Unauthenticated,
    etag,
    folders,
    result_rows,
)
from retrieval.models import Dataset, Image, Upload
from tests.jobs.live import Live, wait_until
from tests.kindred_client.site import Site, tiny_jpegs
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import LOSSES, SMALL, World

pytestmark = pytest.mark.queue

CLASSES, EACH, HALFWAY = 20, 40, 200
PATIENCE = 120  # seconds


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def site(live: Live) -> Site:
    return Site(live)


class Importing(threading.Thread):
    """An import that goes on while the test does something to the server."""

    def __init__(self, site: Site, curator: User, folder: Path) -> None:
        super().__init__(daemon=True)
        self.kindred, self.folder = site.client(curator), folder
        self.dataset: Any = None
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            self.dataset = self.kindred.datasets.import_folder(self.folder, "Tiny", licence="CC0")
        except BaseException as error:  # noqa: BLE001  # told in the thread of the test
            self.fault = error


def arrived() -> int:
    return sum(Upload.objects.values_list("files", flat=True))


def test_an_import_outlives_a_server_that_is_killed_in_its_middle(
    live: Live, site: Site, curator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MOST_FILES", 10)  # so that there is a middle
    tiny_jpegs(tmp_path / "tiny", CLASSES, EACH)
    live.start_worker("work")
    importing = Importing(site, curator, tmp_path / "tiny")
    importing.start()
    wait_until(lambda: arrived() >= HALFWAY, PATIENCE, lambda: f"half, {importing.fault!r}\n{live.logs()}")
    site.kill9()
    assert HALFWAY <= arrived() < CLASSES * EACH and importing.is_alive()
    site.start()
    importing.join(PATIENCE)
    assert importing.fault is None and not importing.is_alive(), live.logs()

    [dataset] = Dataset.objects.all()
    assert importing.dataset["id"] == dataset.pk and importing.dataset["licence"] == "CC0"
    assert dataset.images.count() == CLASSES * EACH
    assert len(set(dataset.images.values_list("sha256", flat=True))) == CLASSES * EACH
    assert dataset.report["duplicates"] == [] and dataset.report["broken"] == []
    assert dataset.class_names == [f"class {number:02d}" for number in range(CLASSES)]
    assert Job.objects.filter(kind="import").count() == 1
    assert not Upload.objects.exists() and not list((Path(settings.MEDIA_ROOT) / "uploads").iterdir())
    assert not list((tmp_path / "state").rglob("*.json"))


def test_a_folder_is_imported_added_to_and_walked(live: Live, site: Site, curator: User, tmp_path: Path) -> None:
    tiny_jpegs(tmp_path / "tiny", 3, 4)
    live.start_worker("work")
    kindred = site.client(curator)
    dataset = kindred.datasets.import_folder(tmp_path / "tiny", "Tiny")
    (tmp_path / "more" / "Dodo").mkdir(parents=True)
    (tmp_path / "more" / "Dodo" / "1.jpg").write_bytes(jpeg(1))
    (tmp_path / "more" / "class 00").mkdir()
    (tmp_path / "more" / "class 00" / "1.jpg").write_bytes(jpeg(2))
    job = kindred.datasets.add_folder(dataset, tmp_path / "more", "test")
    assert job["result"]["added"] == 2
    walked = list(kindred.datasets.images(dataset, limit=5))
    assert [row["id"] for row in walked] == list(Image.objects.order_by("pk").values_list("pk", flat=True))
    assert {row["class_name"] for row in walked} == {"Dodo", "class 00", "class 01", "class 02"}
    (tmp_path / "one" / "owl").mkdir(parents=True)
    (tmp_path / "one" / "owl" / "1.jpg").write_bytes(jpeg(1))
    with pytest.raises(JobFailed, match="needs at least 3"):
        kindred.datasets.import_folder(tmp_path / "one", "One")


def test_refusals_are_problems(site: Site, curator: User, member: User) -> None:
    kindred = site.client(member)
    with pytest.raises(NotFound):
        kindred.datasets.get(1)
    with pytest.raises(Forbidden):
        kindred.uploads.create()
    with pytest.raises(Unauthenticated):
        type(kindred)(site.address, "kin_nothing").me()
    with pytest.raises(Invalid) as refused:
        kindred.me.update(display_name="")
    assert "display_name" in refused.value.fields and refused.value.request_id
    me = kindred.me()
    kindred.me.update(display_name="Maja", if_match=etag(me))
    with pytest.raises(Stale):
        kindred.me.update(display_name="Mia", if_match=etag(me))


def test_a_world_is_searched(live: Live, site: Site, world: World, member: User, tmp_path: Path) -> None:
    kindred = site.client(member)
    (tmp_path / "photo.jpg").write_bytes(jpeg(1))
    image = world.test_images[0].pk
    search = kindred.searches.create(datasets=[world.dataset.pk], file=tmp_path / "photo.jpg", k=3)
    assert [len(column["results"]) for column in search["columns"]] == [3, 3]
    assert kindred.searches.get(search)["id"] == search["id"]
    pictures = [image, tmp_path / "photo.jpg", 10**9, tmp_path / "gone.jpg", image]
    found = list(kindred.searches.many(pictures, datasets=[world.dataset.pk], models=[world.models[0].pk], k=2))
    assert [isinstance(one, dict) for one in found] == [True, True, False, False, True]
    assert found[0]["query_image"] == found[4]["query_image"] == image  # type: ignore[index]
    assert {row["id"] for row in kindred.searches.list(limit=2)} >= {found[0]["id"], search["id"]}  # type: ignore[index]
    assert kindred.images.file(image).read().startswith(b"\xff\xd8")


def test_answers_are_refined_marked_and_saved(site: Site, world: World, member: User, tmp_path: Path) -> None:
    kindred = site.client(member)
    search = kindred.searches.create(datasets=[world.dataset.pk], image_id=world.test_images[0].pk, k=4)
    rows = result_rows(search)
    assert len(rows) == 8 and {"model_name", "rank", "similarity", "url"} <= set(rows.columns)
    refined = kindred.searches.refine(search, more_like=[rows[0]["image"]], less_like=[rows[3]["image"]])
    assert refined["root"] == search["id"] and refined["more_like"] == [rows[0]["image"]]
    kindred.ratings.mark(rows[0]["ranking"], rows[0]["image"], 2)
    [mark] = kindred.ratings.marks()
    kindred.ratings.unmark(mark)
    assert kindred.ratings.marks().first() is None
    saved = kindred.searches.update(search, name="Owls", if_match=etag(kindred.searches.get(search)))
    assert saved["name"] == "Owls" and [row["id"] for row in kindred.searches.list(saved=True)] == [search["id"]]
    assert len(kindred.searches.file(search, "csv").table()) == 8
    assert kindred.searches.file(search, "zip").save(tmp_path).suffix == ".zip"
    kindred.searches.delete(refined)
    assert kindred.searches.restore(refined)["id"] == refined["id"]
    kindred.searches.delete(refined)
    with pytest.raises(NotFound):
        kindred.searches.get(refined)


def test_ballots_are_cast_and_counted(site: Site, world: World, member: User) -> None:
    kindred = site.client(member)
    ballot = kindred.ratings.next_ballot()
    assert all("model" not in column for column in ballot["columns"])
    rated = kindred.ratings.rate(ballot, {column["ranking"]: 3 for column in ballot["columns"]})
    assert {column["model"] for column in rated["columns"]} == {model.name for model in world.models}
    assert kindred.ratings.progress()["done"] == 1
    [section] = kindred.ratings.leaderboard(dataset=world.dataset.slug)["datasets"]
    assert section["ratings"] == 1 and len(section["rows"]) == 2
    assert len(kindred.ratings.export(world.dataset.pk, "ratings.csv").table()) == 2
    assert kindred.ratings.leaderboard_file("csv").table()
    assert kindred.ratings.withdraw(ballot)["withdrawn_at"]


def test_losses_are_compared_in_one_call(live: Live, site: Site, world: World, curator: User) -> None:
    for queue in ("train", "work"):
        live.start_worker(queue)
    kindred, small = site.client(curator), {**SMALL, "epochs": 1}
    report = kindred.experiments.compare(LOSSES, world.dataset.pk, "demo", changes=small, publish=False)
    assert {row["loss"] for row in report["rows"]} >= set(LOSSES)
    [experiment] = kindred.experiments.list(limit=1, dataset=world.dataset.pk).table()[:1]
    assert experiment["name"].startswith("soft_triple, multi_similarity on data set")
