"""Offline metrics beside what people say, computed when asked."""

from math import sqrt
from typing import Any

from django.db.models import Avg, Count, F, Q

from accounts.roles import Visitor
from ratings.models import Ballot
from retrieval.experiments.services import visible_models
from retrieval.models import Index, Model


def leaderboard(user: Visitor) -> list[dict[str, Any]]:
    """Return a row for each measured model that this person may see, best MAP@R first within a data set.

    Metrics are fractions of 1 on held-out classes, by exact search; human_mean and human_sd are over blind
    scores 1 to 5, None without votes; index_recall is how far the serving index agrees with exact search.
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
    return sorted(rows, key=lambda row: (row["dataset"].name, -row["map_at_r"]))


def _row(model: Model, index_recall: float | None) -> dict[str, Any]:
    metrics, run = model.metrics or {}, model.run
    recall = {int(k): value for k, value in metrics["recall_at"].items()}
    mean: float | None = model.human_mean  # type: ignore[attr-defined]
    low, high = metrics.get("intervals", {}).get("recall_at_1", (None, None))
    return {
        "model": model,
        "name": model.name,
        "color": model.color,
        "dataset": model.dataset,
        "protocol_name": run.experiment.protocol["name"] if run else "from outside",
        "seed": run.seed if run else None,
        "recall_at_1": recall.get(1),
        "recall_at": recall,
        "map_at_r": metrics["map_at_r"],
        "interval_1": (low, high),
        "human_mean": mean,
        "human_sd": None if mean is None else sqrt(max(0.0, model.human_square - mean**2)),  # type: ignore[attr-defined]
        "votes": model.votes,  # type: ignore[attr-defined]
        "index_recall": index_recall,
    }


def votes_total(rows: list[dict[str, Any]]) -> int:
    """Return how many ballots stand behind the rows."""
    models = [row["model"] for row in rows]
    return Ballot.objects.filter(voted_at__isnull=False, search__rankings__model__in=models).distinct().count()
