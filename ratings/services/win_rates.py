"""Win rates of models by the Bradley-Terry model with ties, with two-way bootstrap resamples. Arrays in, numbers out.

They use the order of ratings alone, so it does not matter how far apart a person puts good and bad.
"""

import numpy as np

from ratings.services.centred_means import Estimates, largest_group, linked_models, weighted_sums
from ratings.services.rating_statistics import Floats, Ratings

WIN_RESAMPLES = 500
"""A page computes them; win rates stand beside the headline."""

MOST_STEPS = 100
LARGEST_STEP = 1.0
PRECISION = 1e-9


def win_rates(ratings: Ratings) -> Estimates:
    """Return how often each model is rated higher than an average other one, a tie counted half; 0 to 1.

    Each two models of a ballot are a comparison. Model i with strength s_i beats j with probability
    s_i / (s_i + s_j + v sqrt(s_i s_j)) and ties with v sqrt(s_i s_j) / (the same). Maximum likelihood, after one win
    and one loss of each model against one of strength 1, and a comparison of two equals that is a tie by a third:
    without them a model that always wins, or ratings without a tie, would have no finite maximum. The rate is the
    mean over the other models of the largest group of linked models; NaN outside it, as in `centred_means`, whose
    first WIN_RESAMPLES resamples these are.

    Source: R. R. Davidson, "On extending the Bradley-Terry model to accommodate ties in paired comparison
    experiments", Journal of the American Statistical Association 65 (1970), 317-328.
    """
    models = ratings.values.shape[1]
    sums = weighted_sums(ratings, lambda part: _comparisons(ratings.values[part]), resamples=WIN_RESAMPLES)
    wins, ties, met = sums[:, :models], sums[:, models], np.zeros((len(sums), models, models))
    first, second = np.triu_indices(models, 1)
    met[:, first, second] = met[:, second, first] = sums[:, models + 1 :]
    linked, number = linked_models(met), met.sum(axis=2)
    inside = largest_group(linked, np.where(largest_group(linked[:1], number[0]), number[0], 0)[0])
    inside &= number > 0
    most_likely = _strengths(wins[:1], ties[:1], met[:1], np.zeros(models + 1))
    start = np.append(most_likely[0][0], most_likely[1])  # of resamples: near by, so half of the steps
    win, tie = _probabilities(*_strengths(wins, ties, met, start))
    others = inside[:, None, :] & ~np.eye(models, dtype=bool)
    total = np.where(others, win + tie / 2, 0).sum(axis=2)
    rates = np.divide(
        total, others.sum(axis=2), out=np.full(total.shape, np.nan), where=inside & (others.sum(axis=2) > 0)
    )
    return Estimates(rates[0], rates[1:])


def _comparisons(values: Floats) -> Floats:
    """Return of each ballot [B, M + 1 + M (M - 1) / 2] the models' wins (a tie is half), the ties, and who met whom."""
    shown = ~np.isnan(values)
    both = shown[:, :, None] & shown[:, None, :] & ~np.eye(values.shape[1], dtype=bool)
    known = np.nan_to_num(values)
    higher = both & (known[:, :, None] > known[:, None, :])
    level = both & (known[:, :, None] == known[:, None, :])
    first, second = np.triu_indices(values.shape[1], 1)
    wins = higher.sum(axis=2) + level.sum(axis=2) / 2
    return np.hstack([wins, level.sum(axis=(1, 2))[:, None] / 2, both[:, first, second]])


def _probabilities(strengths: Floats, tie: Floats) -> tuple[Floats, Floats]:
    """Return the probabilities that i beats j and that they tie [R, M, M]. strengths [R, M] and tie [R]: logarithms."""
    gap = (strengths[:, None, :] - strengths[:, :, None]) / 2
    level = np.exp(tie)[:, None, None]
    base = np.exp(-gap) + np.exp(gap) + level  # all divided by sqrt(s_i s_j)
    return np.exp(-gap) / base, level / base


def _strengths(wins: Floats, ties: Floats, met: Floats, start: Floats) -> tuple[Floats, Floats]:
    """Return the logarithms of strengths [R, M] and of the tie parameter [R] that are the most likely, by Newton.

    start [M + 1]: where to begin, the strengths and the tie parameter.
    """
    strengths, tie = np.tile(start[:-1], (len(wins), 1)), np.full(len(wins), start[-1])
    diagonal = np.arange(wins.shape[1])
    for _ in range(MOST_STEPS):
        win, level = _probabilities(strengths, tie)
        half = win + level / 2
        equal = 1 / (1 + np.exp(-strengths))  # against the model of strength 1
        third = np.exp(tie) / (2 + np.exp(tie))
        slope = np.empty((len(wins), wins.shape[1] + 1))
        slope[:, :-1] = wins - (met * half).sum(axis=2) + 1 - 2 * equal
        slope[:, -1] = ties - (met * level).sum(axis=(1, 2)) / 2 + 1 / 3 - third
        curve = np.zeros((len(wins), wins.shape[1] + 1, wins.shape[1] + 1))
        curve[:, :-1, :-1] = met * (level / 4 - half * np.swapaxes(half, 1, 2))
        curve[:, diagonal, diagonal] = (met * (win + level / 4 - half**2)).sum(axis=2) + 2 * equal * (1 - equal)
        curve[:, :-1, -1] = curve[:, -1, :-1] = (met * (level / 2 - half * level)).sum(axis=2)
        curve[:, -1, -1] = (met * level * (1 - level)).sum(axis=(1, 2)) / 2 + third * (1 - third)
        step = np.clip(np.linalg.solve(curve, slope[..., None])[..., 0], -LARGEST_STEP, LARGEST_STEP)
        strengths, tie = strengths + step[:, :-1], tie + step[:, -1]
        if np.abs(step).max() < PRECISION:
            return strengths, tie
    raise ArithmeticError(f"the Bradley-Terry model has no maximum after {MOST_STEPS} steps")
