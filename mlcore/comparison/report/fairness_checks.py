"""Fairness checks: known pitfalls of comparisons, and which of them apply to this one, derived from its settings."""

from dataclasses import dataclass

from mlcore.comparison.plan import Tuning
from mlcore.comparison.results import EXTERNAL, Results
from mlcore.losses import LOSSES

EQUIVALENT = {"proxy_nca_plus_plus", "normalized_softmax", "soft_triple"}


@dataclass(frozen=True)
class FairnessCheck:
    """A known pitfall of comparisons, whether it applies to this one, and the reason."""

    name: str
    violated: bool
    reason: str


def fairness_checks(results: Results) -> list[FairnessCheck]:
    """Return the check of every known pitfall.

    Source: Musgrave et al., "A Metric Learning Reality Check", ECCV 2020, section 2, and Fehérvári et al. 2019.
    """
    return [*_of_networks(results), *_of_measuring(results), *_of_losses(results)]


def _of_networks(results: Results) -> list[FairnessCheck]:
    protocol = results.comparison.protocol
    pretrained = protocol.weights != "scratch"
    return [
        _networks(results),
        FairnessCheck("undisclosed crops, pooling or BatchNorm", False, "the report has the whole protocol"),
        FairnessCheck(
            "average + max pooling, where the backbone's own is average",
            protocol.pooling == "average+max",
            f"pooling: {protocol.pooling}, the same for all losses",
        ),
        FairnessCheck(
            "pre-training that may have seen the test classes",
            pretrained,
            f"weights: {protocol.weights}" + ("; not checked for overlap" if pretrained else ""),
        ),
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
    trained = [row for row in results.rows if not row.is_baseline and row.kind != EXTERNAL]
    single = [row.title for row in trained if len(row.units) < 2]
    return [
        FairnessCheck(
            "epochs chosen on the test classes",
            False,
            f"selection: {protocol.selection}; test classes select nothing",
        ),
        FairnessCheck(
            "no validation classes",
            not (protocol.folds or protocol.validation_classes or comparison.tuning),
            _validation(results),
        ),
        FairnessCheck(
            "one seed",
            bool(single),
            f"one seed: {', '.join(single)}" if single else f"{len(comparison.seeds)} seeds",
        ),
        FairnessCheck("no intervals", False, "95 % intervals, and paired tests corrected for all pairs"),
    ]


def _of_losses(results: Results) -> list[FairnessCheck]:
    comparison = results.comparison
    samplers = {LOSSES[loss].sampler for loss in comparison.losses}
    twins = sorted(EQUIVALENT & comparison.losses.keys())
    untuned = "no loss was tuned: each has its paper's parameters, and all share one learning rate"
    tuned = _tuned(comparison.tuning) if comparison.tuning else untuned
    return [
        FairnessCheck(
            "losses at settings that suit some better than others",
            comparison.tuning is None or comparison.tuning.design == 1,
            tuned,
        ),
        FairnessCheck(
            "batches composed differently",
            len(samplers) > 1,
            "losses on pairs draw classes x samples, others draw at random"
            if len(samplers) > 1
            else "the same for all",
        ),
        _memory(results),
        FairnessCheck(
            "one loss ranked under several names",
            len(twins) > 1,
            f"{', '.join(twins)} are one function at equal temperature and with one centre per class"
            if len(twins) > 1
            else "none here",
        ),
    ]


def _tuned(tuning: Tuning) -> str:
    budget = f"the tuned rows had {tuning.trials} trials each"
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
