"""Intervals of single rows of a comparison, over classes and seeds."""

from collections.abc import Mapping

import numpy as np

from mlcore.comparison.sign_flips import Floats, Ints, row_statistics
from mlcore.evaluation.intervals import mean_interval, variance_over_classes


def row_intervals(labels: Ints, rows: Mapping[str, Mapping[int, Floats]]) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of each row's mean over queries; each holds for itself.

    labels [Q]: the class of each query. rows: name -> seed -> what each query earned [Q]. The error is that of the
    tests: the spread between classes, and the variance between seeds, which adds to it from two seeds on. The scale is
    the logit's where all values of the table lie from 0 to 1. With one class the spread is that between its queries.
    """
    names = list(rows)
    values = [np.stack([rows[name][seed] for seed in sorted(rows[name])]) for name in names]
    units = labels if len(np.unique(labels)) > 1 else np.arange(len(labels))
    statistics = row_statistics(units, values)
    is_share = min(float(one.min()) for one in values) >= 0 and max(float(one.max()) for one in values) <= 1
    total, count = statistics.sizes.sum(), len(statistics.sizes)
    freedom = max(1, count - 1)
    intervals = {}
    for place, name in enumerate(names):
        mean = float(statistics.sums[:, place].sum() / total)
        left = statistics.sums[:, place] - statistics.sizes * mean
        of_classes = variance_over_classes(left, total)
        of_seeds = max(0.0, float(statistics.seed_variance[place] - statistics.interaction[place]))
        square = of_classes + of_seeds
        parts = of_classes**2 / freedom + of_seeds**2 / max(1, int(statistics.seeds[place]) - 1)
        own = square**2 / parts if parts > 0 else float(freedom)
        intervals[name] = mean_interval(
            min(mean, 1.0) if is_share else mean, square, own, units=count, is_share=is_share
        )
    return intervals
