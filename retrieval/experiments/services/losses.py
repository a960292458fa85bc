"""What is told of each loss: its idea and formula, how it moves points, and what it earned here."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from latex2mathml.converter import convert

from accounts.roles import Visitor
from mlcore.evaluation.metric_table import HEADLINE, Metric, Place, columns_of, shown_at
from retrieval.experiments.services import toys
from retrieval.experiments.services.choosing import loss_table
from retrieval.registry.services.diagnostics import training_of
from retrieval.registry.services.published import visible_models

FAMILIES = {
    "pairs": "Two pictures are compared at a time.",
    "triplets": "A picture is compared with one of its class and one of another.",
    "proxies": "Pictures are compared with learned points that stand for classes.",
    "classification": "A classifier on the sphere, whose last layer is thrown away.",
    "ranking": "The order of the answers itself is made better.",
    "not trained": "What the others have to beat.",
}


@cache
def mathml(latex: str) -> str:
    """Return LaTeX as inline MathML, which browsers draw without any script."""
    return convert(latex)


@cache
def mathml_block(latex: str) -> str:
    """Return LaTeX as MathML on a line of its own."""
    return convert(latex, display="block")


def algorithms(words: str = "", family: str = "") -> list[dict[str, Any]]:
    """Return the losses and baselines of a family (all for none) that say every one of the words."""
    wanted = words.casefold().split()
    return [
        {**row, "picture": toys.thumbnail_of(row["name"])}
        for row in loss_table()
        if family in ("", row["family"]) and all(word in _said(row) for word in wanted)
    ]


def _said(row: Mapping[str, Any]) -> str:
    parts = [row[part] for part in ("name", "title", "family", "paper", "idea")]
    return " ".join([*parts, *(value["meaning"] for value in row["parameters"].values())]).casefold()


def algorithm(name: str) -> dict[str, Any] | None:
    """Return one loss or baseline as its page shows it, its formulas as MathML; None for an unknown name."""
    table = {row["name"]: row for row in loss_table()}
    row = table.get(name)
    if row is None:
        return None
    return {
        **row,
        "lines": [
            {"latex": latex, "mathml": mathml_block(latex)} for latex in (row["formula"], *row["where"]) if latex
        ],
        "explained": [{"mathml": mathml(latex), "means": said} for latex, said in row["symbols"].items()],
        "parameters": [
            {**parameter, "name": own, "mathml": mathml(parameter["letter"])}
            for own, parameter in row["parameters"].items()
        ],
        "equals": [
            {"name": other, "title": table[other]["title"], "when": when} for other, when in row["equals"].items()
        ],
        "picture": toys.picture_of(name),
    }


def results_of(name: str, user: Visitor) -> list[dict[str, Any]]:
    """Return what each measured model of a loss that this person may see has earned, best first in each data set."""
    models = visible_models(user).filter(loss=name, run__metrics__isnull=False)
    rows = [_result(model) for model in models]
    return sorted(rows, key=lambda row: (row["model"].dataset.name, -row["headline"]))


def result_columns() -> list[Metric]:
    """Return the metrics of the figures of `results_of`."""
    return list(shown_at(Place.SUMMARY).values())


def _result(model: Any) -> dict[str, Any]:
    return {
        "model": model,
        "figures": columns_of(model.run.metrics, Place.SUMMARY),
        "headline": model.run.metrics[HEADLINE],
        "protocol": model.run.experiment.protocol["name"],
        "seed": model.run.seed,
        "curves": training_of(model.run)["curves"],
    }
