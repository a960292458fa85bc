"""The plan of a comparison and its JSON file. Knows no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mlcore.artifacts import read_json
from mlcore.comparison.tuning_state import rates_of
from mlcore.config import Protocol, preset
from mlcore.datasets.splits import validation_classes
from mlcore.errors import ComparisonError
from mlcore.losses import LOSSES, loss_spec, stored_params
from mlcore.runs import BASELINES, RunSpec

ASKED = {"name", "preset", "changes", "protocol", "losses", "params", "seeds", "tuning"}
MOST_SEEDS = 100

DESIGN = 2
"""How tunings of new plans search; see `Tuning`."""

TUNING_FOLDS = 3
"""Folds of a new tuning, unless classes are held out otherwise."""

MOST_FOLDS = 20
LEAST_IN_FOLD = 2
"""Classes of a fold: with one there is nothing to confuse."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The same budget for every loss: `trials`, each measured on training classes that it does not learn from.

    folds: the training classes are divided into so many, a trial trains without each in turn, and its score is
    the mean over them; where the protocol has folds, so many of these. 0 is one split: fold 0 of the protocol's, or
    else the last validation_classes.
    design: 2 searches the learning rate too and widens ranges after half of the trials; 1 does neither, as
    plans stored before it.
    """

    trials: int
    validation_classes: int = 0
    seed: int = 0
    folds: int = 0
    design: int = DESIGN

    @classmethod
    def from_json(cls, values: Mapping[str, int]) -> "Tuning":
        """Return what was stored, perhaps before there were designs."""
        return cls(**{"design": 1, **values})

    @property
    def runs(self) -> int:
        """How many trainings the trials of a loss are."""
        return self.trials * max(1, self.folds)

    def require_classes(self, count: int, protocol: Protocol) -> None:
        """Check that so many training classes can be divided as the trials need it.

        Raises:
            ComparisonError: a fold would have one class, so nothing to confuse.
            DatasetError: validation_classes leaves too few classes to train on.
        """
        if self.folds and not protocol.folds and count < LEAST_IN_FOLD * self.folds:
            raise ComparisonError(
                f"{self.folds} folds of {count} training classes have fewer than {LEAST_IN_FOLD} classes each; "
                f"give at most {count // LEAST_IN_FOLD} folds, or validation_classes"
            )
        if self.validation_classes:
            validation_classes(range(count), self.validation_classes)


def new_tuning(
    protocol: Protocol, *, trials: int, validation_classes: int = 0, folds: int | None = None, seed: int = 0
) -> Tuning:
    """Return the budget of a new plan. folds: default 3; with validation_classes or a protocol of folds, one split."""
    if folds is None:
        folds = 0 if validation_classes or protocol.folds else TUNING_FOLDS
    return Tuning(trials=trials, validation_classes=validation_classes, folds=folds, seed=seed)


@dataclass(frozen=True)
class Cell:
    """One run of a comparison. A tuned one has the parameters that its loss's tuning found."""

    loss: str
    seed: int
    fold: int | None = None
    tuned: bool = False

    @property
    def name(self) -> str:
        """The name of its folder: soft_triple-s0-f2-tuned."""
        fold = "" if self.fold is None else f"-f{self.fold}"
        return f"{self.loss}-s{self.seed}{fold}{'-tuned' if self.tuned else ''}"

    @property
    def joined_name(self) -> str:
        """The name of the folder of its loss's and seed's joined folds: soft_triple-s0-tuned-joined."""
        return replace(self, fold=None).name + "-joined"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Losses with their own parameters, and seeds, under one protocol; its folds are the protocol's.

    Parameters that are not given are written out as the papers' own.
    """

    name: str
    protocol: Protocol
    losses: Mapping[str, Mapping[str, float | int]]
    seeds: tuple[int, ...]
    tuning: Tuning | None = None

    def __post_init__(self) -> None:
        """Refuse what could not be run to its end."""
        if not self.losses:
            raise ComparisonError("a comparison needs at least one loss")
        # Baselines are in every comparison and are not named: they have no row in the table of losses.
        written_out = {loss: loss_spec(loss).checked(params) for loss, params in self.losses.items()}
        object.__setattr__(self, "losses", written_out)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ComparisonError(f"seeds must be different numbers from 0, got {list(self.seeds)}")
        if self.tuning is not None:
            self._check_tuning(self.tuning)
        for cell in self.cells():
            self.spec_of(cell, {}).checked()

    def _check_tuning(self, tuning: Tuning) -> None:
        if tuning.trials < 1:
            raise ComparisonError(f"tuning needs at least 1 trial, got {tuning.trials}")
        if self.protocol.folds and tuning.validation_classes:
            raise ComparisonError("the protocol's folds hold classes out for tuning; leave validation_classes out")
        if tuning.folds and tuning.validation_classes:
            raise ComparisonError("tuning's folds hold classes out by themselves; leave validation_classes out")
        if tuning.folds == 1 or not 0 <= tuning.folds <= (self.protocol.folds or MOST_FOLDS):
            most = f"the protocol's {self.protocol.folds}" if self.protocol.folds else MOST_FOLDS
            raise ComparisonError(f"tuning's folds must be 0 for one split, or 2 to {most}; got {tuning.folds}")
        if not (self.protocol.folds or tuning.folds) and tuning.validation_classes < 2:
            raise ComparisonError(
                f"tuning on {tuning.validation_classes} validation classes cannot rank trials: "
                "give at least 2 of the training classes, or folds"
            )
        if not 1 <= tuning.design <= DESIGN:
            raise ComparisonError(f"tuning's design must be 1 to {DESIGN}, got {tuning.design}")
        if self.protocol.selection == "validation":
            raise ComparisonError(
                "the classes that tuning measures would pick the epoch as well; set selection to last"
            )

    def cells(self) -> tuple[Cell, ...]:
        """Return every run, in the order in which to run them: failures of any loss show early."""
        baselines = [Cell(name, self.seeds[0]) for name in BASELINES]
        folds = range(self.protocol.folds) if self.protocol.folds else (None,)
        plain = [Cell(loss, seed, fold) for seed in self.seeds for fold in folds for loss in self.losses]
        tuned = [replace(cell, tuned=True) for cell in plain] if self.tuning else []
        return (*baselines, *plain, *tuned)

    def spec_of(self, cell: Cell, found: Mapping[str, Any]) -> RunSpec:
        """Return a cell's run; `found` is the trial that tuning chose."""
        protocol, params = self.protocol, dict(self.losses.get(cell.loss, {}))
        if cell.tuned and found:
            params |= found["params"]
            protocol = protocol.with_changes(**rates_of(found))
        return RunSpec(protocol=protocol, loss=cell.loss, params=params, seed=cell.seed, fold=cell.fold)

    def to_json(self) -> dict[str, object]:
        """Return every field as plain JSON values."""
        return {
            "name": self.name,
            "protocol": self.protocol.to_json(),
            "losses": {loss: dict(params) for loss, params in self.losses.items()},
            "seeds": list(self.seeds),
            "tuning": asdict(self.tuning) if self.tuning else None,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Comparison":
        """Return what `to_json` stored, perhaps before a loss had all of its parameters."""
        return cls(
            name=values["name"],
            protocol=Protocol.from_json(values["protocol"]),
            losses={loss: stored_params(loss, params) for loss, params in values["losses"].items()},
            seeds=tuple(values["seeds"]),
            tuning=Tuning.from_json(values["tuning"]) if values["tuning"] else None,
        )


def read_comparison(file: Path, changes: Mapping[str, object] | None = None) -> Comparison:
    """Return the comparison that a person wrote down, every loss's parameters written out and checked.

    The file holds {"name", "preset" and perhaps "changes", or a whole "protocol", "losses": "all", names, or
    {name: own parameters}, "seeds": how many or which, perhaps "tuning":
    {"trials", perhaps "folds" or "validation_classes"}}. `changes` are made to its protocol.

    Raises:
        ComparisonError: a key is missing, unknown or of the wrong kind.
        ProtocolError, UnknownLossError, TypeError, ValueError: as the protocol and the losses say.
    """
    asked = read_json(file)
    if not isinstance(asked, dict) or not {"name", "losses"} <= asked.keys():
        raise ComparisonError(f"{file.name} must hold an object with at least name and losses")
    unknown = asked.keys() - ASKED
    if unknown:
        raise ComparisonError(f"{file.name} has an unknown key {min(unknown)!r}; known: {', '.join(sorted(ASKED))}")
    protocol = _protocol(asked).with_changes(**(changes or {})).bounded()
    return Comparison(
        name=str(asked["name"]),
        protocol=protocol,
        losses=_losses(asked["losses"]),
        seeds=_seeds(asked.get("seeds", 1)),
        tuning=_tuning(asked.get("tuning"), protocol),
    )


def _protocol(asked: Mapping[str, Any]) -> Protocol:
    if ("preset" in asked) == ("protocol" in asked):
        raise ComparisonError("a comparison names either a preset, perhaps with changes, or a whole protocol")
    if "protocol" in asked:
        return Protocol.from_json(asked["protocol"])
    changes = asked.get("changes", {})
    # Beside honest figures of a preset, a changed one must not go by its name.
    named = {"name": f"{asked['preset']} (changed)"} if changes else {}
    return preset(asked["preset"]).with_changes(**named, **changes)


def _losses(asked: Any) -> Mapping[str, Mapping[str, float | int]]:
    if asked == "all":
        asked = list(LOSSES)
    if isinstance(asked, list) and all(isinstance(name, str) for name in asked):
        asked = {name: {} for name in asked}
    if not isinstance(asked, dict) or not all(isinstance(params, dict) for params in asked.values()):
        raise ComparisonError('losses must be "all", a list of names, or {name: {parameter: value}}')
    return asked


def _seeds(asked: Any) -> tuple[int, ...]:
    if isinstance(asked, int) and not isinstance(asked, bool) and 1 <= asked <= MOST_SEEDS:
        return tuple(range(asked))
    if isinstance(asked, Sequence) and all(isinstance(seed, int) for seed in asked) and len(asked) <= MOST_SEEDS:
        return tuple(asked)
    raise ComparisonError(f"seeds must be how many (1 to {MOST_SEEDS}) or a list of whole numbers, got {asked!r}")


def _tuning(asked: Any, protocol: Protocol) -> Tuning | None:
    if asked is None:
        return None
    fields = {"trials", "validation_classes", "folds", "seed", "design"}
    if not isinstance(asked, dict) or not {"trials"} <= asked.keys() <= fields:
        raise ComparisonError(f"tuning takes trials, folds or validation_classes, and seed; got {asked!r}")
    if not all(isinstance(value, int) for value in asked.values()):
        raise ComparisonError(f"tuning takes whole numbers, got {asked!r}")
    # The site writes a stored plan out, with its design.
    return Tuning.from_json(asked) if "design" in asked else new_tuning(protocol, **asked)
