"""Best-of-n curves: what a tuning had found after so many of its trials, and what n of them give on average."""

from collections.abc import Sequence
from itertools import accumulate, pairwise


def expected_best(scores: Sequence[float]) -> list[float]:
    """Return the expected best score of n trials, n = 1..N, of N scores in any order.

    Source: Dodge et al., "Show Your Work", EMNLP 2019, section 3.1: the expected maximum of n draws, with
    replacement, from the empirical distribution of the scores, sum over v of v (P(V <= v)^n - P(V < v)^n).
    It assumes that trials are exchangeable, as those of a random search are; see docs/comparing.md for TPE's.
    The curve never falls, begins at the mean and stays below the maximum.
    """
    ordered, count = sorted(scores), len(scores)
    return [
        sum(
            score * ((upper / count) ** n - (lower / count) ** n)
            for score, (lower, upper) in zip(ordered, pairwise(range(count + 1)), strict=True)
        )
        for n in range(1, count + 1)
    ]


def running_best(scores: Sequence[float]) -> list[float]:
    """Return the best score among the first n, n = 1..N: the search as it went."""
    return list(accumulate(scores, max))
