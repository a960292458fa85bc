"""Patterns of file names: what they find, and that none can hold the program up."""

import pytest

from mlcore.datasets.name_patterns import LONGEST_PATTERN, labels_in_names, suggest_pattern
from mlcore.errors import DatasetError


def test_the_groups_of_each_name_are_found() -> None:
    names = ["cat.0.jpg", "test_dog.1.jpg", "9.jpg", "Grün\udcff.2.jpg", " .3.jpg"]
    assert labels_in_names(r"^(?:(?P<split>test)_)?(?P<label>\D+)\.\d", names) == [
        ("cat", ""), ("dog", "test"), None, ("Grün\udcff", ""), None,
    ]  # fmt: skip
    assert labels_in_names("(?P<label>x)", []) == []


@pytest.mark.parametrize("pattern", [r"^(?P<label>(a+)+)$", r"^(?P<label>(a|a)*)b", r"^(?P<label>(a?){60}a{60}x)"])
def test_a_pattern_that_would_take_for_ever_is_ended(pattern: str) -> None:
    with pytest.raises(DatasetError, match="takes longer than 1 s"):
        labels_in_names(pattern, ["a" * 60 + "!"] * 3, seconds=1)


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("(", "no regular expression"), ("cat", r"\(\?P<label>"), ("(?P<lable>x)", "label"),
        ("x" * (LONGEST_PATTERN + 1), "501"), ("(?P<label>x){99999999999}", "no regular expression"),
    ],
)  # fmt: skip
def test_a_pattern_that_cannot_be_is_named(pattern: str, word: str) -> None:
    with pytest.raises(DatasetError, match=word):
        labels_in_names(pattern, ["x.jpg"])


@pytest.mark.parametrize(
    ("names", "first"),
    [
        ([f"{kind}.{n}.jpg" for kind in ("cat", "dog") for n in range(50)], ("cat", "dog")),
        ([f"{kind}_{n}.jpg" for kind in ("Abyssinian", "great_dane") for n in range(9)], ("Abyssinian", "great_dane")),
        ([f"{kind} ({n}).png" for kind in ("oak", "red fir") for n in range(9)], ("oak", "red fir")),
        ([f"{person:04d}_c{n}s1_00045{n}_03.jpg" for person in (2, 7) for n in range(1, 7)], ("0002", "0007")),
    ],
)
def test_a_pattern_is_suggested_where_names_share_a_form(names: list[str], first: tuple[str, ...]) -> None:
    suggestion = suggest_pattern(names)
    assert suggestion is not None and suggestion.first == first and suggestion.classes == 2
    assert {match[0] for match in labels_in_names(suggestion.pattern, names) if match} == set(first)


@pytest.mark.parametrize(
    "names",
    [
        [f"IMG_{n}.jpg" for n in range(50)], [f"{n}.jpg" for n in range(50)], [f"bird{n:c}_1.jpg" for n in b"abcdefgh"],
        ["cat.0.jpg", "cat.1.jpg", "dog.0.jpg", "dog.1.jpg", *(f"{n}.jpg" for n in range(9))], [],
    ],
)  # fmt: skip
def test_no_pattern_is_suggested_for_others(names: list[str]) -> None:
    assert suggest_pattern(names) is None
