"""Pages of losses: formulas as MathML, animations, and results on this site."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypedDict

from latex2mathml.converter import convert

from accounts.roles import Visitor
from mlcore.evaluation.metric_table import HEADLINE, Figure, Metric, Place, columns_of, shown_at
from retrieval.experiments.services import toys
from retrieval.experiments.services.options import LossInfo, ParameterInfo, loss_table
from retrieval.models import Model, Run
from retrieval.registry.services.diagnostics import training_of
from retrieval.registry.services.visibility import visible_models

FAMILIES = {
    "pairs": "Two pictures are compared at a time.",
    "triplets": "A picture is compared with one of its class and one of another class.",
    "proxies": "Pictures are compared with learned points that represent classes.",
    "classification": "A classifier on the sphere, whose last layer is discarded.",
    "ranking": "The ranking of the results is optimised directly.",
    "not trained": "Baselines without training.",
}


@cache
def mathml(latex: str) -> str:
    """Return LaTeX as inline MathML, which browsers draw without any script."""
    return convert(latex)


@cache
def mathml_block(latex: str) -> str:
    """Return LaTeX as MathML on a line of its own."""
    return convert(latex, display="block")


class ListedLoss(LossInfo):
    """A loss in the list, with the drawing of its final points and their mean similarities within and between."""

    picture: list[toys.Paths] | None
    similarities: tuple[float, float] | None


class Line(TypedDict):
    """A line of a formula."""

    latex: str
    mathml: str


class Symbol(TypedDict):
    """A symbol of a formula with its meaning."""

    mathml: str
    means: str


class ParameterRow(ParameterInfo):
    """A parameter with its name and letter."""

    name: str
    mathml: str


class Equivalent(TypedDict):
    """A loss that is the same at some settings."""

    name: str
    title: str
    when: str


class LossPage(TypedDict):
    """A loss or baseline as its page shows it."""

    name: str
    title: str
    family: str
    paper: str
    idea: str
    sampler: str
    takes_memory: bool
    lines: list[Line]
    explained: list[Symbol]
    parameters: list[ParameterRow]
    equals: list[Equivalent]
    picture: toys.Picture | None


class Result(TypedDict):
    """A model of a loss with its metrics and training curves."""

    model: Model
    figures: list[Figure]
    headline: float
    protocol: str
    seed: int
    curves: list[tuple[str, list[float]]]


def algorithms(words: str = "", family: str = "") -> list[ListedLoss]:
    """Return the losses and baselines of a family (default: all) that contain all of the words."""
    wanted = words.casefold().split()
    return [
        {
            **row,
            "picture": toys.thumbnail_of(row["name"]),
            "similarities": toys.similarities_of(row["name"]),
        }
        for row in loss_table()
        if family in ("", row["family"]) and all(word in _text_of(row) for word in wanted)
    ]


def _text_of(row: LossInfo) -> str:
    parts = [row["name"], row["title"], row["family"], row["paper"], row["idea"]]
    return " ".join([*parts, *(value["meaning"] for value in row["parameters"].values())]).casefold()


def algorithm(name: str) -> LossPage | None:
    """Return one loss or baseline with its formulas as MathML; None for an unknown name."""
    table = {row["name"]: row for row in loss_table()}
    row = table.get(name)
    if row is None:
        return None
    return {
        "name": row["name"],
        "title": row["title"],
        "family": row["family"],
        "paper": row["paper"],
        "idea": row["idea"],
        "sampler": row["sampler"],
        "takes_memory": row["takes_memory"],
        "lines": [
            {"latex": latex, "mathml": mathml_block(latex)} for latex in (row["formula"], *row["where"]) if latex
        ],
        "explained": [{"mathml": mathml(latex), "means": meaning} for latex, meaning in row["symbols"].items()],
        "parameters": [
            {**parameter, "name": own, "mathml": mathml(parameter["letter"])}
            for own, parameter in row["parameters"].items()
        ],
        "equals": [
            {"name": other, "title": table[other]["title"], "when": when} for other, when in row["equals"].items()
        ],
        "picture": toys.picture_of(name),
    }


def results_of(name: str, user: Visitor) -> list[Result]:
    """Return the results of all models of a loss that this person may see, best first in each data set."""
    models = visible_models(user).filter(loss=name, run__metrics__isnull=False)
    rows = [_result(model, run, run.metrics) for model in models if (run := model.run) and run.metrics]
    return sorted(rows, key=lambda row: (row["model"].dataset.name, -row["headline"]))


def result_columns() -> list[Metric]:
    """Return the metrics of the figures of `results_of`."""
    return list(shown_at(Place.SUMMARY).values())


def _result(model: Model, run: Run, metrics: Mapping[str, Any]) -> Result:
    return {
        "model": model,
        "figures": columns_of(metrics, Place.SUMMARY),
        "headline": metrics[HEADLINE],
        "protocol": run.experiment.protocol["name"],
        "seed": run.seed,
        "curves": training_of(run)["curves"],
    }
