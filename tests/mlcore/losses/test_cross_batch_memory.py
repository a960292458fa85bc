"""A memory holds the last embeddings of earlier batches, gives them to the loss, and rests first."""

import inspect
from importlib import import_module

import pytest
import torch
from torch import Tensor, nn

from mlcore.losses import LOSSES, build_loss
from mlcore.losses.batch import Memory
from mlcore.losses.cross_batch_memory import CrossBatchMemoryLoss

pytestmark = pytest.mark.usefixtures("one_thread")

TAKERS = [name for name, spec in LOSSES.items() if spec.takes_memory]


class Watching(nn.Module):
    """A loss that notes what it is given to compare with."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[list[float], list[int]] | None] = []

    def forward(self, embeddings: Tensor, labels: Tensor, memory: Memory | None) -> Tensor:
        self.given.append(memory and (memory.embeddings[:, 0].tolist(), memory.labels.tolist()))
        return embeddings.sum()


def batch(*values: int) -> tuple[Tensor, Tensor]:
    return torch.tensor([[float(value)] for value in values], requires_grad=True), torch.tensor(values)


def given_by(memory: CrossBatchMemoryLoss, *batches: tuple[int, ...]) -> list[set[int] | None]:
    """Return which pictures each batch was compared with; every picture is of a class of its own."""
    assert isinstance(memory.loss, Watching)
    for values in batches:
        memory(*batch(*values)).backward()
    for one in memory.loss.given:
        assert one is None or one[0] == one[1], "embeddings and labels belong together"
    return [one and set(one[1]) for one in memory.loss.given]


def test_a_batch_meets_the_last_pictures_of_earlier_batches() -> None:
    memory = CrossBatchMemoryLoss(Watching(), size=5, dim=1, warmup_steps=0)
    met = given_by(memory, (1, 2), (3, 4), (5, 6), (7, 8))
    assert met == [None, {1, 2}, {1, 2, 3, 4}, {2, 3, 4, 5, 6}]


def test_a_batch_larger_than_the_memory_leaves_its_last_pictures() -> None:
    memory = CrossBatchMemoryLoss(Watching(), size=3, dim=1, warmup_steps=0)
    assert given_by(memory, (9,), (1, 2, 3, 4, 5), (6,), (7,)) == [None, {9}, {3, 4, 5}, {4, 5, 6}]


def test_the_memory_fills_while_it_rests() -> None:
    memory = CrossBatchMemoryLoss(Watching(), size=4, dim=1, warmup_steps=2)
    assert given_by(memory, (1, 2), (3, 4), (5, 6)) == [None, None, {1, 2, 3, 4}]


def test_the_memory_comes_back_from_its_state() -> None:
    whole, part, resumed = (CrossBatchMemoryLoss(Watching(), size=3, dim=1, warmup_steps=1) for _ in range(3))
    given_by(part, (1, 2), (3, 4))
    resumed.load_state_dict(part.state_dict())
    expected = given_by(whole, (1, 2), (3, 4), (5, 6), (7, 8))
    assert given_by(resumed, (5, 6), (7, 8)) == expected[2:]


@pytest.mark.parametrize("name", LOSSES)
def test_the_table_says_which_losses_take_a_memory(name: str) -> None:
    module, _, attribute = LOSSES[name].target.partition(":")
    parameters = inspect.signature(getattr(import_module(module), attribute).forward).parameters
    assert ("memory" in parameters) == LOSSES[name].takes_memory
    assert not (LOSSES[name].takes_memory and LOSSES[name].has_proxies)


@pytest.mark.parametrize("name", TAKERS)
def test_an_empty_memory_leaves_a_loss_as_it_is_and_a_filled_one_does_not(name: str) -> None:
    values = []
    random = torch.Generator().manual_seed(0)
    batches = [torch.randn(8, 4, generator=random) for _ in range(2)]
    labels = torch.arange(8) % 4
    loss = build_loss(name, num_classes=4, dim=4)
    for one in (loss, CrossBatchMemoryLoss(loss, size=8, dim=4, warmup_steps=0)):
        torch.manual_seed(0)  # margin draws
        values.append([one(embeddings, labels).item() for embeddings in batches])
    assert values[0][0] == values[1][0] and values[0][1] != values[1][1]


@pytest.mark.parametrize("name", TAKERS)
def test_what_is_remembered_has_no_gradient(name: str) -> None:
    torch.manual_seed(0)
    loss = CrossBatchMemoryLoss(build_loss(name, num_classes=4, dim=4), size=8, dim=4, warmup_steps=0)
    first, second = (torch.randn(8, 4, requires_grad=True) for _ in range(2))
    loss(first, torch.arange(8) % 4)
    loss(second, torch.arange(8) % 4).backward()
    assert first.grad is None and second.grad is not None and torch.isfinite(second.grad).all()
