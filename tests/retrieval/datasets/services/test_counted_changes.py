"""Counts of a data set after changes, against a count of every picture; and what a change costs."""

import random
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.errors import Rejected
from mlcore.datasets.import_report import shortened
from mlcore.datasets.statistics import count_pictures
from retrieval.datasets.services import catalogue, curating
from retrieval.datasets.services.catalogue import fresh_catalogue
from retrieval.datasets.services.changed_pictures import changed_since
from retrieval.datasets.services.classes import add_classes
from retrieval.models import Dataset, Image

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def filled(splits: list[str], classes: int, images: int) -> Dataset:
    """Return a data set whose classes take turns, each with the next of the splits, its report counted."""
    row = Dataset.objects.create(name=f"D{images}", slug=f"d{images}", source="rows", revision=1, fingerprint="f" * 64)
    add_classes(row, [f"class {label}" for label in range(classes)])
    Image.objects.bulk_create(
        (
            Image(
                dataset=row,
                path=f"{number}.jpg",
                label=number % classes,
                split=splits[number % classes % len(splits)],
                sha256=f"{number:064x}",
                width=1,
                height=1,
            )
            for number in range(images)
        ),
        batch_size=1000,
    )
    row.report = counted(row)
    row.save()
    return row


def counted(row: Dataset) -> dict[str, Any]:
    """Count every visible picture."""
    counts = count_pictures(row.class_names, list(row.images.filter(hidden=False)))
    return shortened({**counts, "singleton_classes": list(counts["singleton_classes"])})


def now(row: Dataset) -> Dataset:
    return Dataset.objects.get(pk=row.pk)


@pytest.mark.parametrize("splits", [["train", "test"], ["train", "query"]], ids=["test", "queries"])
def test_counts_are_those_of_all_pictures_whatever_changes(splits: list[str]) -> None:
    row, chance = filled(splits, classes=12, images=40), random.Random(4)
    if "query" in splits:  # every second held-out picture is of the gallery
        for pk in row.images.filter(split="query").values_list("pk", flat=True)[::2]:
            Image.objects.filter(pk=pk).update(split="gallery")
        Dataset.objects.filter(pk=row.pk).update(report=counted(row))
    refused = 0
    for step in range(60):
        pictures = chance.sample(list(row.images.values_list("pk", flat=True)), chance.randint(1, 4))
        names = [name for name in now(row).class_names if row.images.filter(dataset_class__name=name).exists()]
        before = counted(row)
        try:
            match chance.choice(["hide", "show", "show", "move", "merge", "rename"]):
                case "hide":
                    curating.set_hidden(row, pictures, True, by=None)
                case "show":
                    curating.set_hidden(row, pictures, False, by=None)
                case "move":
                    curating.relabel(row, pictures, chance.choice(names), by=None)
                case "merge" if step % 20 == 0:
                    label = row.classes.get(name=chance.choice(names)).label
                    curating.merge_classes(row, label, chance.choice(names), by=None)
                case "rename":
                    label = row.classes.get(name=chance.choice(names)).label
                    curating.rename_class(row, label, f"name {step}", by=None)
        except Rejected:
            refused += 1
            assert counted(row) == before
        assert now(row).report == counted(row)
    assert now(row).revision > 15 and refused < 30


def test_a_revision_with_the_pictures_of_an_earlier_one_has_its_fingerprint() -> None:
    row = filled(["train", "test"], classes=6, images=30)
    first, second = row.images.values_list("pk", flat=True)[:2]
    curating.set_hidden(row, [first], True, by=None)
    curating.relabel(row, [second], "class 3", by=None)
    assert now(row).fingerprint == "" and now(row).revisions == {"f" * 64: 1}
    curating.set_hidden(row, [first], False, by=None)
    assert now(row).fingerprint == "", "one is still moved"
    curating.relabel(row, [second], "class 1", by=None)
    assert now(row).fingerprint == "f" * 64 and now(row).revisions == {"f" * 64: 5}


def test_a_change_writes_no_file_and_runs_the_same_queries_whatever_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small, large = filled(["train", "test"], 10, 60), filled(["train", "test"], 10, 6000)
    monkeypatch.setattr(catalogue, "stage_catalogue", None)
    queries = {}
    for row in (small, large):
        picture = row.images.values_list("pk", flat=True)[7]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            curating.set_hidden(row, [picture], True, by=None)
        queries[row.pk] = len(captured)
        assert changed_since(row.pk, 1).gone == {picture}
    assert queries[small.pk] == queries[large.pk] <= 30


def test_a_change_while_a_job_writes_the_files_makes_it_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    row = filled(["train", "test"], 4, 12)
    row.folder.mkdir(parents=True)
    (row.folder / "dataset.json").write_text("{}")
    pictures = list(row.images.values_list("pk", flat=True))
    stage, left = catalogue.stage_catalogue, pictures[:2]

    def slow(*args: Any, **kwargs: Any) -> Any:
        staged = stage(*args, **kwargs)
        if left:
            curating.set_hidden(row, [left.pop()], True, by=None)
        return staged

    monkeypatch.setattr(catalogue, "stage_catalogue", slow)
    after, files = fresh_catalogue(row.pk)
    assert after.revision == 3 and files.fingerprint == now(row).fingerprint != ""
    assert set(files.ids.tolist()) == set(pictures[2:])
    assert [entry["fingerprint"] for entry in now(row).history] == ["f" * 64, "", files.fingerprint]
    assert sorted(file.name for file in row.folder.iterdir()) == ["dataset.json", "images.csv"], "no stage is left"


def test_every_job_that_gives_a_child_the_files_has_them_written_before() -> None:
    services = Path(__file__).resolve().parents[4] / "retrieval"
    texts = ((file, file.read_text()) for file in services.rglob("services/*.py"))
    modules = {file.name: text for file, text in texts if '"--data"' in text}
    children = modules.keys()
    assert children == {"training.py", "tuning.py", "reports.py", "estimates.py", "external_models.py"}
    assert [name for name in children if "catalogue_with_pictures(" not in modules[name]] == []
