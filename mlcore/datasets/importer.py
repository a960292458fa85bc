"""The import of a source into a data set on disk: pictures verified, duplicates dropped, a report written."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from mlcore import artifacts
from mlcore.datasets.catalogue import IMAGES, Picture, write_catalogue
from mlcore.datasets.import_report import ImportReport
from mlcore.datasets.parallel_map import in_order
from mlcore.datasets.readers.folder import PICTURE_SUFFIXES
from mlcore.datasets.remarks import remarks_on
from mlcore.datasets.source import Source, SourceItem, printable
from mlcore.datasets.splits import check_splits
from mlcore.datasets.statistics import counts_of, tally
from mlcore.errors import DatasetError, MlcoreError
from mlcore.events import Progress, no_progress
from mlcore.images.image_io import open_with_size

_LONGEST_NAME = 100  # bytes; file systems allow 255 and a suffix must fit


@dataclass(frozen=True)
class _Verified:
    """A picture that decodes: its bytes, their SHA-256 and its upright size."""

    data: bytes
    sha256: str
    width: int
    height: int


@dataclass
class _Intake:
    """What has been taken from a source so far."""

    folder: Path
    rows: list[Picture] = field(default_factory=list)
    kept: dict[str, SourceItem] = field(default_factory=dict)  # sha256 -> the first of those bytes
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    conflicting: list[tuple[str, str]] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)


def import_pictures(source: Source, folder: Path, progress: Progress = no_progress) -> ImportReport:
    """Write every readable picture of `source`, once, into the new data set `folder`.

    One broken file stops nothing: it is reported. Original bytes are kept. The folder appears
    whole or not at all; progress("import", done, total) is called from this thread.

    Raises:
        DatasetError: `folder` is already there, or too few classes have readable pictures.
    """
    if folder.exists():
        raise DatasetError(f"a data set named {folder.name} is already there; imported sets never change")
    if source.labelled:
        check_splits((item.label, item.split) for item in source.items)
    with artifacts.published(folder) as scratch:
        intake = _Intake(scratch / IMAGES)
        _take_all(source, intake, progress)
        classes, rows, empty = _without_empty_classes(source.classes, intake.rows)
        if source.labelled:
            check_splits((row.label, row.split) for row in rows)
        write_catalogue(
            scratch,
            name=source.name,
            classes=classes,
            rows=rows,
            licence=source.licence,
            source=source.origin,
            ks=source.ks,
        )
        report = _report(source, classes, rows, intake, empty)
        artifacts.write_json(scratch / "report.json", report.to_json())
    return report


def _take_all(source: Source, intake: _Intake, progress: Progress) -> None:
    folders = _unique_names(source.classes)
    names: dict[int, set[str]] = {label: set() for label in range(len(folders))}
    with closing(in_order(_verify, source.items)) as answers:
        for done, (item, found) in enumerate(zip(source.items, answers, strict=True), start=1):
            if isinstance(found, str):
                intake.broken.append((item.path, found))
            elif not _is_double(item, found, intake):
                file = f"{folders[item.label]}/{_new_name(item.path, names[item.label])}"
                _keep(item, found, file, intake)
            progress("import", done, len(source.items))


def _is_double(item: SourceItem, found: _Verified, intake: _Intake) -> bool:
    """Say whether to leave a picture out: its class has the same bytes already.

    The same bytes in another class are kept and reported. One of the two labels is wrong, but which one
    is for the curator to say, and published benchmarks count both. So they do a query that is also in
    its gallery.
    """
    first = intake.kept.get(found.sha256, item)
    if first.label != item.label:
        intake.conflicting.append((item.path, first.path))
    elif first is not item and first.split == item.split:
        intake.duplicates.append((item.path, first.path))
        return True
    return False


def _verify(item: SourceItem) -> _Verified | str:
    """Read and fully decode a picture; return why not, when it cannot be."""
    try:
        data = item.read()
        width, height = open_with_size(data).full_size
    except (MlcoreError, OSError) as error:
        return str(error)
    return _Verified(data, hashlib.sha256(data).hexdigest(), width, height)


def _keep(item: SourceItem, found: _Verified, file: str, intake: _Intake) -> None:
    target = intake.folder / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(found.data)
    intake.kept.setdefault(found.sha256, item)
    row = len(intake.rows)
    intake.rows.append(Picture(row, file, item.label, item.split, found.sha256, found.width, found.height))


def _without_empty_classes(
    classes: Sequence[str], rows: Sequence[Picture]
) -> tuple[tuple[str, ...], list[Picture], tuple[str, ...]]:
    """Renumber labels 0..C-1 over the classes that have a picture."""
    used = sorted({row.label for row in rows})
    new_label = {old: new for new, old in enumerate(used)}
    empty = tuple(name for label, name in enumerate(classes) if label not in new_label)
    return tuple(classes[old] for old in used), [replace(row, label=new_label[row.label]) for row in rows], empty


def _report(
    source: Source, classes: Sequence[str], rows: Sequence[Picture], intake: _Intake, empty: tuple[str, ...]
) -> ImportReport:
    pictures = tally(rows)
    return ImportReport(
        name=source.name,
        duplicates=tuple(intake.duplicates),
        conflicting=tuple(intake.conflicting),
        broken=tuple(intake.broken),
        skipped=source.broken,
        empty=empty,
        remarks=(*source.remarks, *(remarks_on(classes, pictures) if source.labelled else ())),
        **counts_of(classes, pictures),
    )


def _unique_names(classes: Sequence[str]) -> list[str]:
    """Return a folder name for each class, safe on any file system and unlike the others."""
    taken: set[str] = set()
    return [_unlike(_safe_name(name, "class"), "", taken) for name in classes]


def _new_name(path: str, taken: set[str]) -> str:
    """Return a safe file name for a source's path, unlike those already taken."""
    pure = PurePosixPath(path)
    suffix = pure.suffix.casefold() if pure.suffix.casefold() in PICTURE_SUFFIXES else ""
    return _unlike(_safe_name(pure.stem, "picture"), suffix, taken)


def _unlike(stem: str, suffix: str, taken: set[str]) -> str:
    """Return stem + suffix, numbered when some file system would take it for a name in `taken`."""
    name, number = f"{stem}{suffix}", 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}{suffix}"
    taken.add(name.casefold())
    return name


def _safe_name(text: str, fallback: str) -> str:
    """Keep letters, digits, dot, dash and underscore; no leading dot, at most 100 bytes."""
    composed = unicodedata.normalize("NFC", printable(text))
    name = re.sub(r"[^\w.-]+", "_", composed).strip("._")
    return name.encode()[:_LONGEST_NAME].decode(errors="ignore") or fallback
