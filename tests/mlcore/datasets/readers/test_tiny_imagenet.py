"""Tiny ImageNet."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.errors import DatasetError

Write = Callable[..., Path]
IDS = ("n02", "n01", "n04", "n03")
WORDS = b"n00\tentity\nn01\tgoldfish, Carassius auratus\nn02\tcrane\nn03\tcrane, hoist\nn04\tpill bottle\n"


def layout(top: str = "") -> dict[str, bytes | None]:
    files: dict[str, bytes | None] = {"wnids.txt": "\n".join(IDS).encode(), "words.txt": WORDS}
    for word_id in IDS:
        files |= {f"train/{word_id}/images/{word_id}_{number}.JPEG": None for number in range(2)}
        files[f"train/{word_id}/{word_id}_boxes.txt"] = b"x 1 2 3 4"
    files |= {f"val/images/val_{number}.JPEG": None for number in range(4)}
    lines = [f"val_{number}.JPEG\t{word_id}\t0\t32\t44\t62" for number, word_id in enumerate(IDS)]
    files["val/val_annotations.txt"] = "\n".join(lines).encode()
    files["test/images/test_0.JPEG"] = None
    return {f"{top}{path}": data for path, data in files.items()}


@pytest.mark.parametrize("top", ["", "tiny-imagenet-200/"])
def test_classes_have_names_and_both_labelled_halves_are_taken(top: str, write_files: Write) -> None:
    with open_source(write_files(layout(top))) as source:
        assert source.reader == "tiny_imagenet"
        assert source.classes == ("goldfish", "crane (n02)", "crane (n03)", "pill bottle")
        assert [item.split for item in source.items] == ["train"] * 6 + ["test"] * 6
        labels = {item.path: source.classes[item.label] for item in source.items}
        assert labels[f"{top}val/images/val_0.JPEG"] == "crane (n02)"
        assert labels[f"{top}train/n04/images/n04_1.JPEG"] == "pill bottle"
        assert [path for path, _ in source.broken] == [f"{top}test/images/test_0.JPEG"]
        assert "4 classes are in both" in source.remarks[0]


def test_validation_pictures_may_lie_in_class_folders(write_files: Write) -> None:
    files = {path: data for path, data in layout().items() if not path.startswith("val/")}
    with open_source(write_files(files | {f"val/{word_id}/images/{word_id}.JPEG": None for word_id in IDS})) as source:
        assert len(source.items) == 12


def test_what_is_missing_is_named(write_files: Write) -> None:
    files = layout()
    del files["val/images/val_2.JPEG"]
    with open_source(write_files(files)) as source:
        assert ("val/images/val_2.JPEG", "is listed and not there") in source.broken and len(source.items) == 11
    with (
        pytest.raises(DatasetError, match="no line for n04"),
        open_source(write_files(files | {"words.txt": WORDS[:60]}, "short")),
    ):
        pass
