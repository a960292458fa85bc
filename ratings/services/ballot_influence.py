"""How much single ballots move the difference of two ballot-centred means. Arrays in, numbers out."""

import numpy as np

from ratings.services.rating_statistics import Floats, Ratings


def influences(ratings: Ratings, first: int, second: int) -> Floats:
    """Return how far the difference (first - second) falls if a ballot is left out [B], to the first order, in points.

    With effects x that solve A x = r (`centred_means`), leaving out ballot b changes c'x by -c'A+(r_b - A_b x) plus
    terms of the second order. r_b - A_b x are the ballot's residuals about their mean.
    """
    shown = (~np.isnan(ratings.values)).astype(np.float64)
    number = np.maximum(shown.sum(axis=1), 1)[:, None]
    matrix = np.diag(shown.sum(axis=0)) - (shown / number).T @ shown
    contrast = np.zeros(shown.shape[1])
    contrast[first], contrast[second] = 1, -1
    inverse = np.linalg.pinv(matrix, hermitian=True)
    values = np.nan_to_num(ratings.values)
    effects = inverse @ (values - shown * values.sum(axis=1, keepdims=True) / number).sum(axis=0)
    residuals = shown * (values - effects)
    residuals -= shown * residuals.sum(axis=1, keepdims=True) / number
    moved: Floats = residuals @ (inverse @ contrast)
    return moved
