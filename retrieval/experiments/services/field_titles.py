"""Titles and explanations of a protocol's fields: the one table that pages read, in the order in which they show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlcore.losses import LOSSES
from retrieval.models import Run


@dataclass(frozen=True)
class Field:
    """What a field is called and what it does; `unit` follows its value."""

    title: str
    meaning: str
    unit: str = ""


@dataclass(frozen=True)
class Setting:
    """A field with its value, as pages show it."""

    name: str
    title: str
    value: str
    meaning: str


FIELDS: Mapping[str, Field] = {
    "name": Field("Preset", "Named protocol that this one began with; “changed” if fields differ from it."),
    "backbone": Field("Backbone", "Network that looks at the picture, by its name in timm."),
    "weights": Field(
        "Weights", "What the backbone starts from: scratch is random, hub is pre-trained, local is a file."
    ),
    "trains": Field(
        "Trained layers", "head trains the last layer only, last_stage some of the backbone, all everything."
    ),
    "epochs": Field("Epochs", "How often a training goes through the training pictures."),
    "batch_size": Field("Batch size", "How many pictures one training step compares.", "pictures"),
    "samples_per_class": Field("Pictures per class", "How many pictures of each class a batch has.", "pictures"),
    "crop": Field("Crop", "Side of the square that the network sees.", "px"),
    "dim": Field("Dimensions", "Length of an embedding; longer ones tell more apart and take more space."),
    "learning_rate": Field("Learning rate", "Size of a step of the backbone's weights."),
    "head_rate_factor": Field("Head rate factor", "The head learns so many times faster than the backbone."),
    "proxy_rate_factor": Field(
        "Proxy rate factor", "Class centres of a loss learn so many times faster than the backbone."
    ),
    "optimizer": Field("Optimizer", "Rule that turns gradients into steps."),
    "adam_eps": Field("Optimizer epsilon", "Small number that keeps the optimizer's division stable."),
    "weight_decay": Field("Weight decay", "How strongly weights are pulled towards zero."),
    "schedule": Field("Schedule", "How the learning rate falls: constant, along a cosine, or in steps."),
    "step_epochs": Field("Epochs per step", "With the schedule “step”: epochs between two falls."),
    "step_factor": Field("Step factor", "With the schedule “step”: what the rate is multiplied by at a fall."),
    "warmup_epochs": Field("Warm-up epochs", "First epochs in which the backbone is not trained."),
    "batches_per_epoch": Field("Batches per epoch", "0: as many as it takes to see each training picture once."),
    "pooling": Field("Pooling", "How the backbone's grid of features becomes one vector."),
    "head_init": Field("Start of the head", "Random, or from the half-whitened principal components of the features."),
    "batch_norm": Field("Batch norm", "Whether normalisation layers keep their statistics and their weights."),
    "precision": Field("Precision", "Number format of the computation."),
    "short_side": Field("Short side", "Pictures are scaled until their shorter side has this length.", "px"),
    "crop_scale": Field(
        "Least crop area", "Least share of the picture that a random training crop covers; 1: no crops."
    ),
    "horizontal_flip": Field("Mirroring", "Probability that a training picture is mirrored left to right."),
    "selection": Field("Kept epoch", "last, or the best one by MAP@R on validation classes."),
    "validation_classes": Field("Validation classes", "Training classes held out to choose the epoch.", "classes"),
    "folds": Field("Folds", "Each run holds out one of so many folds of the training classes; 0: none."),
    "patience": Field("Patience", "A training ends after so many epochs without a better one; 0: never.", "epochs"),
    "memory": Field("Memory", "Earlier embeddings that a batch is compared with as well; 0: none.", "embeddings"),
    "memory_warmup_epochs": Field("Memory warm-up", "First epochs in which the memory only fills.", "epochs"),
    "nested_from": Field(
        "Nested from", "The first so many dimensions are trained too, and twice as many, and so on; 0: all alone."
    ),
    "feature_engine": Field(
        "Feature engine", "What computes cached features on a CPU: torch, or onnxruntime (faster)."
    ),
}
MAIN = ("name", "backbone", "weights", "trains", "epochs", "batch_size", "crop", "dim", "learning_rate")
"""What people look at first."""


def title_of(name: str) -> str:
    """Return what a field is called; its own name if it is of another version."""
    return FIELDS[name].title if name in FIELDS else name


def settings_of(protocol: Mapping[str, Any]) -> tuple[list[Setting], list[Setting]]:
    """Return the main fields of a protocol, and the others."""
    main = [_setting(name, protocol[name]) for name in MAIN if name in protocol]
    names = [*(name for name in FIELDS if name in protocol), *(name for name in protocol if name not in FIELDS)]
    return main, [_setting(name, protocol[name]) for name in names if name not in MAIN]


def _setting(name: str, value: object) -> Setting:
    field = FIELDS.get(name, Field(name, ""))
    return Setting(name, field.title, f"{value} {field.unit}".strip(), field.meaning)


def parameters_of(run: Run) -> list[Setting]:
    """Return the parameters of a run's loss, and what tuning changed of its protocol."""
    infos = LOSSES[run.loss].parameters if run.loss in LOSSES else {}
    own = [
        Setting(name, name, f"{value:g}", infos[name].meaning if name in infos else "")
        for name, value in run.params.items()
    ]
    return own + [_setting(name, value) for name, value in run.changes.items()]
