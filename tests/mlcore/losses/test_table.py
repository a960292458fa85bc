"""Every loss of the table builds, learns and is stored; none drops what it is told."""

import inspect
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mlcore.errors import UnknownLossError
from mlcore.losses import LOSSES, build_loss, loss_spec

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES, DIM = 4, 8


def built(name: str, **params: object) -> nn.Module:
    return build_loss(name, num_classes=CLASSES, dim=DIM, **params)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_learns_a_toy_problem(name: str) -> None:
    """In 30 steps it covers a third of the way to the least that it costs in 100."""
    torch.manual_seed(0)
    labels = torch.arange(16) % CLASSES
    inputs = torch.randn(16, 12)
    network, loss = nn.Linear(12, DIM), built(name)
    optimizer = torch.optim.Adam([*network.parameters(), *loss.parameters()], lr=0.02)
    costs = []
    for _ in range(100):
        optimizer.zero_grad()
        cost = loss(network(inputs), labels)
        assert cost.shape == () and torch.isfinite(cost)
        cost.backward()
        optimizer.step()
        costs.append(cost.item())
    assert costs[29] - min(costs) < 0.7 * (costs[0] - min(costs))


@pytest.mark.parametrize("low", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_steps_on_embeddings_made_in_either_precision(name: str, low: bool) -> None:
    torch.manual_seed(0)
    network, loss = nn.Linear(12, DIM), built(name)
    optimizer = torch.optim.Adam([*network.parameters(), *loss.parameters()], lr=0.02)
    inputs, labels = torch.randn(16, 12), torch.arange(16) % CLASSES
    for _ in range(3):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            embeddings = network(inputs)
        cost = loss(embeddings.float(), labels)
        cost.backward()
        optimizer.step()
        assert cost.dtype == torch.float32 and torch.isfinite(cost)
    for weights in (*network.parameters(), *loss.parameters()):
        assert torch.isfinite(weights).all()


# Batches that real data sets bring about: rows of eight drawn pictures (0-7) and their opposites (8-15), and labels.
CORNERS: dict[str, tuple[list[int], list[int]]] = {
    "one class": ([0, 1, 2, 3, 4, 5, 6, 7], [2] * 8),
    "no positives": ([0, 1, 2, 3], [0, 1, 2, 3]),
    "one picture": ([0], [1]),
    "two pictures of a class": ([0, 1], [3, 3]),
    "pictures that are there twice": ([0, 1, 2, 3] * 2, [0, 1, 2, 3] * 2),
    "a picture under two labels": ([0, 1, 2, 3] * 2, [0, 1, 2, 3, 1, 2, 3, 0]),
    "all pictures alike": ([0] * 8, [0, 1, 2, 3] * 2),
    "pictures opposite to each other": ([0, 1, 2, 3, 8, 9, 10, 11], [0, 1, 2, 3] * 2),
}


@pytest.mark.parametrize("case", CORNERS)
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_survives(name: str, case: str) -> None:
    torch.manual_seed(0)
    loss = built(name)
    drawn, (rows, labels) = torch.randn(8, DIM), CORNERS[case]
    embeddings = torch.cat([drawn, -drawn])[rows].requires_grad_()
    cost = loss(embeddings, torch.tensor(labels))
    cost.backward()
    assert torch.isfinite(cost)
    for tensor in (embeddings, *loss.parameters()):
        assert tensor.grad is None or torch.isfinite(tensor.grad).all()


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_comes_back_from_its_state(name: str) -> None:
    torch.manual_seed(0)
    stored, fresh = built(name), built(name)
    fresh.load_state_dict(stored.state_dict())
    embeddings, labels = F.normalize(torch.randn(12, DIM), dim=-1), torch.arange(12) % CLASSES
    values = []
    for loss in (stored, fresh):
        torch.manual_seed(1)  # some draw pairs
        values.append(loss(embeddings, labels))
    assert torch.equal(*values)
    assert bool(list(stored.parameters())) == LOSSES[name].has_proxies


@pytest.mark.parametrize("name", LOSSES)
def test_every_losss_defaults_are_those_of_its_class(name: str) -> None:
    module, _, attribute = LOSSES[name].target.partition(":")
    signature = inspect.signature(getattr(import_module(module), attribute))
    own = {key: value.default for key, value in signature.parameters.items() if key not in ("num_classes", "dim")}
    assert own == {key: value.default for key, value in LOSSES[name].parameters.items()}


def test_a_parameter_reaches_the_loss() -> None:
    assert built("soft_triple", centers="3").centers.shape == (CLASSES, 3, DIM)  # type: ignore[union-attr]
    assert built("normalized_softmax", temperature=0.5).temperature == 0.5


def test_an_unknown_loss_lists_the_known_ones() -> None:
    known = f"no loss named 'softtriple'; known: {', '.join(sorted(LOSSES))}"
    with pytest.raises(UnknownLossError, match=known):
        built("softtriple")
    with pytest.raises(UnknownLossError, match=known):
        loss_spec("softtriple")


@pytest.mark.parametrize("name", LOSSES)
def test_a_mistyped_parameter_is_an_error_and_not_a_default(name: str) -> None:
    with pytest.raises(TypeError, match="has no parameter 'gama'; it has "):
        built(name, gama=0.2)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("soft_triple", {"gamma": -1}),
        ("soft_triple", {"centers": 0}),
        ("soft_triple", {"centers": 1.5}),
        ("soft_triple", {"tau": -0.1}),
        ("multi_similarity", {"alpha": 0}),
        ("multi_similarity", {"base": 1.1}),
        ("normalized_softmax", {"temperature": 0}),
        ("proxy_nca_plus_plus", {"scale": 0}),
        ("proxy_anchor", {"alpha": 0}),
        ("proxy_anchor", {"delta": 1.1}),
        ("cos_face", {"margin": -0.1}),
        ("arc_face", {"margin": 28.6}),
        ("arc_face", {"scale": 0}),
        ("sub_center_arc_face", {"margin": 28.6}),
        ("sub_center_arc_face", {"centers": 0}),
        ("contrastive", {"negative_margin": 2.5}),
        ("contrastive", {"power": 0}),
        ("contrastive", {"power": 1.5}),
        ("contrastive", {"power": 3}),
        ("contrastive", {"negative_margin": 0.3, "positive_margin": 0.4}),
        ("snr_contrastive", {"negative_margin": 0.3, "positive_margin": 0.4}),
        ("circle", {"scale": 0}),
        ("circle", {"margin": 1.5}),
        ("nt_xent", {"temperature": 0}),
        ("margin", {"beta": 0}),
        ("n_pairs", {"scale": -1}),
        ("fast_ap", {"bins": 0}),
        ("smooth_ap", {"temperature": 0}),
        ("recall_at_k_surrogate", {"largest_k": 0}),
        ("ranked_list", {"boundary": 2.5}),
        ("potential_field", {"proxies": 0}),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_name(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(params))} must be"):
        built(name, **params)


@pytest.mark.parametrize("module", ["mlcore.losses", "mlcore.config", "mlcore.runs", "mlcore.cli"])
def test_the_table_and_the_forms_that_read_it_know_no_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0
