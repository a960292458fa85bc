"""The figures of an epoch are those of plain formulas, and watching changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mlcore.datasets import DatasetFolder
from mlcore.training.epoch_figures import LAST_BATCHES, EpochFigures
from mlcore.training.train import TrainingCallbacks, train
from tests.mlcore.losses.plain import dot, example, mean, of_class, of_others, unit
from tests.mlcore.tiny import model_bytes, paths_in, tiny_spec

pytestmark = pytest.mark.usefixtures("one_thread")

LABELS = [0, 1, 0, 2, 1, 0, 2, 3]


def cosines(seed: int, others: Any) -> float:
    rows = [unit(list(row)) for row in example(LABELS, seed)]
    return float(mean([dot(rows[i], rows[j]) for i in range(len(rows)) for j in others(LABELS, i)]))


def seen(steps: int) -> dict[str, float]:
    figures = EpochFigures(steps)
    for step in range(steps):
        figures.see_batch(example(LABELS, seed=step), torch.tensor(LABELS))
        figures.losses.append(float(step))
    return figures.means()


def test_cosines_are_means_over_the_last_batches() -> None:
    steps = LAST_BATCHES + 3
    last = range(3, steps)
    figures = seen(steps)
    assert figures["positive_cosine"] == pytest.approx(mean([cosines(seed, of_class) for seed in last]), abs=1e-9)
    assert figures["negative_cosine"] == pytest.approx(mean([cosines(seed, of_others) for seed in last]), abs=1e-9)
    assert figures["loss"] == (steps - 1) / 2


def test_an_epoch_shorter_than_that_is_seen_whole() -> None:
    assert seen(2)["positive_cosine"] == pytest.approx(mean([cosines(seed, of_class) for seed in (0, 1)]), abs=1e-9)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]], ids=str)
def test_batches_without_both_kinds_of_pairs_have_no_figures(labels: list[int]) -> None:
    figures = EpochFigures(1)
    figures.see_batch(example(labels), torch.tensor(labels))
    figures.losses.append(1.0)
    assert figures.means() == {"loss": 1.0}


def test_gradient_norms_are_means_over_the_steps_of_what_has_gradients() -> None:
    head, resting, proxies = nn.Linear(1, 2), nn.Linear(3, 3), nn.Linear(1, 1, bias=False)
    parts = {"backbone": resting, "head": head, "proxies": proxies}
    groups = [{"name": name, "params": list(part.parameters())} for name, part in parts.items()]
    optimizer, figures = torch.optim.Adam(groups), EpochFigures(2)
    for factor in (1, 3):
        head.weight.grad, head.bias.grad = factor * torch.tensor([[1.0], [2]]), factor * torch.tensor([2.0, 4])
        proxies.weight.grad = factor * torch.tensor([[-1.0]])
        figures.see_gradients(optimizer)
        figures.losses.append(1.0)
    assert figures.means() == {"loss": 1.0, "network_gradient_norm": 10.0, "proxy_gradient_norm": 2.0}


@pytest.mark.parametrize("loss", ["soft_triple", "margin"])  # margin draws at random
def test_watching_changes_no_weight(
    loss: str, wings: DatasetFolder, tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched, blind = (paths_in(tmp_path, cache_root, name) for name in ("watched", "blind"))
    train(tiny_spec(loss), wings, watched)
    monkeypatch.setattr(EpochFigures, "see_batch", lambda self, embeddings, labels: None)
    monkeypatch.setattr(EpochFigures, "see_gradients", lambda self, optimizer: None)
    train(tiny_spec(loss), wings, blind)
    assert model_bytes(watched.out) == model_bytes(blind.out)


@pytest.mark.parametrize(("loss", "has_proxies"), [("soft_triple", True), ("multi_similarity", False)])
def test_the_history_keeps_the_figures_of_every_epoch(
    loss: str, has_proxies: bool, wings: DatasetFolder, tmp_path: Path, cache_root: Path
) -> None:
    paths, heard = paths_in(tmp_path, cache_root), list[dict[str, Any]]()
    train(tiny_spec(loss), wings, paths, callbacks=TrainingCallbacks(heard.append))
    history = [json.loads(line) for line in (paths.out / "history.jsonl").read_text().splitlines()]
    assert history == [event for event in heard if event["event"] == "epoch"]
    for event in history:
        assert event["network_gradient_norm"] > 0 and ("proxy_gradient_norm" in event) == has_proxies
        assert -1 <= event["negative_cosine"] <= 1 and -1 <= event["positive_cosine"] <= 1
