"""The audit of a table: what could make its blind ratings mislead, from the database, with warnings in words."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from accounts.roles import Visitor
from mlcore.runs import BASELINES
from ratings.models import Ballot
from ratings.services.audit_drift import Drift, drift_of_difference, drift_of_level
from ratings.services.audit_removals import smallest_removal
from ratings.services.audit_sampling import ModelSampling, Sampling, sampling
from ratings.services.centred_means import centred_means
from ratings.services.leaderboard_people import cached, evidence_of, row_of_models, statistics_of
from ratings.services.leaderboard_protocols import BoardProtocol
from ratings.services.leaderboard_rows import LeaderboardRow
from ratings.services.people_figures import ColumnBias
from retrieval.models import Dataset, Model, Ranking
from retrieval.registry.services.legend import loss_titles
from retrieval.registry.services.visibility import visible_models

FEW_SHARE = 0.02
"""Of the ballots: where fewer decide who wins, the audit warns."""


@dataclass(frozen=True)
class NamedRemoval:
    """A removal (`audit_removals.Removal`) with the names of the rows. ballots: 0 where two are level at the top."""

    winner: str
    after: str
    ballots: int
    share: float


@dataclass(frozen=True)
class LossVariants:
    """Models of one loss in the data set: how many were trained, how many the visitor sees, how many were rated."""

    loss: str
    trained: int
    shown: int
    rated: int


@dataclass(frozen=True)
class Findings:
    """What an audit computes of the ratings of a table. pair: the two highest rows by blind rating, by key.

    removal: None if half of the ballots do not change who wins, or nothing is compared. rows are keys there.
    """

    sampling: Sampling
    pair: tuple[int, int] | None = None
    removal: tuple[int, int, int] | None = None
    ballots: int = 0
    level: Drift | None = None
    difference: Drift | None = None


@dataclass(frozen=True)
class Audit:
    """The audit of a table. names: of models by key, for the sampling; pair: the names of the two highest rows.

    ballots: rated ballots with the table's models; sampling: of all rated ballots of the data set.
    """

    dataset: Dataset
    protocol: BoardProtocol
    ballots: int
    names: dict[int, str]
    sampling: Sampling
    column_bias: ColumnBias | None
    pair: tuple[str, str] | None
    removal: NamedRemoval | None
    level: Drift | None
    difference: Drift | None
    variants: tuple[LossVariants, ...]

    @property
    def sampling_rows(self) -> list[tuple[str, ModelSampling]]:
        """The sampling of each model, with its name."""
        return [(self.names[one.model], one) for one in self.sampling.models]

    @property
    def warnings(self) -> list[str]:
        """The checks that failed, a sentence each."""
        return list(self.warnings_with(str))

    def warnings_with(self, name: Callable[[str], str]) -> Iterator[str]:
        """Give a sentence for each check that failed; name: how a name is written."""
        if self.sampling.is_unequal:
            yield _unequal(self.sampling, self.names, name)
        for one in self.sampling.off:
            yield (
                f"{name(self.names[one.model])} was on {one.recorded} ballots; "
                f"their probabilities add up to {one.expected:.1f}."
            )
        if self.column_bias is not None and self.column_bias.biased:
            columns = ", ".join(f"{one.column} by {one.mean:+.2f}" for one in self.column_bias.biased)
            yield f"The column's place moves the ratings (column {columns} points)."
        if self.removal is not None and self.removal.ballots and self.removal.share < FEW_SHARE:
            yield (
                f"Without {self.removal.ballots} of {self.ballots} ballots, {name(self.removal.after)} would be "
                f"first instead of {name(self.removal.winner)}."
            )
        if self.level is not None and self.level.is_found:
            yield f"Ratings drift: by {self.level.change:+.2f} points from the first ballots to the last."
        if self.difference is not None and self.difference.is_found and self.pair is not None:
            first, second = map(name, self.pair)
            yield f"The difference of {first} and {second} drifts: by {self.difference.change:+.2f} points."
        for variants in self.variants:
            if variants.shown < variants.trained:
                yield (
                    f"{name(variants.loss)}: {variants.shown} of {variants.trained} trained models are shown. "
                    "The best of several looks better than it is."
                )


def _unequal(found: Sampling, names: dict[int, str], name: Callable[[str], str]) -> str:
    least, most = (choose(found.models, key=lambda model: model.ballots) for choose in (min, max))
    return (
        f"Models were shown unequally often: {name(names[most.model])} on {most.ballots} ballots, "
        f"{name(names[least.model])} on {least.ballots}."
    )


def audit_of(user: Visitor, rows: Sequence[LeaderboardRow]) -> Audit:
    """Return the audit of a table's rows, cached until a rating comes or goes; variants are counted anew.

    Sampling is of all rated ballots of the data set, so a rating of any of its models is one.
    """
    dataset, names = rows[0].dataset, {row.model.pk: row.name for row in rows}
    statistics = statistics_of(rows)
    known = tuple(sorted(row_of_models(rows).items()))
    rated = Model.objects.filter(dataset=dataset, rankings__blind_scores__isnull=False).distinct()
    every = sorted({*row_of_models(rows), *rated.values_list("pk", flat=True)})
    found = cached("audit", every, known, partial(_findings, rows, every))
    removal = None
    if found.removal is not None:
        winner, after, ballots = found.removal
        removal = NamedRemoval(names[winner], names[after], ballots, ballots / found.ballots)
    return Audit(
        dataset=dataset,
        protocol=rows[0].protocol,
        ballots=found.ballots,
        names={one.model.pk: one.name for row in rows for one in row.seeds},
        sampling=found.sampling,
        column_bias=statistics.column_bias,
        pair=None if found.pair is None else (names[found.pair[0]], names[found.pair[1]]),
        removal=removal,
        level=found.level,
        difference=found.difference,
        variants=variants_of(user, rows),
    )


def _findings(rows: Sequence[LeaderboardRow], every: Sequence[int]) -> Findings:
    row_of = row_of_models(rows)
    places = [row.model.pk for row in rows]
    on_ballots = {pk for pk, row in row_of.items() if row not in _baselines(rows)}
    shares = _sampling(every, on_ballots)
    ratings = evidence_of(places, row_of).ratings
    ballots = len(ratings.people)
    if not ballots:
        return Findings(shares)
    means = centred_means(ratings).values
    order = np.argsort(-np.where(np.isnan(means), -np.inf, np.round(means, 9)), kind="stable")
    level = drift_of_level(ratings, means) if not np.isnan(means).all() else None
    if (~np.isnan(means)).sum() < 2:
        return Findings(shares, ballots=ballots, level=level)
    first, second = (int(place) for place in order[:2])
    fewest = smallest_removal(ratings, means)
    removal = None
    if fewest is not None:
        removal = places[fewest.winner], places[fewest.after], len(fewest.removed)
    difference = drift_of_difference(ratings, first, second)
    return Findings(shares, (places[first], places[second]), removal, ballots, level, difference)


def _baselines(rows: Sequence[LeaderboardRow]) -> set[int]:
    """Return the rows without training, which are on no ballot."""
    return {row.model.pk for row in rows if row.model.loss in BASELINES}


def _sampling(every: Sequence[int], own: Collection[int]) -> Sampling:
    """Return how often each of a table's own models was on a rated ballot of the data set.

    every: the data set's models that were ever rated take part too, or ballots without one of these would be missed.
    """
    evidence = evidence_of(every, {pk: pk for pk in every})
    places = {pk: place for place, pk in enumerate(every)}
    model_of = dict(
        Ranking.objects.filter(search__in=set(evidence.searches), model__in=every).values_list("pk", "model")
    )
    probabilities = np.full(evidence.rankings.shape, np.nan)
    logged = dict(
        Ballot.objects.filter(search__in=set(evidence.searches), propensities__isnull=False).values_list(
            "pk", "propensities"
        )
    )
    for row, ballot in enumerate(evidence.ballots):
        if ballot not in logged:
            continue
        probabilities[row] = 0
        for ranking, share in (logged[ballot] or {}).items():
            if int(ranking) in model_of:
                probabilities[row, places[model_of[int(ranking)]]] = share
    found = sampling(evidence.rankings > 0, probabilities)
    kept = tuple(replace(one, model=every[one.model]) for one in found.models if every[one.model] in own)
    return replace(found, models=kept)


def variants_of(user: Visitor, rows: Sequence[LeaderboardRow]) -> tuple[LossVariants, ...]:
    """Return how many models of each loss of the table were trained in its data set, and how many are shown.

    Every trained model of any protocol counts, whether published or not, archived or not; one that was deleted is not
    known any more.
    """
    losses = {row.model.loss for row in rows if row.model.run is not None} - set(BASELINES)
    trained = Model.objects.filter(dataset=rows[0].dataset, loss__in=losses, run__isnull=False)
    shown = set(visible_models(user).filter(dataset=rows[0].dataset, published=True).values_list("pk", flat=True))
    rated = set(trained.filter(rankings__blind_scores__isnull=False).values_list("pk", flat=True))
    counts: dict[str, Counter[str]] = {}
    for pk, loss in trained.values_list("pk", "loss"):
        counts.setdefault(loss, Counter()).update(trained=1, shown=int(pk in shown), rated=int(pk in rated))
    titles = loss_titles()
    return tuple(
        LossVariants(titles.get(loss, loss), count["trained"], count["shown"], count["rated"])
        for loss, count in sorted(counts.items())
    )
