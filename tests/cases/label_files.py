"""Small data sets whose labels stand in files. Each function writes one below a folder and returns what to import."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import scipy.io

from tests.cases.layouts import numbered, write


def _table(root: Path, name: str, rows: Iterable[Sequence[str]], separator: str = ",", encoding: str = "utf-8") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(map(separator.join, rows)), encoding=encoding)
    return root


def letter(number: int) -> str:
    """Return the class of a picture: a to d in turn."""
    return "abcd"[number % 4]


# --- a table beside the pictures


def csv_labels(root: Path) -> Path:
    """images/0.jpg and so on with labels.csv."""
    write(root, numbered(["images"], 12))
    return _table(root, "labels.csv", [("filename", "label"), *((f"{n}.jpg", letter(n)) for n in range(12))])


def spreadsheet_of_ids(root: Path) -> Path:
    """Ids without an ending, semicolons, a header in capitals, UTF-16, as spreadsheets save it."""
    write(root, (f"photos/{n:04d}.JPG" for n in range(12)))
    rows = [("BREED", "ID", "NOTE"), *((letter(n), f"{n:04d}", "x, y") for n in range(12))]
    return _table(root, "dogs.csv", rows, ";", "utf-16")


def paths_of_another_machine(root: Path) -> Path:
    """JSON Lines in a folder of their own, with a Windows path of whoever made them."""
    write(root, numbered(["pictures/2024"], 12))
    lines = [{"img_path": f"data\\raw\\pictures\\2024\\{n}.jpg", "category": letter(n)} for n in range(12)]
    return _table(root, "meta/items.jsonl", ([json.dumps(line)] for line in lines))


def halves_in_two_tables(root: Path) -> Path:
    """train.csv and test.csv without classes in common; both folders hold pictures of the same names."""
    write(root, numbered(["train", "test"], 6))
    for half, names in (("train", "ab"), ("test", "cd")):
        _table(root, f"{half}.csv", [("image_id", "species"), *((str(n), names[n % 2]) for n in range(6))])
    _table(root, "sample_submission.csv", [("image_id", "species"), *((str(n), "z") for n in range(6))])
    return root


# --- tables that fit badly


def labels_for_missing_files(root: Path) -> Path:
    """More rows than pictures, two of them hostile."""
    csv_labels(root)
    with (root / "labels.csv").open("a") as file:
        file.write("\n12.jpg,a\nimages/13.jpg,b\n/etc/passwd,c\n../../../secret.jpg,d\n")
    return root


def files_without_labels(root: Path) -> Path:
    """More pictures than rows, in another folder, and a row with an empty class."""
    csv_labels(root)
    with (root / "labels.csv").open("a") as file:
        file.write("\n12.jpg,\n")
    return write(root, ["images/12.jpg", *numbered(["unsorted"], 3)])


def two_labels_for_one_picture(root: Path) -> Path:
    """Two pictures have two classes each; one is listed twice alike, in another spelling of its path."""
    csv_labels(root)
    with (root / "labels.csv").open("a") as file:
        file.write("\n0.jpg,b\nimages/1.jpg,c\n./images/2.jpg,c\n")
    return root


def latin_1(root: Path) -> Path:
    """A table in the encoding of old spreadsheets."""
    write(root, numbered(["images"], 6))
    rows = [("file", "label"), *((f"{n}.jpg", ("Käfer", "Wolf", "Fuchs")[n % 3]) for n in range(6))]
    return _table(root, "labels.csv", rows, ";", "latin-1")


def prices_beside_class_folders(root: Path) -> Path:
    """Class folders with a table about something else."""
    write(root, numbered("abcd", 3))
    return _table(root, "prices.csv", [("name", "price"), ("a", "3"), ("b", "4")])


# --- the development kit of Cars-196


def _annotations(file: Path, *, labelled: bool = True) -> None:
    names = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", *(["class"] if labelled else []), "fname")
    rows = [
        (1, 1, 20, 20, *([(number - 1) % 6 + 1] if labelled else []), f"{number:05d}.jpg") for number in range(1, 13)
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(file, {"annotations": np.array(rows, dtype=[(name, object) for name in names])})


def _devkit(root: Path, kit: str, halves: Sequence[str]) -> Path:
    write(root, [f"{half}/{number:05d}.jpg" for half in halves for number in range(1, 13)])
    _annotations(root / kit / "cars_train_annos.mat")
    classes = np.array([f"Make Model {number}" for number in range(6)], dtype=object)
    scipy.io.savemat(root / kit / "cars_meta.mat", {"class_names": classes})
    return root


def cars_devkit(root: Path) -> Path:
    """cars_train/, cars_test/ and devkit/."""
    _devkit(root, "devkit", ("cars_train", "cars_test"))
    _annotations(root / "devkit/cars_test_annos.mat")
    return root


def cars_of_a_mirror(root: Path) -> Path:
    """One folder deeper everywhere, the labels of the test pictures beside the kit."""
    _devkit(root, "cars/car_devkit/devkit", ("cars/cars_train/cars_train", "cars/cars_test/cars_test"))
    _annotations(root / "cars/car_devkit/devkit/cars_test_annos.mat", labelled=False)
    _annotations(root / "cars/car_devkit/cars_test_annos_withlabels.mat")
    return root


def cars_without_test_labels(root: Path) -> Path:
    """As the authors ship it: the test pictures have no class."""
    _devkit(root, "devkit", ("cars_train", "cars_test"))
    _annotations(root / "devkit/cars_test_annos.mat", labelled=False)
    return root


def cars_train_alone(root: Path) -> Path:
    """Only the training pictures were unpacked, and both kinds of annotations are there."""
    _devkit(root, "", ("cars_train",))
    (root / "cars_annos.mat").write_bytes(b"")
    return root
