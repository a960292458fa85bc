"""Fairness checks: known pitfalls of comparisons, and which of them apply to this one, derived from its settings."""

from dataclasses import dataclass, replace

from mlcore.comparison.plan import Tuning
from mlcore.comparison.report.tuning_section import searched_title, tuning_summary
from mlcore.comparison.results import EXTERNAL, Results, Row
from mlcore.comparison.significance import FEWEST_SEEDS
from mlcore.losses import LOSSES

EQUIVALENT = {"proxy_nca_plus_plus", "normalized_softmax", "soft_triple"}

FEWEST_CLASSES = 8
"""Fewest held-out classes of the simulations in which intervals were about 95 %; see `class_intervals`."""


@dataclass(frozen=True)
class FairnessCheck:
    """A known pitfall of comparisons, whether it applies to this one, and the reason; None: it is not known."""

    name: str
    violated: bool | None
    reason: str


def fairness_checks(results: Results) -> list[FairnessCheck]:
    """Return the check of every known pitfall.

    Source: Musgrave et al., "A Metric Learning Reality Check", ECCV 2020, section 2, and Fehérvári et al. 2019.
    """
    return [*_of_networks(results), *_of_measuring(results), *_of_losses(results)]


def _external_titles(results: Results) -> str:
    return ", ".join(row.title for row in results.rows if row.kind == EXTERNAL)


def _unless_external(results: Results, check: FairnessCheck) -> FairnessCheck:
    """Return a check of the protocol as one of all rows: nobody told how external models were trained."""
    external = _external_titles(results)
    if not external:
        return check
    return replace(check, violated=check.violated or None, reason=f"{check.reason}; not known of {external}")


def _of_networks(results: Results) -> list[FairnessCheck]:
    protocol, external = results.comparison.protocol, _external_titles(results)
    pretrained = protocol.weights != "scratch"
    disclosed = "the report has the whole protocol"
    pooling = FairnessCheck(
        "average + max pooling, where the backbone's own is average",
        protocol.pooling == "average+max",
        f"pooling: {protocol.pooling}, the same for all losses",
    )
    weights = FairnessCheck(
        "pre-training that may have seen the test classes",
        pretrained,
        f"weights: {protocol.weights}" + ("; not checked for overlap" if pretrained else ""),
    )
    return [
        _networks(results),
        FairnessCheck(
            "undisclosed crops, pooling or BatchNorm",
            bool(external),
            f"{disclosed}, but not those of {external}" if external else disclosed,
        ),
        _unless_external(results, pooling),
        _unless_external(results, weights),
    ]


def _networks(results: Results) -> FairnessCheck:
    """Return the check of what embeds the rows: all but external models share the protocol's backbone and crop.

    Baselines have as many dimensions as the backbone or PCA gives, and joined folds those of all folds.
    """
    protocol, external = results.comparison.protocol, [row.title for row in results.rows if row.kind == EXTERNAL]
    by_dims: dict[tuple[int, ...], list[str]] = {}
    for row in results.rows:
        by_dims.setdefault(row.dims, []).append(row.title)
    differ = len(by_dims) > 1 or () in by_dims
    most = max(map(len, by_dims.values()))
    groups = [
        f"{_dimensions(dims)}: {_listed(rows, most, len(results.rows))}" for dims, rows in sorted(by_dims.items())
    ]
    models = f"external models: {', '.join(external)}" if external else f"{protocol.backbone}, {protocol.crop} pixels"
    return FairnessCheck(
        "different backbones, dimensions or crops in one table", bool(external) or differ, "; ".join([models, *groups])
    )


def _dimensions(dims: tuple[int, ...]) -> str:
    return f"{' and '.join(map(str, dims))} dimensions" if dims else "dimensions not stored"


def _listed(titles: list[str], most: int, of: int) -> str:
    """Return the rows of a group by title, or how many they are if no group has more."""
    if len(titles) == of:
        return "every row"
    return f"{len(titles)} of {of} rows" if len(titles) == most and most > 1 else ", ".join(titles)


def _of_measuring(results: Results) -> list[FairnessCheck]:
    protocol, comparison = results.comparison.protocol, results.comparison
    single = [row.title for row in results.rows if _is_of_one_seed(row)]
    epochs = FairnessCheck(
        "epochs chosen on the test classes",
        False,
        f"selection: {protocol.selection}; test classes select nothing",
    )
    validation = FairnessCheck(
        "no validation classes",
        not (protocol.folds or protocol.validation_classes or comparison.tuning),
        _validation(results),
    )
    return [
        _unless_external(results, epochs),
        _unless_external(results, validation),
        FairnessCheck(
            "one seed",
            bool(single),
            f"one seed: {', '.join(single)}" if single else f"{len(comparison.seeds)} seeds",
        ),
        _intervals(results),
    ]


def _is_of_one_seed(row: Row) -> bool:
    return not row.is_baseline and row.kind != EXTERNAL and len(row.units) < FEWEST_SEEDS


def _intervals(results: Results) -> FairnessCheck:
    """Return the check of intervals and tests: every row has an interval, of enough classes or not."""
    first = next(iter(results.rows[0].units.values())).scores
    classes = len(set(first.labels.tolist()))
    reason = f"95 % intervals over {classes} held-out classes"
    if classes < 2:
        reason = "95 % intervals over the queries of one class"
    elif classes < FEWEST_CLASSES:
        reason += f", which may hold less often than that below {FEWEST_CLASSES}"
    tested = sum(not _is_of_one_seed(row) for row in results.rows)
    pairs = "all pairs" if tested == len(results.rows) else "the pairs without a row of one seed"
    reason += f", and paired tests corrected for {pairs}" if tested > 1 else "; no pair was tested"
    return FairnessCheck("no intervals, or of few classes", classes < FEWEST_CLASSES, reason)


def _of_losses(results: Results) -> list[FairnessCheck]:
    comparison = results.comparison
    samplers = {LOSSES[loss].sampler for loss in comparison.losses}
    twins = sorted(EQUIVALENT & comparison.losses.keys())
    batches = FairnessCheck(
        "batches composed differently",
        len(samplers) > 1,
        "losses on pairs draw classes x samples, others draw at random" if len(samplers) > 1 else "the same for all",
    )
    return [
        _unless_external(results, _settings(results)),
        _unless_external(results, batches),
        _unless_external(results, _memory(results)),
        FairnessCheck(
            "one loss ranked under several names",
            len(twins) > 1,
            f"{', '.join(twins)} are one function at equal temperature and with one centre per class"
            if len(twins) > 1
            else "none here",
        ),
    ]


def _settings(results: Results) -> FairnessCheck:
    """Return the check of settings: they suit all alike only where every loss was tuned, to the end and inside."""
    name, tuning = "losses at settings that suit some better than others", results.comparison.tuning
    if tuning is None:
        return FairnessCheck(
            name, True, "no loss was tuned: each has its paper's parameters, and all share one learning rate"
        )
    left = [text for loss in results.comparison.losses if (text := _left_of_tuning(results, loss, tuning))]
    return FairnessCheck(name, tuning.design == 1 or bool(left), "; ".join([_tuned(tuning), *left]))


def _left_of_tuning(results: Results, loss: str, tuning: Tuning) -> str:
    """Return why a loss's tuning does not show the loss at its best; "" where it does."""
    title, state = LOSSES[loss].title, results.tuning.get(loss)
    if state is None:
        return f"the tuning of {title} is not finished"
    found = tuning_summary(state, loss)
    if found["trials"] < tuning.trials:
        return f"the tuning of {title} has {found['trials']} of {tuning.trials} trials"
    if found["best"] is None:
        return f"every trial of {title} failed"
    if found["at_edge"]:
        return f"{title} is best at an edge of {', '.join(map(searched_title, found['at_edge']))}"
    return ""


def _tuned(tuning: Tuning) -> str:
    budget = f"the budget of a tuned row is {tuning.trials} trials"
    if tuning.design == 1:
        return f"{budget}, but the learning rate that all losses share was not tuned"
    return f"{budget}, of the learning rate too; untuned rows share one learning rate"


def _memory(results: Results) -> FairnessCheck:
    """Return the check of a cross-batch memory that only some of the losses can use."""
    comparison, name = results.comparison, "cross-batch memory for some losses only"
    size, losses = comparison.protocol.memory, [LOSSES[loss] for loss in comparison.losses]
    if not size:
        return FairnessCheck(name, False, "memory: 0, for all losses")
    titles = {takes: ", ".join(loss.title for loss in losses if loss.takes_memory == takes) for takes in (True, False)}
    reason = f"memory: {size} embeddings of earlier batches for {titles[True] or 'none'}"
    reason += f"; not for {titles[False]}" if titles[False] else ", every loss"
    return FairnessCheck(name, bool(titles[True] and titles[False]), reason)


def _validation(results: Results) -> str:
    comparison = results.comparison
    if comparison.protocol.folds:
        return f"{comparison.protocol.folds} class-disjoint folds of the training classes"
    if comparison.tuning is not None:
        if comparison.tuning.folds:
            return f"{comparison.tuning.folds} class-disjoint folds of the training classes, for tuning"
        return f"{comparison.tuning.validation_classes} training classes were held out for tuning"
    if comparison.protocol.validation_classes:
        return f"{comparison.protocol.validation_classes} training classes were held out"
    return "none were needed: every run is measured after its last epoch, and nothing was tuned in this comparison"
