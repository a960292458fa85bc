"""The folder of an imported data set: what is in it, written whole and checked when read."""

import csv
import functools
import hashlib
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore import artifacts
from mlcore.datasets.source import GALLERY, KS, QUERY, SPLITS, TEST, is_held_out
from mlcore.errors import DatasetError

FORMAT = 1
CONTENT_RANGE = 2**256
OLD_STAGE_SECONDS = 86_400
IMAGES = "images"


@dataclass(frozen=True, slots=True)
class Picture:
    """One row of images.csv; `path` is relative to the folder's `images/`, sizes are upright pixels."""

    id: int
    path: str
    label: int
    split: str
    sha256: str
    width: int = 0
    height: int = 0


_COLUMNS = tuple(field.name for field in fields(Picture))
_INTEGERS = frozenset({"id", "label", "width", "height"})


@dataclass(frozen=True)
class DatasetFolder:
    """A data set on disk; row numbers index `pictures`, labels index `classes`."""

    folder: Path
    name: str
    classes: tuple[str, ...]
    pictures: tuple[Picture, ...]
    fingerprint: str
    licence: str = ""
    source: str = ""
    ks: tuple[int, ...] = KS

    @functools.cached_property
    def labels(self) -> npt.NDArray[np.int64]:
        """The label of every row, read-only."""
        return _frozen([picture.label for picture in self.pictures])

    @functools.cached_property
    def ids(self) -> npt.NDArray[np.int64]:
        """The id of every row, read-only."""
        return _frozen([picture.id for picture in self.pictures])

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return the row numbers of one of SPLITS, ascending."""
        if split not in SPLITS:
            raise ValueError(f"no split named {split!r}; known: {', '.join(SPLITS)}")
        return _frozen([row for row, picture in enumerate(self.pictures) if picture.split == split])

    @functools.cached_property
    def held_out(self) -> npt.NDArray[np.int64]:
        """The row numbers of what is measured on, ascending, read-only."""
        return _frozen([row for row, picture in enumerate(self.pictures) if is_held_out(picture.split)])

    def is_query(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_] | None:
        """Return which of these rows [N] are queries, the others their gallery; None where each searches all others."""
        splits = [self.pictures[row].split for row in rows]
        return np.array([split == QUERY for split in splits]) if QUERY in splits else None

    def picture_path(self, picture: Picture) -> Path:
        """Return where the original bytes of `picture` lie."""
        return self.folder / IMAGES / picture.path


def fingerprint_of(pictures: Iterable[Picture]) -> str:
    """Return the SHA-256 of what is learned from: content, label and split, whatever the order."""
    whole = hashlib.sha256()
    for line in sorted(_line(picture.sha256, picture.label, picture.split) for picture in pictures):
        whole.update(line.encode())
    return whole.hexdigest()


def content_number(sha256: str, label: int, split: str) -> int:
    """Return what one picture adds to a data set's sum of contents: its line of the fingerprint as a number.

    Two sums modulo CONTENT_RANGE that are equal are of equal pictures, hence of equal fingerprints. A sum changes with
    the pictures that are added or removed, without a look at the others.
    """
    return int.from_bytes(hashlib.sha256(_line(sha256, label, split).encode()).digest(), "big")


def _line(sha256: str, label: int, split: str) -> str:
    return f"{sha256},{label},{split}\n"


@dataclass(frozen=True)
class StagedCatalogue:
    """The files of a data set's catalogue, written beside the ones that are read."""

    images: Path
    about: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        return str(self.about["fingerprint"])

    def put_in_place(self) -> None:
        """Let images.csv, then dataset.json that vouches for it, be these."""
        folder = self.images.parent
        self.images.replace(folder / "images.csv")
        artifacts.write_json(folder / "dataset.json", dict(self.about))

    def discard(self) -> None:
        """Delete what was written; nothing if it is in place."""
        self.images.unlink(missing_ok=True)


def stage_catalogue(
    folder: Path,
    *,
    name: str,
    classes: Sequence[str],
    rows: Sequence[Picture],
    licence: str,
    source: str,
    ks: Sequence[int] = KS,
) -> StagedCatalogue:
    """Write a catalogue beside the one that is read; several may be staged at once.

    Raises:
        DatasetError: the rows contradict themselves; nothing is written.
    """
    _check_rows(rows, len(classes))
    _forget_old_stages(folder)
    images = folder / f".images-{uuid.uuid4().hex}.csv"
    try:
        with images.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(astuple(row) for row in rows)
    except BaseException:
        images.unlink(missing_ok=True)
        raise
    about = {"format": FORMAT, "name": name, "classes": list(classes), "licence": licence, "source": source}
    return StagedCatalogue(images, {**about, "ks": list(ks), "fingerprint": fingerprint_of(rows)})


def _forget_old_stages(folder: Path) -> None:
    """Delete what a killed process staged; what is younger may be another's at this moment."""
    for left in folder.glob(".images-*.csv"):
        if time.time() - left.stat().st_mtime > OLD_STAGE_SECONDS:
            left.unlink(missing_ok=True)


def write_catalogue(
    folder: Path,
    *,
    name: str,
    classes: Sequence[str],
    rows: Sequence[Picture],
    licence: str,
    source: str,
    ks: Sequence[int] = KS,
) -> str:
    """Write images.csv, then dataset.json that vouches for it; return the fingerprint.

    Raises:
        DatasetError: the rows contradict themselves; nothing is written.
    """
    staged = stage_catalogue(folder, name=name, classes=classes, rows=rows, licence=licence, source=source, ks=ks)
    staged.put_in_place()
    return staged.fingerprint


def load_dataset(folder: Path) -> DatasetFolder:
    """Return the data set in `folder`.

    Raises:
        DatasetError: there is none, its format is newer, or its files contradict each other.
    """
    about = _read_about(folder)
    pictures = tuple(_read_rows(folder / "images.csv"))
    classes = tuple(str(name) for name in about["classes"])
    _check_rows(pictures, len(classes))
    if fingerprint_of(pictures) != about["fingerprint"]:
        raise DatasetError(f"images.csv of data set {folder.name} is not the one dataset.json describes; import again")
    return DatasetFolder(
        folder=folder,
        name=str(about["name"]),
        classes=classes,
        pictures=pictures,
        fingerprint=str(about["fingerprint"]),
        licence=str(about.get("licence", "")),
        source=str(about.get("source", "")),
        ks=_ks_of(about),
    )


def _read_about(folder: Path) -> Mapping[str, Any]:
    try:
        about = artifacts.read_json(folder / "dataset.json")
    except FileNotFoundError:
        raise DatasetError(f"{folder.name} is not an imported data set: it has no dataset.json") from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"dataset.json of {folder.name} cannot be read: {error}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        found = about.get("format") if isinstance(about, dict) else None
        raise DatasetError(f"data set {folder.name} has format {found!r}; this version reads {FORMAT}")
    missing = {"name", "classes", "fingerprint"} - about.keys()
    if missing:
        raise DatasetError(f"dataset.json of {folder.name} lacks {', '.join(sorted(missing))}")
    return about


def _ks_of(about: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the K of Recall@K; folders of before they were stored have the usual ones."""
    ks = about.get("ks", list(KS))
    if not isinstance(ks, list) or not all(type(k) is int for k in ks) or ks[:1] != [1] or ks != sorted(set(ks)):
        raise DatasetError(f"dataset.json of {about['name']} has ks {ks!r}; they ascend from 1, as {list(KS)} do")
    return tuple(ks)


def _read_rows(path: Path) -> Iterable[Picture]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != _COLUMNS:
                raise DatasetError(f"images.csv has columns {reader.fieldnames}; expected {', '.join(_COLUMNS)}")
            for row in reader:
                yield _picture_of(row, reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"images.csv of {path.parent.name} cannot be read: {error}") from error


def _picture_of(row: dict[str, str], line: int) -> Picture:
    try:
        values: dict[str, Any] = {key: int(text) if key in _INTEGERS else text for key, text in row.items()}
        return Picture(**values)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"images.csv line {line} is not a picture: {error}") from error


def _check_rows(rows: Sequence[Picture], num_classes: int) -> None:
    """Refuse rows that would train or search on nonsense: each error names the first bad row."""
    if not rows:
        raise DatasetError("the data set holds no picture")
    seen: set[int] = set()
    half_of: dict[int, bool] = {}
    for row in rows:
        if row.id < 0 or row.id in seen:
            raise DatasetError(f"picture id {row.id} is negative or appears twice")
        seen.add(row.id)
        if not 0 <= row.label < num_classes:
            raise DatasetError(f"picture {row.id} has label {row.label}; the {num_classes} classes go from 0")
        if row.split not in SPLITS:
            raise DatasetError(f"picture {row.id} has split {row.split!r}; known: {', '.join(SPLITS)}")
        if half_of.setdefault(row.label, is_held_out(row.split)) != is_held_out(row.split):
            raise DatasetError(f"class {row.label} is both trained on and held out; a class is one of them")
        path = PurePosixPath(row.path)
        if not row.path or path.is_absolute() or ".." in path.parts:
            raise DatasetError(f"picture {row.id} has path {row.path!r}, which leaves the data set's folder")
    check_roles({row.split for row in rows})


def check_roles(splits: set[str]) -> None:
    """Refuse held-out pictures that could not be measured: queries without a gallery, or a mixture.

    A set of a gallery alone is meant for searching only.

    Raises:
        DatasetError: they could not.
    """
    alone = len(splits & {QUERY, GALLERY}) == 1 and splits != {GALLERY}
    if alone or (TEST in splits and QUERY in splits):
        found = ", ".join(sorted(splits))
        raise DatasetError(f"held-out pictures are all test, or some query and the others gallery; found {found}")


def _frozen(values: list[int]) -> npt.NDArray[np.int64]:
    array = np.array(values, dtype=np.int64)
    array.setflags(write=False)
    return array
