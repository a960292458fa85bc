"""Remarks on the classes and splits of a data set: what makes its figures or its training less than they seem."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mlcore.datasets.source import GALLERY, is_held_out
from mlcore.datasets.statistics import Tally

HEAVY_IMBALANCE = 10
"""Pictures of the largest training class over those of the smallest, from which on it is remarked on."""
FEW_QUERIES = 100
"""Queries below which one alone moves every metric by more than a percentage point."""
_NAMED = 3  # classes named in a remark; the rest are counted


def remarks_on(classes: Sequence[str], pictures: Tally) -> tuple[str, ...]:
    """Return what to know about the classes of labelled pictures before training, without a full stop each."""
    train: Counter[int] = Counter()
    held_out: Counter[int] = Counter()
    queries = 0
    for (label, split), count in pictures.items():
        (held_out if is_held_out(split) else train)[label] += count
        queries += count if is_held_out(split) and split != GALLERY else 0
    found = (
        one_held_out_class(classes, held_out),
        training_singletons(classes, train),
        held_out_singletons(classes, held_out),
        imbalance(classes, train),
        few_queries(queries),
    )
    return tuple(remark for remark in found if remark)


def one_held_out_class(classes: Sequence[str], held_out: Mapping[int, int]) -> str:
    """Remark on a test that nothing can fail; "" where several classes, or none, are held out."""
    if len(held_out) != 1:
        return ""
    (label,) = held_out
    return (
        f"only 1 class is held out ({classes[label]}): every result is of the query's class, so every figure will be "
        "100 %. Hold out at least 2 classes"
    )


def training_singletons(classes: Sequence[str], train: Mapping[int, int]) -> str:
    """Remark on training classes with one picture; "" where there are none."""
    alone = [label for label in sorted(train) if train[label] == 1]
    if not alone:
        return ""
    if len(alone) == len(train):
        return (
            "no training class has 2 pictures: a loss over pairs, such as Multi-Similarity, has no pair to pull "
            "together. Use a loss with proxies, such as SoftTriple, or add pictures"
        )
    return (
        f"{len(alone):,} of {len(train):,} training classes have one picture ({_names(classes, alone)}): losses with "
        "proxies, such as SoftTriple, learn from it; losses over pairs, such as Multi-Similarity, have no pair of them"
    )


def held_out_singletons(classes: Sequence[str], held_out: Mapping[int, int]) -> str:
    """Remark on held-out classes with one picture; "" where there are none."""
    alone = [label for label in sorted(held_out) if held_out[label] == 1]
    if not alone:
        return ""
    return (
        f"{len(alone):,} of {len(held_out):,} held-out classes have one picture ({_names(classes, alone)}): "
        "it can appear in results but cannot be used as a test query"
    )


def imbalance(classes: Sequence[str], train: Mapping[int, int]) -> str:
    """Remark on a training class that is many times as large as another; "" where none is."""
    if not train:
        return ""
    largest = max(sorted(train), key=train.__getitem__)
    smallest = min(sorted(train), key=train.__getitem__)
    ratio = train[largest] / train[smallest]
    if ratio < HEAVY_IMBALANCE:
        return ""
    return (
        f"the training classes are unbalanced {ratio:,.0f} to 1: {classes[largest]} has {train[largest]:,} pictures, "
        f"{classes[smallest]} has {train[smallest]:,}"
    )


def few_queries(queries: int) -> str:
    """Remark on few test queries; "" where there are enough, or none."""
    if not 0 < queries < FEW_QUERIES:
        return ""
    return (
        f"few pictures are held out: with {queries:,} test {'query' if queries == 1 else 'queries'}, each is worth "
        f"{100 / queries:.1f} percentage points of Recall@1. Differences of a few points mean nothing"
    )


def _names(classes: Sequence[str], labels: Sequence[int]) -> str:
    """Return the names of the first of these classes, and the number of the others."""
    rest = len(labels) - _NAMED
    names = ", ".join(classes[label] for label in labels[:_NAMED])
    return f"{names} and {rest:,} more" if rest > 0 else names
