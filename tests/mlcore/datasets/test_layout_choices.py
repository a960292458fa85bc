"""What a user chooses about a layout changes how it is read, or is refused with the way out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.datasets import open_source
from mlcore.datasets.layout_choices import LayoutChoices
from mlcore.datasets.source import TEST, TRAIN
from mlcore.errors import DatasetError


@pytest.fixture
def halves(write_files: Callable[..., Path]) -> Path:
    """Return a folder whose test classes come first by name."""
    return write_files(
        {
            f"{half}/{name}/{n}.jpg": None
            for half, names in (("test", "ab"), ("train", "cd"))
            for name in names
            for n in "12"
        }
    )


def splits_of(where: Path, choices: LayoutChoices) -> dict[str, str]:
    with open_source(where, choices=choices) as source:
        return {source.classes[item.label]: item.split for item in source.items}


def test_the_split_can_be_by_halves_of_the_classes(halves: Path) -> None:
    assert splits_of(halves, LayoutChoices()) == {"a": TEST, "b": TEST, "c": TRAIN, "d": TRAIN}
    assert splits_of(halves, LayoutChoices(split="halves")) == {"a": TRAIN, "b": TRAIN, "c": TEST, "d": TEST}


def test_classes_get_the_names_that_are_chosen(halves: Path) -> None:
    assert sorted(splits_of(halves, LayoutChoices(class_names={"a": "adonis", "d": " dryas "}))) == [
        "adonis", "b", "c", "dryas",
    ]  # fmt: skip


@pytest.mark.parametrize("names", [{"a": "b"}, {"a": " "}, {"nobody": "e"}])
def test_a_name_that_fits_no_class_alone_is_refused(halves: Path, names: dict[str, str]) -> None:
    with pytest.raises(DatasetError), open_source(halves, choices=LayoutChoices(class_names=names)):
        pass


def test_the_reader_can_be_named(halves: Path) -> None:
    with open_source(halves, choices=LayoutChoices(reader="folder")) as source:
        assert source.reader == "folder"
    with pytest.raises(DatasetError, match="cub200"), open_source(halves, choices=LayoutChoices(reader="cub")):
        pass
    with pytest.raises(DatasetError, match="CUB"), open_source(halves, choices=LayoutChoices(reader="cub200")):
        pass


@pytest.mark.parametrize("values", [{"levels": 2}, {"split": "thirds"}])
def test_what_cannot_be_chosen_is_named(values: dict[str, object]) -> None:
    with pytest.raises(DatasetError, match=next(iter(values)).removesuffix("s")):
        LayoutChoices.from_json(values)


def test_choices_are_stored_without_what_is_left_open() -> None:
    choices = LayoutChoices(level=2, class_names={"a": "b"})
    assert choices.to_json() == {"level": 2, "class_names": {"a": "b"}}
    assert LayoutChoices.from_json(choices.to_json()) == choices


def test_a_drawn_set_takes_no_choice() -> None:
    with pytest.raises(DatasetError, match="level"), open_source("wings", choices=LayoutChoices(level=2)):
        pass
