"""Losses with different names that are one formula."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mlcore.losses import LOSSES
from retrieval.models import Model

Parameters = Mapping[str, float | int]

SCALES: Mapping[str, Callable[[Parameters], float | None]] = {
    "normalized_softmax": lambda values: 1 / values["temperature"],
    "proxy_nca_plus_plus": lambda values: 2 * values["scale"],  # it multiplies squared distances: 2 - 2 cosine
    "soft_triple": lambda values: values["scale"] if values["centers"] == 1 else None,
}
"""What multiplies the cosines in the softmax, where a loss is one proxy a class under a softmax; else None."""


@dataclass(frozen=True)
class ScaledModel:
    """A model and what its loss multiplies the cosines by."""

    model: Model
    scale: float


@dataclass(frozen=True)
class EquivalentLosses:
    """Models whose losses are one formula; is_equal: their scales are equal, so the losses are the same."""

    models: tuple[ScaledModel, ...]
    is_equal: bool


def equivalent_losses(models: Iterable[Model]) -> EquivalentLosses | None:
    """Return the models whose losses are softmax over one proxy a class, and whether their scales are equal.

    SoftTriple with one centre a class, normalised softmax and Proxy-NCA++ are the same loss at equal
    temperature, but for SoftTriple's margin. None unless two losses of different names are among the models.
    """
    scaled: list[ScaledModel] = []
    for model in models:
        if model.loss in SCALES and model.run is not None:
            scale = SCALES[model.loss](LOSSES[model.loss].checked(model.run.params))
            if scale is not None:
                scaled.append(ScaledModel(model, round(scale, 6)))
    if len({entry.model.loss for entry in scaled}) < 2:
        return None
    return EquivalentLosses(tuple(scaled), is_equal=len({entry.scale for entry in scaled}) == 1)
