"""Which folder names the class, from paths alone."""

import unicodedata

import pytest

from mlcore.datasets.class_folders import arrange_folders
from mlcore.datasets.folder_remarks import remarks_on_folders
from mlcore.errors import DatasetError


def names(*folders: str, level: int = 0, each: int = 9) -> dict[str, str]:
    """Return the class of each folder that holds `each` pictures."""
    found = arrange_folders(dict.fromkeys(folders, each), level)
    return {folder: place.name for folder, place in found.classes.items()}


SPECIES = ("i/Aves/Ardea alba", "i/Aves/Corvus corax", "i/Plantae/Acer rubrum", "i/Insecta/Apis mellifera")


def test_deepest_folders_name_the_classes_where_all_lie_as_deep() -> None:
    assert sorted(names(*SPECIES).values()) == ["Acer rubrum", "Apis mellifera", "Ardea alba", "Corvus corax"]


def test_level_can_be_chosen_and_the_levels_are_offered_with_their_first_classes() -> None:
    assert set(names(*SPECIES, level=1).values()) == {"Aves", "Plantae", "Insecta"}
    found = arrange_folders(dict.fromkeys(SPECIES, 9), 1)
    assert [(level.number, level.classes) for level in found.levels] == [(1, 3), (2, 4)]
    assert found.levels[0].first == ("Aves", "Insecta", "Plantae")
    assert (found.level, found.deeper) == (1, 36)


def test_level_that_lies_too_deep_is_refused_with_the_deepest() -> None:
    with pytest.raises(DatasetError, match="level 3; the deepest is level 2"):
        names(*SPECIES, level=3)


def test_same_name_below_two_parents_is_two_classes() -> None:
    found = names("Aves/alba", "Aves/corax", "Plantae/alba", "Plantae/rubrum", "Plantae/robur")
    assert found["Aves/alba"] == "alba (Aves)" and found["Plantae/alba"] == "alba (Plantae)"
    assert found["Plantae/robur"] == "robur"


@pytest.mark.parametrize("inner", [("day", "night"), ("train", "test"), ("images",)])
def test_folders_that_repeat_in_every_class_are_no_classes(inner: tuple[str, ...]) -> None:
    found = names(*(f"{name}/{part}" for name in ("oak", "fir", "elm") for part in inner))
    assert set(found.values()) == {"oak", "fir", "elm"}


def test_few_pictures_beside_class_folders_are_left_out() -> None:
    found = arrange_folders({**dict.fromkeys(SPECIES, 9), "i/Aves": 2, "i": 1, "": 1})
    assert found.left_out.keys() == {"i/Aves", "i", ""}
    assert found.level == 2


def test_uneven_depths_leave_the_class_to_the_first_folder() -> None:
    found = arrange_folders({"a": 3, "a/young": 3, "b/old": 3, "c": 3})
    assert {place.name for place in found.classes.values()} == {"a", "b", "c"}
    assert found.deeper == 6


def test_levels_are_counted_below_the_folders_of_a_split() -> None:
    folders = [f"data/{half}/{top}/{name}" for half in ("train", "test") for top, name in (("A", "x"), ("B", "y"))]
    assert set(names(*folders, level=1).values()) == {"A", "B"}
    assert set(names(*folders, level=2).values()) == {"x", "y"}


def test_unicode_forms_of_a_name_are_one_class() -> None:
    nfc, nfd = (unicodedata.normalize(form, "Grünfink") for form in ("NFC", "NFD"))
    pictures = dict.fromkeys([nfc, nfd, "Star", "Wren"], 3)
    found = arrange_folders(pictures)
    assert {place.name for place in found.classes.values()} == {nfc, "Star", "Wren"}
    assert found.joined == (nfc,)
    assert any(nfc in remark for remark in remarks_on_folders(found, pictures))


@pytest.mark.parametrize("other", ["wren", "Wren ", "WREN"])
def test_names_that_differ_in_case_or_spaces_stay_apart_with_a_remark(other: str) -> None:
    pictures = dict.fromkeys(["Wren", other, "Star"], 3)
    found = arrange_folders(pictures)
    assert len({place.name for place in found.classes.values()}) == 3
    assert any(repr(other) in remark for remark in remarks_on_folders(found, pictures))


def test_folders_of_a_split_without_class_folders_are_refused() -> None:
    with pytest.raises(DatasetError, match="test/, train/, val/"):
        names("train", "test", "val")
    assert len(arrange_folders(dict.fromkeys(["train", "test", "val"], 1), flat_halves=True).classes) == 3


def test_class_named_like_a_half_is_remarked_on() -> None:
    pictures = dict.fromkeys(["train", "bus", "car"], 3)
    assert any("train" in remark for remark in remarks_on_folders(arrange_folders(pictures), pictures))


def test_plain_folders_need_no_remark() -> None:
    pictures = dict.fromkeys(["oak", "fir", "elm"], 3)
    assert remarks_on_folders(arrange_folders(pictures), pictures) == ()


def test_pictures_left_out_are_counted_by_folder() -> None:
    pictures = {"train/a": 4, "train/b": 4, "train": 1, "test": 6, "val/a": 2}
    (left_out, shared) = remarks_on_folders(arrange_folders(pictures), pictures)
    assert left_out.startswith("7 pictures") and "6 in test, 1 in train" in left_out
    assert shared.startswith("1 of 2")
