"""Small data sets in layouts that people bring. Each function writes one below a folder and returns what to import."""

import io
import tarfile
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import zstandard
from PIL import Image


def picture(seed: int, kind: str = "JPEG") -> bytes:
    """Return a small picture, another one for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((24, 24), Image.Resampling.BICUBIC).save(stream, kind)
    return stream.getvalue()


def write(root: Path, paths: Iterable[str]) -> Path:
    """Write a picture of its own at each path and return the folder."""
    for seed, path in enumerate(paths):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(picture(seed))
    return root


def numbered(folders: Iterable[str], count: int) -> list[str]:
    """Return the paths of `count` pictures in each folder."""
    return [f"{folder}/{number}.jpg" for folder in folders for number in range(count)]


def in_halves(halves: Mapping[str, tuple[str, int]]) -> list[str]:
    """Return the paths of pictures: {folder of the half: (a letter for each class, pictures of each)}."""
    return [
        path
        for half, (names, count) in halves.items()
        for path in numbered([f"{half}/{name}" for name in names], count)
    ]


# --- halves of which one is flat and without labels, as Kaggle gives them


def kaggle_flat_test(root: Path) -> Path:
    """train/ and val/ with classes, test/ flat."""
    return write(root, in_halves({"train": ("abcd", 4), "val": ("abcd", 2)}) + numbered(["test"], 6))


def capital_flat_test(root: Path) -> Path:
    """One folder down, in capitals, and the flat pictures one folder deeper."""
    return write(root, in_halves({"d/TRAIN": ("abcd", 4), "d/VALID": ("abcd", 2)}) + numbered(["d/TEST/TEST"], 6))


def flat_prediction_half(root: Path) -> Path:
    """Halves with a word before, each wrapped in a folder of its own name; an unknown third is flat."""
    halves = in_halves({"seg_train/seg_train": ("abcd", 4), "seg_test/seg_test": ("abcd", 2)})
    return write(root, halves + numbered(["seg_pred/seg_pred"], 3))


def flat_validation_and_test(root: Path) -> Path:
    """Only the training half has labels."""
    return write(root, in_halves({"training_set": ("abcd", 6)}) + numbered(["validation_set", "test_set/images"], 3))


# --- pictures beside the class folders


def kaggle_stray_preview(root: Path) -> Path:
    """Disjoint halves with val/ beside test/, and a sheet of samples beside the class folders."""
    halves = in_halves({"train": ("abcd", 4), "test": ("efgh", 4), "val": ("ij", 4)})
    return write(root, [*halves, "train/samples.png"])


def stray_at_the_top(root: Path) -> Path:
    """A cover beside the halves, one in test/, and a text."""
    halves = in_halves({"Train": ("abcd", 4), "Test": ("efgh", 4), "Val": ("ij", 4)})
    write(root, [*halves, "cover.jpg", "Test/montage.jpg"])
    (root / "README.md").write_text("Read me.")
    return root


def stray_folder_of_samples(root: Path) -> Path:
    """A flat folder of samples beside the halves."""
    halves = in_halves({"x/train": ("abcd", 4), "x/eval": ("efgh", 4), "x/dev": ("ij", 4)})
    return write(root, [*halves, *numbered(["x/sample_images"], 3)])


def stray_folder_of_classes(root: Path) -> Path:
    """A folder with class folders that is no half, beside the halves."""
    halves = in_halves({"train": ("abcd", 4), "test": ("efgh", 4), "validation": ("ij", 4)})
    return write(root, [*halves, *numbered(["unsorted/k"], 2)])


# --- both halves hold every class, under less usual names


def fruits_training_test(root: Path) -> Path:
    """Training/ and Test/, and a flat folder whose name begins like a half's."""
    halves = in_halves({"Training": ("abcd", 4), "Test": ("abcd", 2)})
    return write(root, halves + numbered(["test-multiple_fruits"], 3))


def training_set_and_test_set(root: Path) -> Path:
    """Words with an underscore, wrapped in folders of the same name."""
    return write(root, in_halves({"training_set/training_set": ("abcd", 4), "test_set/test_set": ("abcd", 2)}))


def trainset_testset(root: Path) -> Path:
    """Words joined, and a class that lies in one half only."""
    return write(root, in_halves({"TrainSet": ("abcd", 4), "TestSet": ("abc", 3)}) + numbered(["TestSet/d"], 0))


def evaluation_beside_training(root: Path) -> Path:
    """training/ and evaluation/ with images/ in between."""
    return write(root, in_halves({"training/images": ("abcd", 4), "evaluation/images": ("abcd", 2)}))


# --- class folders in folders

SPECIES = {
    "Aves": ["Ardea alba", "Corvus corax"],
    "Plantae": ["Acer rubrum", "Quercus alba"],
    "Insecta": ["Danaus plexippus", "Apis mellifera"],
}


def inat_supercategories(root: Path) -> Path:
    """Three super-classes of two species each."""
    folders = [f"train_val_images/{top}/{name}" for top, names in SPECIES.items() for name in names]
    return write(root, numbered(folders, 3))


def supercategories_with_a_stray(root: Path) -> Path:
    """A picture beside the species of a super-class."""
    inat_supercategories(root)
    return write(root, ["train_val_images/Aves/cover.jpg"])


def supercategories_in_halves(root: Path) -> Path:
    """The species of two super-classes train, those of the third are held out."""
    folders = [
        f"{'test' if top == 'Insecta' else 'train'}/{top}/{name}" for top, names in SPECIES.items() for name in names
    ]
    return write(root, numbered(folders, 3))


def three_levels(root: Path) -> Path:
    """Kingdom, class, species."""
    kingdom = {"Aves": "Animalia", "Insecta": "Animalia", "Plantae": "Vegetabilia"}
    folders = [f"{kingdom[top]}/{top}/{name}" for top, names in SPECIES.items() for name in names]
    return write(root, numbered(folders, 3))


# --- Unicode forms of one name


def nfd_nfc(root: Path) -> Path:
    """One class in two forms, as after copying from a Mac, among others."""
    return _with_forms(root, "", "Grünfink")


def nfd_nfc_in_halves(root: Path) -> Path:
    """The two forms lie in one half."""
    write(root, numbered(["test/x", "test/y"], 3))
    return _with_forms(root, "train/", "Blåmes")


def hangul_forms(root: Path) -> Path:
    """Syllables, composed and as their letters."""
    return _with_forms(root, "", "까치")


def forms_of_a_parent(root: Path) -> Path:
    """The folder above the species has two forms."""
    for form in ("NFC", "NFD"):
        top = unicodedata.normalize(form, "Vögel")
        write(root, numbered([f"{top}/{name}" for name in ("Star", "Meise")], 3))
    return write(root, numbered(["Käfer/Goliath", "Käfer/Rosen"], 3))


def _with_forms(root: Path, above: str, name: str) -> Path:
    for start, form in ((0, "NFC"), (100, "NFD")):
        folder = root / f"{above}{unicodedata.normalize(form, name)}"
        folder.mkdir(parents=True)
        for number in range(3):
            (folder / f"{form}{number}.jpg").write_bytes(picture(1000 + start + number))
    return write(root, numbered([f"{above}{other}" for other in "abcd"], 3))


# --- thumbnails and bins

FOUR = tuple("abcd")


def synology(root: Path) -> Path:
    """A thumbnail folder in every folder, and a bin at the top."""
    write(root, numbered(FOUR, 3))
    thumbnails = [
        f"{name}/@eaDir/{n}.jpg/SYNOPHOTO_THUMB_{size}.jpg" for name in FOUR for n in range(3) for size in "ML"
    ]
    return write(root, [*thumbnails, "@eaDir/a/SYNOPHOTO_THUMB_M.jpg", "#recycle/old.jpg"])


def qnap(root: Path) -> Path:
    """Thumbnails, a bin and snapshots."""
    write(root, numbered(FOUR, 3))
    bins = ["@Recycle/a/1.jpg", "@Recently-Snapshot/daily/a/0.jpg"]
    return write(root, [*bins, *(f"{name}/.@__thumb/s100{n}.jpg" for name in FOUR for n in range(3))])


def windows_and_mac(root: Path) -> Path:
    """A bin, resource forks and a volume's own folder."""
    write(root, numbered(FOUR, 3))
    forks = [f"{name}/._{number}.jpg" for name in FOUR for number in range(3)]
    own = ["$RECYCLE.BIN/S-1-5/$R1.jpg", "System Volume Information/x.jpg", ".Trashes/501/y.jpg", "__MACOSX/a/._0.jpg"]
    return write(root, forks + own)


def photo_programs(root: Path) -> Path:
    """Previews of Lightroom, originals of Picasa, notebooks."""
    write(root, numbered(FOUR, 3))
    originals = [f"{name}/.picasaoriginals/0.jpg" for name in FOUR]
    return write(root, [*originals, "Catalog Previews.lrdata/0/1.jpg", ".ipynb_checkpoints/a.jpg", "lost+found/1.jpg"])


# --- links in the folder


def symlinked(root: Path) -> Path:
    """Each class holds links to a store beside them; the folder of both is given."""
    write(root, [f"store/x{number}.jpg" for number in range(12)])
    for number in range(12):
        _link(root / f"set/{'abcd'[number // 3]}/{number % 3}.jpg", f"../../store/x{number}.jpg")
    return root


def linked_folders(root: Path) -> Path:
    """The class folders are links to folders."""
    write(root, [f"objects/{code}/{number}.jpg" for code in ("7f", "8a", "9c", "be") for number in range(3)])
    for name, code in zip("abcd", ("7f", "8a", "9c", "be"), strict=True):
        _link(root / "view" / name, f"../objects/{code}")
    return root


def absolute_links(root: Path) -> Path:
    """The links say the whole path, and a loop lies among them."""
    write(root, [f"blobs/{number:02d}" for number in range(12)])
    for number in range(12):
        _link(root / f"snapshots/main/{'abcd'[number // 3]}/{number % 3}.jpg", str(root / f"blobs/{number:02d}"))
    _link(root / "snapshots/main/a/loop", "..")
    return root


def links_to_hidden_objects(root: Path) -> Path:
    """The targets lie in a hidden folder, as git-annex keeps them."""
    write(root, [f".git/annex/objects/{number}.jpg" for number in range(12)])
    for number in range(12):
        _link(root / f"{'abcd'[number // 3]}/{number % 3}.jpg", f"../.git/annex/objects/{number}.jpg")
    return root


def _link(place: Path, target: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


# --- archives


def backslash_zip(root: Path) -> Path:
    """Entries parted by backslashes, as by PowerShell 5."""
    return _zip(root, [f"set\\{name}\\{number}.jpg" for name in FOUR for number in range(3)])


def backslash_zip_of_halves(root: Path) -> Path:
    """Halves in such a zip, with entries for the folders."""
    paths = in_halves({"train": ("ab", 3), "test": ("cd", 3)})
    return _zip(root, ["train\\", "test\\", *(path.replace("/", "\\") for path in paths)])


def mixed_separators_zip(root: Path) -> Path:
    """Both separators, by two programs."""
    paths = numbered(FOUR, 3)
    return _zip(root, [path.replace("/", "\\") if number % 2 else path for number, path in enumerate(paths)])


def mac_zip(root: Path) -> Path:
    """With the resource forks of a Mac."""
    paths = numbered([f"set/{name}" for name in FOUR], 3)
    return _zip(root, [*paths, *(f"__MACOSX/{path}" for path in paths)])


def tar_gz(root: Path) -> Path:
    """A tar, compressed by gzip."""
    return _tar(root, "gz")


def tar_bz2(root: Path) -> Path:
    """A tar, compressed by bzip2."""
    return _tar(root, "bz2")


def tar_xz(root: Path) -> Path:
    """A tar, compressed by xz."""
    return _tar(root, "xz")


def tar_zst(root: Path) -> Path:
    """A tar, compressed by zstd."""
    plain = _tar(root, "")
    packed = root.with_name(f"{root.name}.tar.zst")
    packed.write_bytes(zstandard.ZstdCompressor().compress(plain.read_bytes()))
    return packed


def _zip(root: Path, names: Iterable[str]) -> Path:
    root.parent.mkdir(parents=True, exist_ok=True)
    where = root.with_suffix(".zip")
    with zipfile.ZipFile(where, "w") as archive:
        for seed, name in enumerate(names):
            archive.writestr(zipfile.ZipInfo(name), b"" if name.endswith("\\") else picture(seed))
    return where


def _tar(root: Path, how: str) -> Path:
    write(root, numbered(FOUR, 3))
    where = Path(f"{root}.tar.{how}".rstrip("."))
    with tarfile.open(where, f"w:{how}") as tar:  # type: ignore[call-overload]
        tar.add(root, root.name)
    return where


FLAGS, METHOD = (6, 8), (8, 10)
"""Offsets of a byte in an entry's own header, and in that of the directory at the end of a zip."""


def patched_zip(root: Path, offsets: tuple[int, int], value: int, entries: int = 12) -> Path:
    """Return a zip of 12 pictures with a byte of the two headers of the last entries overwritten."""
    where = _zip(root, numbered(FOUR, 3))
    data = bytearray(where.read_bytes())
    for signature, offset in zip((b"PK\x03\x04", b"PK\x01\x02"), offsets, strict=True):
        at = len(data)
        for _ in range(entries):
            at = data.rfind(signature, 0, at)
            data[at + offset] = value
    where.write_bytes(data)
    return where
