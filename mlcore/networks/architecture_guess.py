"""The timm architecture of a plain safetensors file, by the names and shapes of its tensors.

Building each architecture of timm takes minutes. `timm_signatures.json` has a checksum of the tensors of each;
`python -m tools.timm_signatures` writes it after timm was updated.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import timm
from safetensors import SafetensorError, safe_open

from mlcore.artifacts import write_json
from mlcore.errors import WeightsError
from mlcore.networks.backbones import evaluation_sizes
from mlcore.weights import WeightsDescription

SIGNATURES = Path(__file__).with_name("timm_signatures.json")
# A classifier has as many rows as its training had classes; older files lack the counter of BatchNorm.
CLASSIFIERS = {"head", "heads", "head_dist", "heads_dist", "aux_head", "fc", "classifier", "classif", "last_linear"}
COUNTER = "num_batches_tracked"
_NAMED = 12


def signature_of(shapes: Iterable[tuple[str, Sequence[int]]]) -> str:
    """Return a checksum of the names and shapes of tensors, without those of a classifier."""
    lines = sorted(
        f"{name} {list(shape)}"
        for name, shape in shapes
        if name.partition(".")[0] not in CLASSIFIERS and not name.endswith(COUNTER)
    )
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


@cache
def _architectures() -> dict[str, list[str]]:
    known: dict[str, list[str]] = json.loads(SIGNATURES.read_text())["architectures"]
    return known


def guess_architecture(file: Path) -> str:
    """Return the architecture of a safetensors file; the file's name decides between those with the same tensors.

    Raises:
        WeightsError: the file cannot be read, or none or several architectures have its tensors.
    """
    try:
        with safe_open(file, "pt") as tensors:
            shapes = [(name, tensors.get_slice(name).get_shape()) for name in tensors.keys()]  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{file.name} cannot be read as safetensors: {error}") from error
    fitting = _architectures().get(signature_of(shapes), [])
    named = [name for name in fitting if name == file.stem.partition(".")[0]]
    if not fitting:
        raise WeightsError(
            f"no architecture of timm has the tensors of {file.name}; name it (--architecture NAME, or ARCH=NAME with "
            f"make demo) or describe the weights in {file.with_suffix('.json').name}"
        )
    if len(fitting) > 1 and not named:
        more = f" and {len(fitting) - _NAMED} more" if len(fitting) > _NAMED else ""
        raise WeightsError(
            f"the tensors of {file.name} fit {len(fitting)} architectures: {', '.join(fitting[:_NAMED])}{more}; "
            "name the right one (--architecture NAME, or ARCH=NAME with make demo)"
        )
    return (named or fitting)[0]


def describe_plain_weights(file: Path, architecture: str = "") -> WeightsDescription:
    """Return the description of weights without a JSON, with the preprocessing that timm has for the architecture.

    architecture: guessed by the tensors if empty. A tag of timm in the file's name, as in
    `resnet50.a1_in1k.safetensors`, chooses among the preprocessings of its weights.

    Raises:
        WeightsError: the architecture cannot be guessed, or timm has none of that name or no preprocessing for it.
    """
    architecture = architecture or guess_architecture(file)
    if not timm.is_model(architecture):
        raise WeightsError(f"timm has no architecture named {architecture!r}; choose one such as resnet50")
    tagged = file.stem if file.stem in timm.list_pretrained(f"{architecture}.*") else architecture
    config = timm.get_pretrained_cfg(tagged)
    if config is None:
        raise WeightsError(
            f"timm has no preprocessing for {architecture}; write {file.with_suffix('.json').name} "
            "with architecture, mean and std"
        )
    described: WeightsDescription = {
        "name": file.stem,
        "architecture": architecture,
        "mean": list(config.mean),
        "std": list(config.std),
        "interpolation": config.interpolation,
        **evaluation_sizes(architecture),  # type: ignore[typeddict-item]
    }
    return described


def write_missing_description(file: Path, architecture: str = "", folder: Path | None = None) -> bool:
    """Write the JSON of a plain weights file, beside it or into `folder`; return whether it was missing.

    Raises:
        WeightsError: there is no such file, or as `describe_plain_weights` says.
    """
    if not file.is_file():
        raise WeightsError(f"there is no {file}; give the path of a .safetensors file")
    if file.with_suffix(".json").is_file():
        return False
    beside = (folder or file.parent) / file.with_suffix(".json").name
    described = describe_plain_weights(file, architecture)
    try:
        write_json(beside, described)
    except OSError as error:
        raise WeightsError(f"{beside} cannot be written: {error}; write it elsewhere with the weights") from error
    return True
