"""Offline metrics beside what people say, computed when asked."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db.models import Avg, Count, F, Max, Q

from accounts.roles import Visitor
from mlcore.evaluation.metric_table import HEADLINE, RECALL_AT_K, Metric, Place, columns_of, shown_at, title_of
from ratings.errors import UnknownFilter
from ratings.models import Ballot, BlindScore
from ratings.services.opinions import (
    FEWEST_VOTES,
    Floats,
    Votes,
    agreement_between_people,
    interval,
    kendall_tau_b,
    redrawn_means,
    share_in_order,
)
from ratings.services.same_losses import same_losses
from retrieval.models import Index, Model
from retrieval.registry.services.visibility import visible_models

EXTERNAL = "external"
KEEP_SECONDS = 600  # what the same votes say; new votes have another key
FEWEST_FOR_TAU = 3

Row = dict[str, Any]


def leaderboard(user: Visitor) -> list[Row]:
    """Return a row for each measured model that this person may see, the best by the headline first in a data set.

    figures: a `Figure` for each of `columns()`; recall_at: Recall@K by K. Metrics are fractions of 1 on held-out
    classes, by exact search; human_mean and human_sd are over blind scores 1 to 5, None without votes; human_interval
    is None below FEWEST_VOTES; index_recall is how far the serving index agrees with exact search.
    """
    score = F("rankings__blind_scores__score")
    models = (
        visible_models(user)
        .filter(Q(run__metrics__isnull=False) | Q(measured__isnull=False))
        .annotate(
            human_mean=Avg(score),
            # Not StdDev, which fails on SQLite for a model without votes.
            human_square=Avg(score * score),
            votes=Count("rankings__blind_scores", distinct=True),
        )
    )
    recalls = dict(Index.objects.filter(active=True, dataset=F("model__dataset")).values_list("model", "recall"))
    rows = [_row(model, recalls.get(model.pk)) for model in models]
    for section in _by_dataset(rows):
        intervals = _said_of(section)["intervals"]
        for row in section:
            row["human_interval"] = intervals.get(row["model"].pk)
    return sorted(rows, key=lambda row: (row["dataset"].name, -row["headline"]))


def columns() -> dict[str, Metric]:
    """Return the metrics that the leaderboard has, by name, in order."""
    return shown_at(Place.LEADERBOARD)


def charted() -> dict[str, str]:
    """Return the titles of the metrics that have a chart and an interval, by name: all but Recall@K of several K."""
    return {name: metric.title for name, metric in columns().items() if name != RECALL_AT_K}


def headline() -> str:
    """Return the title of the metric that models are ordered by and people's ratings are compared with."""
    return title_of(HEADLINE)


def _row(model: Model, index_recall: float | None) -> Row:
    metrics, run = model.metrics or {}, model.run
    mean: float | None = model.human_mean  # type: ignore[attr-defined]
    return {
        "model": model,
        "name": model.name,
        "color": model.color,
        "dataset": model.dataset,
        "protocol_name": run.experiment.protocol["name"] if run else EXTERNAL,
        "seed": run.seed if run else None,
        "headline": metrics[HEADLINE],
        "figures": columns_of(metrics, Place.LEADERBOARD),
        "recall_at": {int(k): value for k, value in metrics[RECALL_AT_K].items()},
        "human_mean": mean,
        "human_sd": None if mean is None else sqrt(max(0.0, model.human_square - mean**2)),  # type: ignore[attr-defined]
        "votes": model.votes,  # type: ignore[attr-defined]
        "index_recall": index_recall,
    }


def filtered(rows: Sequence[Row], dataset: str = "", protocol: str = "") -> list[Row]:
    """Return the rows of a data set, by its slug, and of a protocol, by its name; empty leaves none out.

    Raises:
        UnknownFilter: there is no such data set or protocol among the rows.
    """
    for name, value, known, what in (
        ("dataset", dataset, {row["dataset"].slug for row in rows}, "data set"),
        ("protocol", protocol, {row["protocol_name"] for row in rows}, "protocol"),
    ):
        if value and value not in known:
            raise UnknownFilter(f"no {what} of the leaderboard is called “{value}”", field=name)
    return [row for row in rows if dataset in ("", row["dataset"].slug) and protocol in ("", row["protocol_name"])]


def sections(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows by data set, each with what its votes say as a whole, and with which losses are one."""
    found = []
    for section in _by_dataset(rows):
        said, same = _said_of(section), same_losses([row["model"] for row in section])
        names = {row["model"].pk: row["name"] for row in section}
        agreement = said["agreement"]
        if agreement and "better" in agreement:
            agreement = agreement | {"better": names[agreement["better"]]}
        found.append(
            {
                "dataset": section[0]["dataset"],
                "rows": section,
                "votes": votes_total(section),
                "agreement": agreement,
                "people_agree": said["people_agree"],
                "same_losses": same,
                "same_models": [entry["model"].pk for entry in same["models"]] if same else [],
            }
        )
    return found


def votes_total(rows: Sequence[Row]) -> int:
    """Return how many ballots stand behind the rows."""
    models = [row["model"] for row in rows]
    return Ballot.objects.filter(scores__ranking__model__in=models).distinct().count()


def _by_dataset(rows: Sequence[Row]) -> list[list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row["dataset"], []).append(row)
    return list(found.values())


def _said_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what the votes on these models say, kept for as long as no vote comes or goes.

    Scores are never changed and their keys never used again, so their number and newest key tell two states apart.
    """
    measured = {row["model"].pk: row["headline"] for row in sorted(rows, key=lambda row: row["model"].pk)}
    scores = BlindScore.objects.filter(ranking__model__in=list(measured))
    state = scores.aggregate(count=Count("pk"), newest=Max("pk"))
    said: dict[str, Any] = cache.get_or_set(  # type: ignore[assignment]  # what is set is what comes
        f"votes-say:{hash(tuple(measured.items()))}:{state['count']}:{state['newest']}",
        lambda: _computed(_votes_on(list(measured)), measured),
        KEEP_SECONDS,
    )
    return said


def _votes_on(models: Sequence[int]) -> Votes:
    """Return every vote on these models, a ballot a row and a model a column."""
    columns = {model: place for place, model in enumerate(models)}
    ballots: dict[Any, int] = {}
    queries: dict[Any, int] = {}
    people, asked, cells = [], [], []
    fields = ("ballot", "ballot__who", "ballot__search", "ranking__model", "score")
    for ballot, who, search, model, score in (
        BlindScore.objects.filter(ranking__model__in=models).order_by("pk").values_list(*fields)
    ):
        if ballot not in ballots:
            ballots[ballot] = len(ballots)
            people.append(who)
            asked.append(queries.setdefault(search, len(queries)))
        cells.append((ballots[ballot], columns[model], score))
    table = np.full((len(ballots), len(models)), np.nan)
    for row, column, score in cells:
        table[row, column] = score
    return Votes(np.array(people, dtype=np.int64), np.array(asked, dtype=np.int64), table)


def _computed(votes: Votes, measured: dict[int, float]) -> dict[str, Any]:
    if not len(votes.people):
        return {"intervals": {}, "agreement": None, "people_agree": None}
    drawn = redrawn_means(votes)
    known = [place for place, count in enumerate(votes.counts) if count >= FEWEST_VOTES]
    models = list(measured)
    between = agreement_between_people(votes)
    return {
        "intervals": {models[place]: interval(drawn[:, place]) for place in known},
        "agreement": _agreement(
            np.array([measured[models[place]] for place in known]),
            np.nanmean(votes.scores[:, known], axis=0),
            drawn[:, known],
            [models[place] for place in known],
        ),
        "people_agree": between and {"share": between[0], "comparisons": between[1]},
    }


def _agreement(measured: Floats, rated: Floats, drawn: Floats, models: list[int]) -> dict[str, Any] | None:
    """Return how metric and human means go together: tau-b of three models or more, else whether two agree."""
    if len(models) < FEWEST_FOR_TAU - 1:
        return None
    if len(models) >= FEWEST_FOR_TAU:
        tau = float(kendall_tau_b(measured, rated[None])[0])
        bounds = interval(kendall_tau_b(measured, drawn)) or (None, None)
        return {"tau": None if np.isnan(tau) else tau, "low": bounds[0], "high": bounds[1], "models": len(models)}
    better = int(measured[1] > measured[0])
    worse = 1 - better
    return {
        "better": models[better],
        "is_level": bool(measured[0] == measured[1]),
        "difference": float(rated[better] - rated[worse]),
        "certainty": share_in_order(drawn[:, better] - drawn[:, worse]),
        "models": 2,
    }
