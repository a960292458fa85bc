"""Mean ratings of ballots' columns by their place from the left, to see whether it matters. Arrays in, numbers out."""

import numpy as np

from ratings.services.centred_means import Estimates, weighted_sums
from ratings.services.rating_statistics import Floats, Ints, Ratings


def column_means(ratings: Ratings) -> tuple[Ints, Estimates]:
    """Return the number of ratings of each column [C] and its mean above its ballot's mean, in points.

    The order of the columns is random, so a mean is 0 but for chance if their place does not matter. Ballots with one
    rated model say nothing and are left out. Column 1 is the leftmost; NaN: a column without ratings. The resamples
    are those of `centred_means`.
    """
    if ratings.columns is None or not ratings.columns.any():
        return np.zeros(0, dtype=np.int64), Estimates(np.zeros(0), np.zeros((0, 0)))
    number = int(ratings.columns.max())
    places = np.arange(1, number + 1)
    columns = ratings.columns

    def features(part: slice) -> Floats:
        values = ratings.values[part]
        shown = ~np.isnan(values)
        several = shown.sum(axis=1) > 1
        means = np.divide(
            np.nan_to_num(values).sum(axis=1), shown.sum(axis=1), out=np.zeros(len(values)), where=several
        )
        centred = np.where(shown & several[:, None], np.nan_to_num(values) - means[:, None], 0)
        here = (columns[part, :, None] == places) & (shown & several[:, None])[:, :, None]  # [b, M, C]
        return np.hstack([(centred[:, :, None] * here).sum(axis=1), here.sum(axis=1)])

    sums = weighted_sums(ratings, features)
    totals, counts = sums[:, :number], sums[:, number:]
    means = np.divide(totals, counts, out=np.full(totals.shape, np.nan), where=counts > 0)
    return counts[0].astype(np.int64), Estimates(means[0], means[1:])
