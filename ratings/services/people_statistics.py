"""Statistics of a table's ratings: figures of its models, agreement. Arrays in, numbers out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ratings.services.centred_means import Estimates, centred_means, interval_of, rank_ranges
from ratings.services.column_means import column_means
from ratings.services.enough_votes import EnoughVotes, enough_votes
from ratings.services.people_figures import (
    ColumnBias,
    ColumnFigure,
    PairAgreement,
    PeopleAgreement,
    PeopleFigure,
    RankAgreement,
)
from ratings.services.rater_agreement import agreement_between_people, krippendorff_alpha
from ratings.services.rating_statistics import (
    FEWEST_RATINGS,
    NO_RATINGS,
    NO_VARIATION,
    NOT_COMPARED,
    UNSTABLE,
    Floats,
    Ratings,
    estimable,
    interval_or_why,
    kendall_tau_b,
    rounded,
    rounded_ends,
    share_in_order,
    why_no_interval,
    widening,
)
from ratings.services.win_rates import win_rates

FEWEST_FOR_TAU = 3


@dataclass(frozen=True)
class Statistics:
    """Statistics of the ratings of a table's models; figures: by the row's model's key."""

    figures: Mapping[int, PeopleFigure] = field(default_factory=dict)
    agreement: RankAgreement | PairAgreement | None = None
    people_agree: PeopleAgreement | None = None
    column_bias: ColumnBias | None = None
    enough: EnoughVotes = EnoughVotes()


def computed(ratings: Ratings, measured: Mapping[int, float]) -> Statistics:
    """Return the statistics of ratings [B, M] of models. measured: the headline metric by model, in their order."""
    if not len(ratings.people):
        return Statistics()
    estimates = centred_means(ratings)
    models = list(measured)
    known = ~np.isnan(estimates.values)
    compared = np.flatnonzero(known & (ratings.counts >= FEWEST_RATINGS))
    figures = figures_of(ratings, estimates, win_rates(ratings))
    return Statistics(
        figures=dict(zip(models, figures, strict=True)),
        agreement=agreement_of(
            np.array([measured[models[place]] for place in compared]),
            estimates.of(compared),
            ratings.reach(compared),
            [models[place] for place in compared],
        ),
        people_agree=people_agree_of(ratings),
        column_bias=_column_bias(ratings),
        enough=enough_of(ratings, estimates, figures, models),
    )


def enough_of(
    ratings: Ratings, estimates: Estimates, figures: Sequence[PeopleFigure], models: Sequence[int]
) -> EnoughVotes:
    """Return what the ratings decide, with the models' keys."""
    factors = np.array([np.nan if one.no_interval else widening(one.people, one.queries) for one in figures])
    found = enough_votes(ratings, estimates, factors, [one.no_interval for one in figures])
    decisions = tuple(replace(one, model=models[one.model]) for one in found.decisions)
    return replace(found, best=None if found.best is None else models[found.best], decisions=decisions)


def figures_of(ratings: Ratings, estimates: Estimates, rates: Estimates) -> list[PeopleFigure]:
    """Return the figure of each model, in the order of the columns, from its mean and its win rate."""
    reaches = [ratings.reach(np.array([place])) for place in range(len(estimates.values))]
    reasons = [_why_no_interval(estimates, place, *reach) for place, reach in enumerate(reaches)]
    factors = np.array([np.nan if reason else widening(*reach) for reason, reach in zip(reasons, reaches, strict=True)])
    ranks = rank_ranges(estimates, factors)
    figures = []
    for place, (reason, (people, queries)) in enumerate(zip(reasons, reaches, strict=True)):
        mean = estimates.values[place]
        low, high = rounded_ends(None if reason else interval_of(estimates, place, factors[place]))
        rank_low, rank_high = ranks[place] or (None, None)
        mean = None if np.isnan(mean) else rounded(mean)
        wins = _win_rate(rates, place, factors[place])
        figures.append(PeopleFigure(mean, low, high, rank_low, rank_high, people, queries, reason, *wins))
    return figures


def _win_rate(rates: Estimates, place: int, factor: float) -> tuple[float | None, float | None, float | None]:
    """Return a model's win rate and the ends of its interval, 0 to 1; factor: NaN where it has no interval."""
    if np.isnan(rates.values[place]):
        return None, None, None
    ends = None if np.isnan(factor) else interval_of(rates, place, factor)
    low, high = rounded_ends(None if ends is None else (max(0.0, ends[0]), min(1.0, ends[1])))
    return rounded(rates.values[place]), low, high


def _why_no_interval(estimates: Estimates, place: int, people: int, queries: int) -> str:
    """Return why a model has no interval, a code of `people_figures.NO_INTERVAL`; empty if it has."""
    if not people:
        return NO_RATINGS
    if np.isnan(estimates.values[place]):
        return NOT_COMPARED
    few = why_no_interval(people, queries)
    return few or ("" if estimable(estimates.resampled[:, place]) else UNSTABLE)


def agreement_of(
    measured: Floats, estimates: Estimates, reach: tuple[int, int], models: Sequence[int]
) -> RankAgreement | PairAgreement | None:
    """Return how metric and human means go together: tau-b of three models or more, else whether two agree."""
    if len(models) < FEWEST_FOR_TAU - 1:
        return None
    if len(models) >= FEWEST_FOR_TAU:
        return _rank_agreement(measured, estimates, reach)
    better = int(measured[1] > measured[0])
    worse = 1 - better
    resampled = estimates.resampled[:, better] - estimates.resampled[:, worse]
    low, high, reason = interval_or_why(resampled, reach)
    return PairAgreement(
        models=2,
        better=models[better],
        is_level=bool(measured[0] == measured[1]),
        difference=rounded(estimates.values[better] - estimates.values[worse]),
        low=low,
        high=high,
        certainty=None if reason else share_in_order(resampled),
        people=reach[0],
        queries=reach[1],
        no_interval=reason,
    )


def _rank_agreement(measured: Floats, estimates: Estimates, reach: tuple[int, int]) -> RankAgreement:
    tau = float(kendall_tau_b(measured, estimates.values[None])[0])
    if np.isnan(tau):
        return RankAgreement(len(measured), None, None, None, *reach, why_no_interval(*reach))
    low, high, reason = interval_or_why(kendall_tau_b(measured, estimates.resampled), reach)
    if low is not None and high is not None:
        low, high = max(-1.0, low), min(1.0, high)
    return RankAgreement(len(measured), tau, low, high, *reach, reason)


def people_agree_of(ratings: Ratings) -> PeopleAgreement | None:
    """Return how far people agree; None where no two people rated the same two models on the same query."""
    share = agreement_between_people(ratings)
    if share is None:
        return None
    alpha = krippendorff_alpha(ratings)
    if np.isnan(alpha.value):
        shown = (None, None, None, *alpha.reach, NO_VARIATION)
        return PeopleAgreement(share.share, share.chance, share.comparisons, *shown)
    low, high, reason = interval_or_why(alpha.resampled, alpha.reach)
    ends = (low, None if high is None else min(1.0, high))
    return PeopleAgreement(share.share, share.chance, share.comparisons, alpha.value, *ends, *alpha.reach, reason)


def _column_bias(ratings: Ratings) -> ColumnBias | None:
    counts, means = column_means(ratings)
    rated = np.flatnonzero(counts)
    if len(rated) < 2:
        return None
    reach = ratings.reach(np.arange(ratings.values.shape[1]))
    level = 1 - 0.05 / len(rated)  # Bonferroni: one column in twenty tables, not one column in twenty
    figures = []
    for place in rated:
        low, high, _ = interval_or_why(means.resampled[:, place], reach, level)
        figures.append(ColumnFigure(int(place) + 1, rounded(means.values[place]), low, high, int(counts[place])))
    return ColumnBias(tuple(figures), *reach, why_no_interval(*reach))
