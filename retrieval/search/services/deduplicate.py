"""Near-duplicates among results: shown as one that opens."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.images.perceptual_hash import near_duplicate_matrix
from retrieval.search.services.results import Result


@dataclass(frozen=True, slots=True)
class ResultGroup:
    """A result, and those below it that show the same picture."""

    best: Result
    near_duplicates: list[Result]


def grouped(results: Sequence[Result]) -> list[ResultGroup]:
    """Return the results, best first, each with its near-duplicates.

    Each joins the best result that it resembles, not one that has joined another itself: what resembles a picture's
    twin need not resemble the picture. Pictures without a perceptual hash stay on their own.
    """
    hashes = [result.record.look for result in results]
    hashed = [at for at, value in enumerate(hashes) if value is not None]
    same = np.eye(len(results), dtype=np.bool_)
    if hashed:
        same[np.ix_(hashed, hashed)] |= near_duplicate_matrix([bytes(hashes[at] or b"") for at in hashed])
    groups: dict[int, list[Result]] = {}
    for at, result in enumerate(results):
        leader = next((first for first in groups if same[first, at]), at)
        groups.setdefault(leader, [])
        if leader != at:
            groups[leader].append(result)
    return [ResultGroup(results[at], others) for at, others in groups.items()]
