"""The geometry of unit vectors: density of classes, number of directions in use, nearest neighbours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.evaluation.ranking import SCORE_STEPS, Floats, Ints

_SCORES_AT_ONCE = 1 << 23
_LEAST_SHARE = 1e-12  # of a singular value that is 0: the divergence stays a number


def spectral_decay(unit: Floats) -> float:
    """Return KL(U || S) in nats, S being the singular values of rows [N, D] as shares of their sum.

    Source: Roth et al., ICML 2020, section 5, rho; over all min(N, D) singular values.
    """
    squared = np.linalg.eigvalsh(unit.T @ unit if unit.shape[0] > unit.shape[1] else unit @ unit.T)
    values = np.sqrt(np.maximum(squared, 0))
    shares = np.maximum(values / values.sum(), _LEAST_SHARE)
    return float(-np.log(len(shares) * shares).mean())


def neighbourhoods(unit: Floats, count: int, is_query: NDArray[np.bool_] | None) -> tuple[Ints, Floats, float]:
    """Return the rows and cosines [N, count] of each row's nearest others, and uniformity (t = 2).

    With is_query [N] only the neighbours of queries mean something, and they are all of the gallery.
    """
    total = len(unit)
    near, cosines, potential = np.empty((total, count), np.int64), np.empty((total, count)), 0.0
    columns = np.arange(total)
    step = max(1, _SCORES_AT_ONCE // total)
    for start in range(0, total, step):
        rows = columns[start : start + step]
        scores = unit[rows] @ unit.T
        potential += float(np.exp(4 * scores - 4).sum()) - len(rows)  # exp(-2 |x - y|^2), less each with itself
        # At equal scores the earlier row stands first: one integer holds both.
        keys = np.rint(scores * SCORE_STEPS).astype(np.int64) * total - columns
        keys[np.arange(len(rows)), rows] = np.iinfo(np.int64).min
        if is_query is not None:
            keys[:, is_query] = np.iinfo(np.int64).min
        best = np.argpartition(keys, total - count, axis=1)[:, total - count :]
        order = np.argsort(-np.take_along_axis(keys, best, axis=1), axis=1)
        near[rows] = np.take_along_axis(best, order, axis=1)
        cosines[rows] = np.take_along_axis(scores, near[rows], axis=1)
    return near, np.clip(cosines, -1, 1), float(np.log(potential / (total * (total - 1))))


def density(unit: Floats, labels: NDArray[np.int64]) -> float | None:
    """Return the mean distance within classes over that between class centres (Roth et al. 2020, section 5).

    None where all centres are one point, or there is one class only: nothing is between them.
    """
    within, pairs = 0.0, 0
    centres = []
    for rows in groups(labels):
        centres.append(unit[rows].mean(axis=0))
        within += float(_distances(unit[rows], unit[rows]).sum())
        pairs += len(rows) * (len(rows) - 1)
    middle = np.array(centres)
    blocks = range(0, len(middle), 1024)
    between = sum(float(_distances(middle[start : start + 1024], middle).sum()) for start in blocks)
    if not between:
        return None
    return (within / pairs) / (between / (len(middle) * (len(middle) - 1)))


def alignment(unit: Floats, labels: NDArray[np.int64]) -> float:
    """Return the mean squared distance of two rows of a class (Wang & Isola 2020, equation 1, alpha = 2)."""
    total, pairs = 0.0, 0
    for rows in groups(labels):
        count = len(rows)
        # The squared distances of all pairs of unit rows sum up to 2 (n^2 - |sum of rows|^2).
        total += 2 * (count**2 - float(np.square(unit[rows].sum(axis=0)).sum()))
        pairs += count * (count - 1)
    return max(0.0, total / pairs)


def _distances(first: Floats, second: Floats) -> Floats:
    squared = np.square(first).sum(axis=1)[:, None] + np.square(second).sum(axis=1) - 2 * first @ second.T
    # Rows are rounded to 2^-26: what is nearer than that is the same.
    return np.sqrt(np.where(squared > 2.0**-46, squared, 0))


def groups(labels: NDArray[np.int64]) -> Sequence[Ints]:
    """Return the rows of each class, in the order of labels."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def skewness(counts: Ints) -> float:
    """Return the third standardised moment; 0 where all counts are alike."""
    spread = counts.std()
    return float(((counts - counts.mean()) ** 3).mean() / spread**3) if spread else 0.0


def nearest_centres(unit: NDArray[Any], labels: NDArray[np.int64], label: int) -> tuple[list[tuple[int, float]], int]:
    """Return the other classes by the cosine of their centres with that of `label`, the nearest first.

    And the row of its most typical picture, nearest to its own centre.
    """
    found = {int(labels[rows[0]]): unit[rows].mean(axis=0) for rows in groups(labels)}
    middle = {name: centre / max(float(np.linalg.norm(centre)), _LEAST_SHARE) for name, centre in found.items()}
    ours = middle.pop(label)
    own = np.flatnonzero(labels == label)
    cosines = [(name, float(ours @ centre)) for name, centre in middle.items()]
    return sorted(cosines, key=lambda pair: (-pair[1], pair[0])), int(own[np.argmax(unit[own] @ ours)])
