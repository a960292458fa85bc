"""LossSpec, the row of a loss in the table, known without loading the loss; and the symbols that formulas share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from typing import Literal

from mlcore.errors import shortened

LARGEST = 1_000_000  # of a parameter that has no bound of its own: no paper has one near it

# Symbols that the formulas of many losses share, in LaTeX, with their meanings.
LOSS = {r"\mathcal{L}": "the loss of a batch"}
BATCH = LOSS | {"B": "pictures in the batch"}
COSINE = {r"s_{ij}": "cosine similarity of pictures i and j, 1 for the same direction"}
DISTANCE = {r"d_{ij}": "Euclidean distance of pictures i and j on the unit sphere, 0 to 2"}
POSITIVES = {r"P_i": "the other pictures of picture i's class in the batch"}
NEGATIVES = {r"N_i": "the pictures of other classes in the batch"}
POSITIVE_PAIRS = {r"\mathcal{P}": "pairs of pictures of one class in the batch"}
HINGE = {r"[x]_+": "x where it is positive, else 0: what is well placed costs nothing"}
PICTURE = {r"x_i": "the embedding of picture i, scaled to length 1"}
CLASS = {r"y_i": "the class of picture i", "C": "classes of the training set"}
PROXY = {r"p_c": "the proxy of class c: a learned point of the same space, scaled to length 1"}
SIGMOID = {r"\sigma_\tau(x)": "a soft step from 0 to 1: 1 / (1 + exp(-x / tau))"}


@dataclass(frozen=True)
class Parameter:
    """A number that a loss takes: its default (which fixes its type) and its range.

    low and high are inclusive, above is exclusive. search: where tuning looks, ends included, instead of
    a factor of 4 around the default. tuned: whether tuning searches it; a choice between formulas stays as
    the comparison has it. before: its value in runs stored before the parameter existed; None if it is as
    old as its loss.
    """

    default: float | int
    low: float | None = None
    high: float | None = None
    above: float | None = None
    meaning: str = ""
    search: tuple[float, float] | None = None
    tuned: bool = True
    before: float | int | None = None

    @property
    def range(self) -> str:
        """The values that it may have, in words; "" where any number will do."""
        parts = [f"above {self.above:g}"] if self.above is not None else []
        parts += [f"from {self.low:g}"] if self.low is not None else []
        parts += [f"up to {self.high:g}"] if self.high is not None else []
        return " ".join(parts)

    def checked(self, name: str, value: object) -> float | int:
        """Return `value` in the default's type.

        Raises:
            ValueError: not a number, not finite, not whole where it must be, or out of range.
        """
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{name} must be a number, got {shortened(value)}") from None
        if not isfinite(number):
            raise ValueError(f"{name} must be finite, got {value!r}")
        if isinstance(self.default, int) and number != int(number):
            raise ValueError(f"{name} must be a whole number, got {value!r}")
        if self.above is not None and not number > self.above:
            bound = "positive" if self.above == 0 else f"above {self.above}"
            raise ValueError(f"{name} must be {bound}, got {value}")
        if self.low is not None and number < self.low:
            raise ValueError(f"{name} must be at least {self.low}, got {value}")
        most = LARGEST if self.high is None else self.high
        if number > most:
            raise ValueError(f"{name} must be at most {most}, got {number:g}")
        return type(self.default)(number)


@dataclass(frozen=True, kw_only=True)
class LossSpec:
    """One row of the table of losses.

    sampler: `random` shuffles pictures; `balanced` draws batches of classes x samples.
    target: `module:Class`, imported only when the loss is built.
    takes_memory: whether it is called with a memory of earlier batches too: it compares each picture of the
    batch with others one by one, and what those are makes no difference to its formula.
    ascending: parameters of which each must be above the one before.
    formula, where: what this project computes, after the paper's equation, and what its parts stand for; LaTeX.
    symbols: every letter of the formula that the parameters do not explain, LaTeX to words.
    letters: the formula's letters of the parameters, by parameter.
    equals: other losses that this one is, by name: at which setting.
    """

    title: str
    family: Literal["pairs", "triplets", "proxies", "classification", "ranking"]
    paper: str
    idea: str
    formula: str
    symbols: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    sampler: Literal["random", "balanced"]
    has_proxies: bool
    target: str
    takes_memory: bool = False
    ascending: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    letters: Mapping[str, str] = field(default_factory=dict)
    equals: Mapping[str, str] = field(default_factory=dict)

    def checked(self, params: Mapping[str, object]) -> dict[str, float | int]:
        """Return every parameter, defaults overlaid by `params`.

        Raises:
            TypeError: the loss has no such parameter.
            ValueError: a value is out of range, or two do not go together.
        """
        for name in params:
            if name not in self.parameters:
                raise TypeError(f"{self.title} has no parameter {name!r}; it has {', '.join(self.parameters)}")
        values = {
            name: parameter.checked(name, params.get(name, parameter.default))
            for name, parameter in self.parameters.items()
        }
        for lower, upper in pairwise(self.ascending):
            if not values[upper] > values[lower]:
                raise ValueError(f"{upper} must be above {lower}, {values[lower]}, got {values[upper]}")
        return values

    def stored(self, params: Mapping[str, float | int]) -> dict[str, float | int]:
        """Return parameters read from a stored run; one that did not exist yet gets the value it stood for."""
        return {**params, **{name: value for name, value in self._before().items() if name not in params}}

    def identity(self, params: Mapping[str, float | int]) -> dict[str, float | int]:
        """Return what tells parameters of two runs apart, the same before and after a parameter was added."""
        before = self._before()
        return {name: value for name, value in params.items() if name not in before or value != before[name]}

    def _before(self) -> dict[str, float | int]:
        return {name: value.before for name, value in self.parameters.items() if value.before is not None}
