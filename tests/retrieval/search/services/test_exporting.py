import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from PIL import Image as Pillow

from accounts.models import User
from config.errors import Busy
from retrieval.models import Dataset, Image, Search
from retrieval.search.services import exporting
from retrieval.search.services.marks import mark
from retrieval.search.services.results import Column, Result, results_of
from tests.retrieval.pictures import GOOD, jpeg
from tests.retrieval.world import World, replaced

pytestmark = pytest.mark.django_db


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def shown(search: Search) -> list[tuple[Column, Result]]:
    return [(column, result) for column in results_of(search, search.owner).columns for result in column.results]


def zipped(search: Search) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(exporting.results_zip(search, search.owner))))
    assert archive.testzip() is None
    return archive


def test_the_table_holds_what_the_page_shows(world: World, member: User) -> None:
    search = world.ask(member)
    ranking = search.rankings.all()[0]
    mark(member, ranking, ranking.image_ids[2], 1)
    rows = table(exporting.results_csv(search, member))
    assert len(rows) == 6 and [row["mark"] for row in rows] == ["", "", "1", "", "", ""]
    for row, (column, result) in zip(rows, shown(search), strict=True):
        assert (row["model"], row["model_name"]) == (str(column.model), column.model_name)
        assert (row["rank"], row["image"], row["path"]) == (str(result.rank), str(result.image), result.record.path)
        assert (row["class_name"], float(row["similarity"])) == (result.record.class_name, result.similarity)
        assert (row["dataset"], row["dataset_name"]) == (str(world.dataset.pk), "Wings")


def test_names_that_would_be_formulas_are_text(world: World, member: User) -> None:
    search = world.ask(member)
    world.dataset.classes.update(name=Concat(Value("=cmd|"), "name"))
    assert all(row["class_name"].startswith("'=cmd|") for row in table(exporting.results_csv(search, member)))


def test_json_has_the_query_and_the_licences(world: World, member: User) -> None:
    Dataset.objects.update(licence="CC BY 4.0", attribution="Wings, drawn here")
    search = world.ask(member)
    value = json.loads(exporting.results_json(search, member))
    assert value["id"] == str(search.pk) and value["query"]["path"] == world.test_images[0].path
    assert value["datasets"] == [
        {"id": world.dataset.pk, "name": "Wings", "licence": "CC BY 4.0", "attribution": "Wings, drawn here"}
    ]
    rows = [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in value["results"]]
    assert rows == table(exporting.results_csv(search, member))
    assert json.loads(exporting.results_json(world.ask(member, upload=jpeg()), member))["query"] is None


def test_the_archive_has_a_folder_a_model_the_table_and_the_licence(world: World, member: User) -> None:
    Dataset.objects.update(licence="CC BY 4.0", attribution="Wings, drawn here")
    search = world.ask(member)
    archive = zipped(search)
    rows = table(archive.read("results.csv").decode())
    names = {row["file"] for row in rows}
    assert set(archive.namelist()) == names | {"query.jpg", "results.csv", "LICENCE.txt"} and len(names) == 6
    first, second = world.models
    assert {name.split("/")[0] for name in names} == {f"softtriple-{first.pk}", f"multi-similarity-{second.pk}"}
    for row in rows:
        image = Image.objects.get(pk=row["image"])
        with Pillow.open(io.BytesIO(archive.read(row["file"]))) as picture:
            assert picture.size == (image.width, image.height)
    licence = archive.read("LICENCE.txt").decode()
    assert "Wings" in licence and "CC BY 4.0" in licence and "Attribution: Wings, drawn here" in licence


def test_a_data_set_without_a_licence_says_so(world: World, member: User) -> None:
    Dataset.objects.update(licence="", attribution="")
    assert "not stated; ask" in zipped(world.ask(member)).read("LICENCE.txt").decode()


def test_no_picture_says_what_a_camera_wrote(world: World, member: User) -> None:
    search = world.ask(member)
    image = shown(search)[0][1].record
    replaced(image.file, GOOD["a photo lying on its side"])
    Image.objects.filter(pk=image.pk).update(sha256="f" * 64)  # nothing is kept of it yet
    archive = zipped(search)
    for name in archive.namelist():
        if name.endswith(".jpg"):
            with Pillow.open(io.BytesIO(archive.read(name))) as picture:
                assert not picture.getexif()


def test_a_picture_that_is_gone_is_left_out_and_said_to_be(world: World, member: User) -> None:
    search = world.ask(member)
    image = shown(search)[0][1].record
    image.file.unlink()
    Image.objects.filter(pk=image.pk).update(sha256="e" * 64)
    archive = zipped(search)
    rows = table(archive.read("results.csv").decode())
    assert {row["image"] for row in rows if not row["file"]} == {str(image.pk)}
    assert len([name for name in archive.namelist() if "/" in name]) == len([row for row in rows if row["file"]])


def test_a_picture_whose_turn_does_not_come_is_left_out() -> None:
    tries: list[int] = []

    def find() -> Path:
        tries.append(1)
        raise Busy

    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        assert not exporting._put(archive, "a.jpg", find)
        assert not archive.namelist() and len(tries) == exporting.TRIES


def test_the_archive_comes_picture_by_picture(world: World, member: User) -> None:
    parts = list(exporting.results_zip(world.ask(member), member))
    assert len(parts) == 8 and all(parts), "the query, six results, and the end"


def test_an_archive_cut_off_midway_does_not_open(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(search: Search) -> str:
        raise OSError("disk")

    monkeypatch.setattr(exporting, "_licences", fail)
    parts = []
    with pytest.raises(OSError, match="disk"):
        for part in exporting.results_zip(world.ask(member), member):
            parts.append(part)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(parts)))
