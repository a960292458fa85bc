"""Samplers of batches; drawn from (seed, epoch) alone, so that a resumed run repeats them."""

import numpy as np
from numpy.typing import NDArray

from mlcore.errors import DatasetError

Rows = NDArray[np.int64]


def epoch_batches(
    sampler: str,
    labels: Rows,
    *,
    batch_size: int,
    samples_per_class: int,
    seed: int,
    epoch: int,
    batches: int = 0,
) -> list[Rows]:
    """Return the batches of one epoch: positions into `labels` [N], each batch of equal size.

    `random` shuffles all pictures and leaves an incomplete last batch out. `balanced` gives as
    many batches, each of batch_size // samples_per_class classes. `batches` asks for so many instead
    of once through the pictures.

    Raises:
        DatasetError: fewer than two pictures, or fewer than two classes.
    """
    if len(np.unique(labels)) < 2:
        raise DatasetError("training needs pictures of at least 2 classes; the training split has fewer")
    random = np.random.default_rng([seed, epoch])
    count = batches or max(1, len(labels) // batch_size)
    if sampler == "balanced":
        return _balanced(labels, batch_size, samples_per_class, random, count)
    size = min(batch_size, len(labels))
    per_round = len(labels) // size
    rounds = [random.permutation(len(labels))[: per_round * size] for _ in range(-(-count // per_round))]
    return list(np.concatenate(rounds).astype(np.int64).reshape(-1, size)[:count])


def _balanced(labels: Rows, batch_size: int, samples: int, random: np.random.Generator, batches: int) -> list[Rows]:
    classes = np.unique(labels)
    members = {label: np.flatnonzero(labels == label) for label in classes}
    per_batch = min(batch_size // samples, len(classes))
    # Whole permutations one after the other: every class comes equally often.
    rounds = -(-batches * per_batch // len(classes)) + 1
    queue = [random.permutation(classes) for _ in range(rounds)]
    return [
        np.concatenate([_draw(members[label], samples, random) for label in chosen])
        for chosen in _distinct_groups(np.concatenate(queue), per_batch, batches)
    ]


def _distinct_groups(queue: Rows, size: int, count: int) -> list[Rows]:
    """Cut `count` groups of `size` different classes off the queue, in its order."""
    waiting = list(queue)
    groups = []
    for _ in range(count):
        group = list(dict.fromkeys(waiting))[:size]
        for label in group:
            waiting.remove(label)
        groups.append(np.array(group))
    return groups


def _draw(members: Rows, samples: int, random: np.random.Generator) -> Rows:
    """Draw pictures of one class; one with too few gives each of them once before any comes again."""
    if len(members) >= samples:
        return random.choice(members, samples, replace=False).astype(np.int64)
    rounds = [random.permutation(members) for _ in range(-(-samples // len(members)))]
    return np.concatenate(rounds)[:samples].astype(np.int64)


def occurrences(batch: Rows) -> Rows:
    """Return how often the picture at each place of a batch [B] stands before it there: 0 for a first time."""
    order = np.argsort(batch, kind="stable")
    ordered = batch[order]
    starts = np.searchsorted(ordered, ordered)
    earlier = np.empty(len(batch), np.int64)
    earlier[order] = np.arange(len(batch)) - starts
    return earlier
