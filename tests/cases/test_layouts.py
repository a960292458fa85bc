"""Layouts that people bring become the classes, the split and the remarks that are right for them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlcore.datasets import import_pictures, open_source
from mlcore.datasets.source import TRAIN
from mlcore.errors import DatasetError
from tests.cases import layouts

Layout = Callable[[Path], Path]


@dataclass(frozen=True)
class Right:
    """What an import of a layout gives. train: classes that train, None where that does not matter."""

    classes: Iterable[str]
    images: int
    train: int | None = None
    left_out: int = 0
    remark: str = ""


SPECIES = [name for names in layouts.SPECIES.values() for name in names]

RIGHT: dict[Layout, Right] = {
    layouts.kaggle_flat_test: Right("abcd", 24, 2, 6, "6 in test"),
    layouts.capital_flat_test: Right("abcd", 24, 2, 6, "6 in d/TEST/TEST"),
    layouts.flat_prediction_half: Right("abcd", 24, 2, 3, "3 in seg_pred/seg_pred"),
    layouts.flat_validation_and_test: Right("abcd", 24, 2, 6, "3 in validation_set"),
    layouts.kaggle_stray_preview: Right("abcdefghij", 40, 6, 1, "1 in train"),
    layouts.stray_at_the_top: Right("abcdefghij", 40, 6, 3, "1 in Test"),
    layouts.stray_folder_of_samples: Right("abcdefghij", 40, 6, 3, "3 in x/sample_images"),
    layouts.stray_folder_of_classes: Right("abcdefghij", 40, 6, 2, "2 in unsorted/k"),
    layouts.fruits_training_test: Right("abcd", 24, 2, 3, "within classes"),
    layouts.training_set_and_test_set: Right("abcd", 24, 2, 0, "within classes"),
    layouts.trainset_testset: Right("abcd", 25, 2, 0, "within classes"),
    layouts.evaluation_beside_training: Right("abcd", 24, 2, 0, "within classes"),
    layouts.inat_supercategories: Right(SPECIES, 18, 3, 0, "level 1: 3"),
    layouts.supercategories_with_a_stray: Right(SPECIES, 18, 3, 1, "level 1: 3"),
    layouts.supercategories_in_halves: Right(SPECIES, 18, 4, 0, "level 1: 3"),
    layouts.three_levels: Right(SPECIES, 18, 3, 0, "level 1: 2"),
    layouts.nfd_nfc: Right(["Grünfink", *"abcd"], 18, 3, 0, "Grünfink"),
    layouts.nfd_nfc_in_halves: Right(["Blåmes", *"abcdxy"], 24, 5, 0, "Blåmes"),
    layouts.hangul_forms: Right(["까치", *"abcd"], 18, 3, 0, "까치"),
    layouts.synology: Right("abcd", 12, 2, 0, "25 of @eaDir, 1 of #recycle"),
    layouts.qnap: Right("abcd", 12, 2, 0, "12 of .@__thumb"),
    layouts.windows_and_mac: Right("abcd", 12, 2, 0, "12 of ._*"),
    layouts.photo_programs: Right("abcd", 12, 2, 0, "1 of *.lrdata"),
    layouts.symlinked: Right("abcd", 12, 2),
    layouts.linked_folders: Right("abcd", 12, 2),
    layouts.absolute_links: Right("abcd", 12, 2, 1),
    layouts.links_to_hidden_objects: Right("abcd", 12, 2, 0, "12 of .git"),
    layouts.backslash_zip: Right("abcd", 12, 2),
    layouts.backslash_zip_of_halves: Right("abcd", 12, 2),
    layouts.mixed_separators_zip: Right("abcd", 12, 2),
    layouts.mac_zip: Right("abcd", 12, 2, 0, "12 of __MACOSX"),
    layouts.tar_gz: Right("abcd", 12, 2),
    layouts.tar_bz2: Right("abcd", 12, 2),
    layouts.tar_xz: Right("abcd", 12, 2),
    layouts.tar_zst: Right("abcd", 12, 2),
    layouts.forms_of_a_parent: Right(["Star", "Meise", "Goliath", "Rosen"], 18, 2, 0, "level 1: 2"),
}


@pytest.mark.parametrize(("layout", "right"), RIGHT.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_layout_is_read_as_people_mean_it(layout: Layout, right: Right, tmp_path: Path) -> None:
    with open_source(layout(tmp_path / "in")) as source:
        assert set(source.classes) == set(right.classes)
        assert len(source.items) == right.images
        assert len(source.broken) == right.left_out
        assert not right.remark or any(right.remark in remark for remark in source.remarks), source.remarks
        assert all(item.read() for item in source.items)
        if right.train is not None:
            assert len({item.label for item in source.items if item.split == TRAIN}) == right.train


def test_links_out_of_the_folder_are_counted_with_the_folder_to_give_instead(tmp_path: Path) -> None:
    where = layouts.symlinked(tmp_path / "in") / "set"
    with pytest.raises(DatasetError, match="12 links .* import in/"), open_source(where):
        pass


@pytest.mark.parametrize(
    ("header", "value", "entries", "named"),
    [
        (layouts.FLAGS, 0x01, 12, "password"),
        (layouts.FLAGS, 0x01, 1, "password"),  # of one picture alone
        (layouts.FLAGS, 0x41, 12, "password"),  # PKWARE's strong encryption
        (layouts.FLAGS, 0x09, 5, "password"),  # written as a stream
        (layouts.METHOD, 9, 12, "Deflate64"),
        (layouts.METHOD, 9, 1, "Deflate64"),
        (layouts.METHOD, 98, 12, "PPMd"),
        (layouts.METHOD, 95, 12, "XZ"),
    ],
)
def test_zip_that_cannot_be_read_is_refused_by_its_reason(
    header: tuple[int, int], value: int, entries: int, named: str, tmp_path: Path
) -> None:
    where = layouts.patched_zip(tmp_path / "in", header, value, entries)
    with pytest.raises(DatasetError, match=named), open_source(where):
        pass


@pytest.mark.parametrize(
    "names", ["train val test", "Training Testing", "training_set test_set dev", "train test query"]
)
def test_halves_without_class_folders_never_become_classes(names: str, tmp_path: Path) -> None:
    layouts.write(tmp_path / "in", layouts.numbered(names.split(), 4))
    with pytest.raises(DatasetError, match="split"), open_source(tmp_path / "in"):
        pass


@pytest.mark.parametrize(
    "halves",
    [
        {"train": ("ab", 3), "test": ("t", 4)},
        {"Training": ("abc", 2), "Test": ("t", 2)},
        {"x/train": ("ab", 3), "x/val": ("t", 3)},
        {"": ("abt", 3)},
    ],
)
def test_one_held_out_class_is_remarked_on(halves: dict[str, tuple[str, int]], tmp_path: Path) -> None:
    paths = [path.lstrip("/") for path in layouts.in_halves(halves)]
    with open_source(layouts.write(tmp_path / "in", paths)) as source:
        report = import_pictures(source, tmp_path / "out")
    assert report.test_classes == 1
    assert Counter("100 %" in remark for remark in report.remarks)[True] == 1
