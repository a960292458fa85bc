"""Nested training: the mean of the loss over the first coordinates, with proxies and memory cut alike."""

import copy
import inspect
from statistics import fmean

import pytest
import torch
from torch import nn

from mlcore.losses import LOSSES, build_loss
from mlcore.losses.batch import Memory
from mlcore.losses.cross_batch_memory import CrossBatchMemoryLoss
from mlcore.losses.nested import NestedLoss

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES, DIM, SIZES = 4, 12, (3, 6, 12)
LABELS = torch.arange(16) % CLASSES


def built(name: str) -> nn.Module:
    torch.manual_seed(1)
    return build_loss(name, num_classes=CLASSES, dim=DIM).double()


def batch(seed: int = 0) -> torch.Tensor:
    return torch.randn(16, DIM, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cut(loss: nn.Module, size: int) -> nn.Module:
    """Return a loss of its own whose proxies are the first coordinates of another's."""
    smaller = copy.deepcopy(loss)
    for name, values in loss.named_parameters():
        assert values.shape[-1] == DIM, name
        setattr(smaller, name, nn.Parameter(values.detach()[..., :size].clone()))
    return smaller


@pytest.mark.parametrize("name", LOSSES)
def test_the_cost_is_the_mean_over_losses_of_fewer_dimensions(name: str) -> None:
    loss, embeddings = built(name), batch()
    torch.manual_seed(2)  # margin draws
    expected = fmean(float(cut(loss, size)(embeddings[:, :size], LABELS)) for size in SIZES)
    torch.manual_seed(2)
    found = NestedLoss(loss, sizes=SIZES)(embeddings, LABELS)
    assert found.shape == () and float(found.detach()) == pytest.approx(expected, rel=1e-12)
    torch.manual_seed(2)
    whole = loss(embeddings, LABELS)
    torch.manual_seed(2)
    assert torch.equal(NestedLoss(loss, sizes=(DIM,))(embeddings, LABELS), whole)


@pytest.mark.parametrize("name", LOSSES)
def test_no_parameter_is_added_and_every_coordinate_learns(name: str) -> None:
    loss, embeddings = built(name), batch().requires_grad_()
    nested = NestedLoss(loss, sizes=SIZES)
    own = list(loss.parameters())
    assert [id(one) for one in nested.parameters()] == [id(one) for one in own]
    nested(embeddings, LABELS).backward()
    for values in (embeddings, *own):
        assert values.grad is not None and torch.isfinite(values.grad).all()
        assert (values.grad.reshape(-1, DIM).abs().sum(dim=0) > 0).all()


@pytest.mark.parametrize("name", [name for name, spec in LOSSES.items() if spec.takes_memory])
def test_a_memory_is_cut_like_the_batch(name: str) -> None:
    loss, embeddings, earlier = built(name), batch(), batch(1)
    memory = Memory(earlier, LABELS)
    torch.manual_seed(2)
    expected = fmean(float(loss(embeddings[:, :size], LABELS, Memory(earlier[:, :size], LABELS))) for size in SIZES)
    torch.manual_seed(2)
    nested = NestedLoss(loss, sizes=SIZES)
    assert float(nested(embeddings, LABELS, memory)) == pytest.approx(expected, rel=1e-12)
    beside = CrossBatchMemoryLoss(nested, size=16, dim=DIM, warmup_steps=0).double()
    beside(earlier, LABELS)
    torch.manual_seed(2)
    assert float(beside(embeddings, LABELS)) == pytest.approx(expected, rel=1e-12)
    assert "memory" in inspect.signature(nested.forward).parameters


def test_the_first_coordinates_learn_to_tell_classes_apart() -> None:
    """Only the last coordinates tell classes apart at first; nested training moves that to the front."""
    recalls = {}
    for sizes in ((DIM,), (2, 4, 12)):
        torch.manual_seed(0)
        pictures = torch.randn(8, 24)[torch.arange(64) % 8] + 0.3 * torch.randn(64, 24)
        labels, head = torch.arange(64) % 8, nn.Linear(24, DIM)
        with torch.no_grad():
            head.weight[:4] *= 1e-3
        loss = NestedLoss(build_loss("normalized_softmax", num_classes=8, dim=DIM), sizes=sizes)
        optimizer = torch.optim.Adam([*head.parameters(), *loss.parameters()], lr=0.01)
        for _ in range(60):
            optimizer.zero_grad()
            loss(head(pictures), labels).backward()
            optimizer.step()
        first = nn.functional.normalize(head(pictures)[:, :2], dim=-1)
        nearest = (first @ first.T - 2 * torch.eye(64)).argmax(dim=1)
        recalls[sizes] = float((labels[nearest] == labels).double().mean())
    assert recalls[2, 4, 12] > recalls[(DIM,)] + 0.1
