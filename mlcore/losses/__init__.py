"""The table of losses by name. It knows no torch: forms, checks and pages read it freely."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from mlcore.errors import UnknownLossError
from mlcore.losses.spec import LossSpec, Parameter
from mlcore.losses.table_classification import CLASSIFICATION
from mlcore.losses.table_pairs import PAIRS
from mlcore.losses.table_proxies import PROXIES
from mlcore.losses.table_ranking import RANKING
from mlcore.losses.table_triplets import TRIPLETS

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LOSSES", "LossSpec", "Parameter", "build_loss", "loss_spec", "stored_params"]

LOSSES: dict[str, LossSpec] = {
    **PROXIES,
    **PAIRS,
    **TRIPLETS,
    **CLASSIFICATION,
    **RANKING,
}


def loss_spec(name: str) -> LossSpec:
    """Return the entry of a loss. Raises UnknownLossError listing the known names."""
    try:
        return LOSSES[name]
    except KeyError:
        known = ", ".join(sorted(LOSSES))
        raise UnknownLossError(f"no loss named {name!r}; known: {known}") from None


def stored_params(name: str, params: Mapping[str, float | int]) -> dict[str, float | int]:
    """Return the parameters of a stored run as they were meant: see `LossSpec.stored`.

    A baseline, or a loss that the table does not hold, has them as they are.
    """
    spec = LOSSES.get(name)
    return spec.stored(params) if spec else dict(params)


def build_loss(name: str, *, num_classes: int, dim: int, **params: object) -> "nn.Module":
    """Return a fresh loss that maps (embeddings [B, dim], labels [B] in 0..num_classes-1) to a scalar.

    Its own trainable parameters, if any, are its proxies. Torch is imported here, not by the table.

    Raises:
        UnknownLossError: no loss has that name.
        TypeError: the loss has no such parameter; none is dropped.
        ValueError: a parameter is out of its range.
    """
    spec = loss_spec(name)
    values = spec.checked(params)
    module, _, attribute = spec.target.partition(":")
    loss: nn.Module = getattr(import_module(module), attribute)(num_classes=num_classes, dim=dim, **values)
    return loss
