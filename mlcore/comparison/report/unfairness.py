"""What has made tables of this field unfair, and whether it is so here: derived, never asserted."""

from dataclasses import dataclass

from mlcore.comparison.results import EXTERNAL, JOINED, Results
from mlcore.losses import LOSSES

EQUIVALENT = {"proxy_nca_plus_plus", "normalized_softmax", "soft_triple"}


@dataclass(frozen=True)
class Practice:
    """A practice, whether this comparison has it, and what of it."""

    name: str
    present: bool
    why: str


def practices(results: Results) -> list[Practice]:
    """Return every known unfair practice as absent or present.

    Source: Musgrave et al., "A Metric Learning Reality Check", ECCV 2020, section 2, and Fehérvári et al. 2019.
    """
    return [*_of_networks(results), *_of_measuring(results), *_of_losses(results)]


def _of_networks(results: Results) -> list[Practice]:
    protocol = results.comparison.protocol
    outside = [row.title for row in results.rows if row.kind == EXTERNAL]
    alike = f"every run: {protocol.backbone}, {protocol.dim} dimensions, {protocol.crop} pixels"
    if any(row.kind == JOINED for row in results.rows):
        alike += "; joined folds have more dimensions, alike for all"
    pretrained = protocol.weights != "scratch"
    return [
        Practice(
            "different trunks, dimensions or crops in one table",
            bool(outside),
            f"from outside: {', '.join(outside)}" if outside else alike,
        ),
        Practice("undisclosed crops, pooling or BatchNorm", False, "the whole protocol stands in this report"),
        Practice(
            "average + max pooling, where the trunk's own is average",
            protocol.pooling == "average+max",
            f"pooling: {protocol.pooling}, alike for all losses",
        ),
        Practice(
            "pre-training that may have seen the test classes",
            pretrained,
            f"weights: {protocol.weights}" + ("; not checked for overlap" if pretrained else ""),
        ),
    ]


def _of_measuring(results: Results) -> list[Practice]:
    protocol, comparison = results.comparison.protocol, results.comparison
    trained = [row for row in results.rows if not row.is_baseline and row.kind != EXTERNAL]
    single = [row.title for row in trained if len(row.units) < 2]
    return [
        Practice(
            "epochs chosen on the test classes",
            False,
            f"selection: {protocol.selection}; test classes select nothing",
        ),
        Practice(
            "no validation classes",
            not (protocol.folds or protocol.validation_classes or comparison.tuning),
            _validation(results),
        ),
        Practice(
            "one seed",
            bool(single),
            f"one seed: {', '.join(single)}" if single else f"{len(comparison.seeds)} seeds",
        ),
        Practice("no intervals", False, "95 % intervals, and paired tests corrected for all pairs"),
    ]


def _of_losses(results: Results) -> list[Practice]:
    comparison = results.comparison
    samplers = {LOSSES[loss].sampler for loss in comparison.losses}
    twins = sorted(EQUIVALENT & comparison.losses.keys())
    untuned = "no loss was tuned: each has its paper's parameters and all share one learning rate"
    return [
        Practice(
            "losses at settings that suit some better than others",
            comparison.tuning is None,
            f"the tuned rows had {comparison.tuning.trials} trials each" if comparison.tuning else untuned,
        ),
        Practice(
            "batches composed differently",
            len(samplers) > 1,
            "losses on pairs draw classes x samples, others draw at random" if len(samplers) > 1 else "alike for all",
        ),
        _memory(results),
        Practice(
            "one loss ranked under several names",
            len(twins) > 1,
            f"{', '.join(twins)} are one function at equal temperature and with one centre a class"
            if len(twins) > 1
            else "none here",
        ),
    ]


def _memory(results: Results) -> Practice:
    """Return whether a memory that not every loss can use stood beside some."""
    comparison, name = results.comparison, "cross-batch memory for some losses only"
    size, losses = comparison.protocol.memory, [LOSSES[loss] for loss in comparison.losses]
    if not size:
        return Practice(name, False, "memory: 0, for all losses")
    titles = {takes: ", ".join(loss.title for loss in losses if loss.takes_memory == takes) for takes in (True, False)}
    why = f"memory: {size} embeddings of earlier batches beside {titles[True] or 'none'}"
    why += f"; not beside {titles[False]}" if titles[False] else ", every loss"
    return Practice(name, bool(titles[True] and titles[False]), why)


def _validation(results: Results) -> str:
    comparison = results.comparison
    if comparison.protocol.folds:
        return f"{comparison.protocol.folds} class-disjoint folds of the training half"
    if comparison.tuning is not None:
        return f"{comparison.tuning.validation_classes} training classes were held out for tuning"
    if comparison.protocol.validation_classes:
        return f"{comparison.protocol.validation_classes} training classes were held out"
    return "none were needed: every run is measured after its last epoch, and nothing was tuned in this comparison"
