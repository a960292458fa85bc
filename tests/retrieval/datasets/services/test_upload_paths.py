from pathlib import Path

import pytest

from config.errors import Rejected
from retrieval.datasets.services.upload_paths import check_apart, checked_path, place_in


@pytest.mark.parametrize(
    "path",
    [
        "owls/1.jpg",
        "1.png",
        "a/b/c/d/e/6.JPEG",
        "Eulen/Käuzchen ☃.webp",
        "owls/without-suffix",
        "o.o/1.gif",
    ],
)
def test_a_picture_in_class_folders_is_fit(path: str) -> None:
    assert "/".join(checked_path(path)) == path


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/etc/1.jpg", "is absolute"),
        ("C:/owls/1.jpg", "is absolute"),
        ("owls\\1.jpg", "backslash"),
        ("owls/../1.jpg", "empty part"),
        ("../1.jpg", "empty part"),
        ("./1.jpg", "empty part"),
        ("owls//1.jpg", "empty part"),
        ("owls/", "empty part"),
        ("", "empty part"),
        ("owls/1\0.jpg", "characters"),
        ("owls/1\n.jpg", "characters"),
        ("owls/1\x7f.jpg", "characters"),
        ("owls/\ud800.jpg", "characters"),
        (".hidden/1.jpg", "hidden"),
        ("owls/.1.jpg", "hidden"),
        ("owls/Thumbs.db", "hidden"),
        ("1/2/3/4/5/6/7.jpg", "deeper than 6"),
        ("owls/" + "é" * 126 + ".jpg", "255 bytes"),
        ("owls/notes.txt", "no file extension"),
        ("owls/run.sh", "no file extension"),
        ("owls/page.svg", "no file extension"),
    ],
)
def test_any_other_path_is_refused_with_its_reason(path: str, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        checked_path(path)


def test_a_name_of_255_bytes_is_fit() -> None:
    assert checked_path("owls/" + "é" * 125 + "e.jpg")


@pytest.mark.parametrize(
    "path", ["Owls/2.jpg", "owls/1.JPG", "owls/Ka\u0308uzchen.jpg", "owls/1.jpg/2.jpg", "owls", "OWLS"]
)
def test_what_some_systems_cannot_tell_from_another_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "owls").mkdir()
    for name in ("1.jpg", "K\u00e4uzchen.jpg"):
        (tmp_path / "owls" / name).touch()
    with pytest.raises(Rejected, match="cannot"):
        place_in(tmp_path, tuple(path.split("/")), {})


def test_names_that_come_together_are_told_apart_as_well(tmp_path: Path) -> None:
    listing: dict[Path, dict[str, str]] = {}
    assert place_in(tmp_path, ("owls", "1.jpg"), listing) == tmp_path / "owls" / "1.jpg"
    assert place_in(tmp_path, ("owls", "1.jpg"), listing) == tmp_path / "owls" / "1.jpg"
    with pytest.raises(Rejected, match="cannot lie beside 'owls'"):
        place_in(tmp_path, ("Owls", "2.jpg"), listing)


@pytest.mark.parametrize(
    ("paths", "why"), [([("a", "1"), ("a", "1")], "comes twice"), ([("a",), ("a", "1")], "comes as a file")]
)
def test_files_that_cannot_lie_together_are_refused(paths: list[tuple[str, ...]], why: str) -> None:
    with pytest.raises(Rejected, match=why):
        check_apart(paths)
