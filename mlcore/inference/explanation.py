"""What an explanation says. It stands apart from what computes it: who only shows one needs no PyTorch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """What each place of two pictures brings to their cosine; each map [H, W] sums up to the score.

    exact: the parts are the model's own sum; else `reason` says what was simplified. Rows run from the top,
    columns from the left, of the square that the network sees.
    """

    score: float
    first: Floats
    second: Floats
    reason: str

    @property
    def exact(self) -> bool:
        """Whether nothing was simplified."""
        return not self.reason

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON; `from_json` turns it back."""
        return {
            "score": self.score,
            "first": self.first.tolist(),
            "second": self.second.tolist(),
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Explanation":
        """Return what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        first, second = (np.array(values[name], np.float64) for name in ("first", "second"))
        return cls(float(values["score"]), first, second, str(values["reason"]))


REGIONS = (
    ("top left", "top", "top right"),
    ("left", "centre", "right"),
    ("bottom left", "bottom", "bottom right"),
)


def region_shares(shares: Floats) -> dict[str, float]:
    """Return a map [H, W] summed over nine regions, by their names; a place across an edge is split by area."""
    rows, columns = (_thirds(length) for length in shares.shape)
    sums = rows @ shares @ columns.T
    return {name: float(sums[y, x]) for y, row in enumerate(REGIONS) for x, name in enumerate(row)}


def _thirds(length: int) -> Floats:
    """Return [3, length]: how much of each place lies in each third."""
    edges = np.arange(length + 1)
    starts, ends = np.array([[0], [1], [2]]) * length / 3, np.array([[1], [2], [3]]) * length / 3
    overlap: Floats = np.minimum(edges[1:], ends) - np.maximum(edges[:-1], starts)
    return np.maximum(overlap, 0)
