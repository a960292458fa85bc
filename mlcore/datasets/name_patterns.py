"""Classes that stand in file names, by a regular expression that a user gives, and suggestions of one.

Some expressions take longer than anybody waits, a thread cannot stop Python's `re`, and it knows no time limit. So
the names are matched by another process, which is ended after some seconds: any expression may be given.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcore.datasets import match_names
from mlcore.errors import DatasetError, shortened

LONGEST_PATTERN = 500  # characters
SECONDS = 10.0
"""The time in which all names have to be matched; a million take about 2 s."""

_KINDS = (
    r"^(?P<label>.*[^\W\d_])[ ._-]*\(?\d+\)?\.\w+$",  # cat.0.jpg, Abyssinian_100.jpg, oak (3).png
    r"^(?P<label>[^\W_]+)_c\d",  # 0002_c1s1_000451_03.jpg: an identity, then the camera
)
_SAMPLED = 5_000
_LEAST_SHARE = 0.9  # of the names that a suggested pattern fits
_LEAST_PICTURES = 2  # of a class, on average
_MIN_CLASSES = 2


@dataclass(frozen=True)
class Suggestion:
    """A pattern that fits most names: how many classes it gives, and the first of them."""

    pattern: str
    classes: int
    first: tuple[str, ...]


def labels_in_names(pattern: str, names: Sequence[str], seconds: float = SECONDS) -> list[tuple[str, str] | None]:
    """Return the groups `label` and `split`, "" without one, that `pattern` finds in each name; None where in none.

    Raises:
        DatasetError: the pattern is no regular expression, has no group `label`, is too long, or takes too long.
    """
    _check(pattern)
    request = json.dumps({"pattern": pattern, "names": list(names)})
    try:
        process = subprocess.run(
            [sys.executable, "-I", "-S", str(Path(match_names.__file__))],
            input=request,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise DatasetError(
            f"the pattern {shortened(pattern)} takes longer than {seconds:g} s for {len(names):,} names. Do not repeat "
            "a group that repeats itself, such as (a+)+; begin with ^"
        ) from error
    except subprocess.CalledProcessError as error:
        raise DatasetError(f"the pattern {shortened(pattern)} cannot be matched: {error.stderr[-200:]}") from error
    answer = json.loads(process.stdout)
    matches = [(str(label), str(split)) for label, split in answer["matches"]]
    return [matches[number] if number >= 0 else None for number in answer["of"]]


def _check(pattern: str) -> None:
    if len(pattern) > LONGEST_PATTERN:
        raise DatasetError(f"the pattern has {len(pattern):,} characters; at most {LONGEST_PATTERN} are taken")
    try:
        groups = re.compile(pattern).groupindex
    except (re.error, RecursionError, OverflowError) as error:
        raise DatasetError(f"the pattern {shortened(pattern)} is no regular expression: {error}") from error
    if "label" not in groups:
        raise DatasetError(
            f"the pattern {shortened(pattern)} has no group label; write (?P<label>...) around the part of the name "
            r"that is the class, such as ^(?P<label>[^_]+)_"
        )


def suggest_pattern(names: Sequence[str]) -> Suggestion | None:
    """Return a pattern by which nearly all names would give classes of several pictures; None where none does."""
    sample = names[:: max(1, len(names) // _SAMPLED)]
    for pattern in _KINDS:
        matches = [match["label"] for name in sample if (match := re.search(pattern, name[:255]))]
        classes = sorted(set(matches))
        if (
            len(matches) >= _LEAST_SHARE * len(sample)
            and len(classes) >= _MIN_CLASSES
            and len(matches) >= _LEAST_PICTURES * len(classes)
        ):
            return Suggestion(pattern, len(classes), tuple(classes[:5]))
    return None
