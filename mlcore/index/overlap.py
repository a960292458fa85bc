"""The overlap of two result lists."""

from collections.abc import Sequence


def overlap_at(k: int, first: Sequence[int], second: Sequence[int]) -> float:
    """Return the share of pictures that two result lists have in common among their first k, 0 to 1.

    Where both have fewer than k, the longer one counts as the whole; two empty ones have an overlap of 0.

    Raises:
        ValueError: k < 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    depth = min(k, max(len(first), len(second)))
    return len(set(first[:k]) & set(second[:k])) / depth if depth else 0.0
