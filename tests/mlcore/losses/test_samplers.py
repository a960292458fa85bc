"""Batches are drawn from (seed, epoch) alone, and balanced ones are balanced."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from mlcore.errors import DatasetError
from mlcore.losses.samplers import epoch_batches, occurrences

LABELS = np.repeat(np.arange(7), [3, 9, 10, 12, 8, 11, 1])  # one class has a single picture


def batches(sampler: str, labels: Any = LABELS, **changes: int) -> list[Any]:
    settings = {"batch_size": 12, "samples_per_class": 4, "seed": 0, "epoch": 1, **changes}
    return epoch_batches(sampler, np.asarray(labels, np.int64), **settings)


def as_lists(found: list[Any]) -> list[list[int]]:
    return [batch.tolist() for batch in found]


@pytest.mark.parametrize("sampler", ["random", "balanced"])
def test_seed_and_epoch_alone_decide(sampler: str) -> None:
    np.random.seed(5)  # the global state must not matter
    first = as_lists(batches(sampler))
    assert as_lists(batches(sampler)) == first
    assert as_lists(batches(sampler, seed=1)) != first
    assert as_lists(batches(sampler, epoch=2)) != first
    assert as_lists(batches(sampler, seed=1, epoch=0)) != as_lists(batches(sampler, seed=0, epoch=1))


def test_random_batches_show_every_picture_once_but_for_the_last_few() -> None:
    found = batches("random")
    shown = np.concatenate(found)
    assert [len(batch) for batch in found] == [12] * (len(LABELS) // 12)
    assert len(set(shown.tolist())) == len(shown)


@pytest.mark.parametrize("sampler", ["random", "balanced"])
@pytest.mark.parametrize("count", [1, 3, 11])
def test_an_epoch_may_have_a_number_of_batches_of_its_own(sampler: str, count: int) -> None:
    found = batches(sampler, batches=count)
    assert [len(batch) for batch in found] == [12] * count
    rounds = Counter(np.concatenate(found).tolist()) if sampler == "random" else Counter[int]()
    assert max(rounds.values(), default=0) <= -(-count // (len(LABELS) // 12)), "one round is used up before the next"


def test_a_set_smaller_than_a_batch_is_one_batch() -> None:
    (only,) = batches("random", [0, 1, 1])
    assert sorted(only.tolist()) == [0, 1, 2]


def test_balanced_batches_hold_the_same_number_of_each_of_their_classes() -> None:
    found = batches("balanced")
    assert len(found) == len(LABELS) // 12
    for batch in found:
        assert sorted(Counter(LABELS[batch].tolist()).values()) == [4, 4, 4]


@pytest.mark.parametrize("seed", range(5))
def test_balanced_batches_cover_the_classes_equally(seed: int) -> None:
    labels = np.repeat(np.arange(10), 20)  # 16 batches of 3 classes: 4 or 5 times each
    found = batches("balanced", labels, seed=seed)
    counts = Counter(label for batch in found for label in set(labels[batch].tolist()))
    assert len(counts) == 10
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_class_repeats_pictures_only_when_it_has_too_few() -> None:
    for batch in (batch for epoch in range(20) for batch in batches("balanced", epoch=epoch)):
        for label in np.unique(LABELS[batch]):
            members = batch[LABELS[batch] == label]
            available = int((label == LABELS).sum())
            if available >= 4:
                assert len(set(members.tolist())) == 4
            else:
                assert set(members.tolist()) <= set(np.flatnonzero(label == LABELS).tolist())


def test_fewer_classes_than_a_batch_wants_make_a_smaller_batch() -> None:
    (batch,) = batches("balanced", [0] * 6 + [1] * 6)
    assert len(batch) == 8


@pytest.mark.parametrize("sampler", ["random", "balanced"])
@pytest.mark.parametrize("labels", [[], [3, 3, 3]])
def test_fewer_than_two_classes_are_refused(sampler: str, labels: list[int]) -> None:
    with pytest.raises(DatasetError, match="at least 2 classes"):
        batches(sampler, labels)


@pytest.mark.parametrize(("members", "samples"), [(1, 4), (2, 5), (3, 4), (3, 8), (4, 4)])
def test_a_small_class_is_repeated_in_whole_rounds(members: int, samples: int) -> None:
    labels = np.repeat(np.arange(3), [members, 9, 9])
    for epoch in range(10):
        for batch in batches("balanced", labels, batch_size=3 * samples, samples_per_class=samples, epoch=epoch):
            shown = Counter(place for place in batch.tolist() if labels[place] == 0)
            assert sum(shown.values()) == samples and len(shown) == members
            assert max(shown.values()) - min(shown.values()) <= 1


def test_classes_that_are_large_enough_are_drawn_as_ever() -> None:
    (batch,) = batches("balanced", [0] * 6 + [1] * 6)
    assert batch.tolist() == [4, 3, 1, 2, 9, 7, 6, 11]


def test_occurrences_count_what_stands_before() -> None:
    assert occurrences(np.array([7, 3, 7, 7, 3, 1])).tolist() == [0, 0, 1, 2, 1, 0]
    assert occurrences(np.array([], np.int64)).tolist() == []
