"""Weights that experiments can start from: in packages, in the weights folder, and on the Hugging Face hub."""

import filecmp
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config import places
from config.errors import Rejected
from mlcore.artifacts import read_json
from mlcore.errors import ProtocolError, WeightsError
from mlcore.weights import (
    HUB,
    HUB_WEIGHTS,
    PackagedWeights,
    WeightsDescription,
    converted_file,
    describe_weights,
    hub_changes,
    installed_weights,
    overlap_warning,
)
from storage.store import WEIGHTS, place_of, store

MEGABYTE = 1e6


@dataclass(frozen=True)
class WeightsRow:
    """Weights to choose from. name: as an experiment takes it; place: package, server or hub; megabytes: of the file.

    warning: why held-out classes may be known to them, in a sentence.
    """

    name: str
    title: str
    place: str
    architecture: str
    megabytes: float
    licence: str
    trained_on: str
    warning: str


def smallest_packaged() -> str:
    """Return the name of the smallest weights that an installed package has, "" without any."""
    return next((_file_name(weights) for weights in installed_weights()), "")


def weights_files() -> list[str]:
    """Return the names of the weights files on the server, and of those that a package gives when they are needed."""
    packaged = {_file_name(weights) for weights in installed_weights()}
    return sorted(packaged | {name for name in _stored_names() if name.endswith(".safetensors")})


def _stored_names() -> set[str]:
    return {stored.key.removeprefix(WEIGHTS) for stored in store().below(WEIGHTS.rstrip("/"))}


def weights_place(name: str) -> Path:
    """Return the place of a weights file on this host, its description beside it; nothing is there if none is known."""
    store().local_copy(f"{WEIGHTS}{_description_name(name)}")
    return store().local_copy(f"{WEIGHTS}{name}")


def _description_name(name: str) -> str:
    return Path(name).with_suffix(".json").name


def _put(name: str) -> None:
    """Store a weights file for all hosts, after its description."""
    store().put(f"{WEIGHTS}{_description_name(name)}")
    store().put(f"{WEIGHTS}{name}")


def is_from_hub(weights: str) -> bool:
    """Return whether weights are fetched by timm, not a file on the server."""
    return weights.startswith(HUB)


def file_of(weights: str) -> str:
    """Return the name of the file on the server, "" for weights of the hub and for the protocol's own."""
    return "" if is_from_hub(weights) else weights


def protocol_fields(weights: str) -> Mapping[str, object]:
    """Return the fields of a protocol that weights set; those of a package are converted when they are first needed.

    Raises:
        Rejected: there are no such weights, or a file does not say its architecture.
    """
    if not weights:
        return {}
    try:
        if is_from_hub(weights):
            return _on_hub(weights)
        return {"weights": "local", "backbone": _described(weights)["architecture"]}
    except (WeightsError, ProtocolError) as error:
        raise Rejected(str(error), field="weights") from error


def _on_hub(weights: str) -> Mapping[str, object]:
    fields = hub_changes(weights)
    if weights not in {row.name for row in HUB_WEIGHTS}:  # it takes seconds to import timm
        from mlcore.networks.backbones import check_on_hub

        check_on_hub(fields["backbone"], fields["weights"].partition(":")[2])
    return fields


def _described(name: str) -> WeightsDescription:
    if name not in weights_files():
        known = ", ".join(weights_files()) or "none"
        raise Rejected(f"no weights file named {name!r}; known: {known}", field="weights")
    place = weights_place(name)
    for weights in installed_weights():
        if _file_name(weights) == name and converted_file(weights, places.weights()) is None:
            from mlcore.networks.packaged_weights import write_packaged_weights

            write_packaged_weights(weights, places.weights())
            _put(name)
    return describe_weights(place)


def take_file(file: Path, architecture: str = "") -> str:
    """Copy a weights file and its JSON to the weights folder; return its name.

    A file of timm without its JSON gets one. architecture: of such a file; guessed by its tensors if empty.

    Raises:
        Rejected: there is no such file, its architecture is not known, or another one has its name.
    """
    folder = places.weights()
    folder.mkdir(parents=True, exist_ok=True)
    weights_place(file.name)  # another host may have other weights of that name
    beside = file.with_suffix(".json")
    if beside.is_file():
        _copy_whole(beside, folder / beside.name)
    elif not (folder / beside.name).is_file():
        _describe(file, architecture, folder)
    elif architecture not in ("", stored := read_json(folder / beside.name)["architecture"]):
        raise Rejected(f"{file.name} is in use as {stored}; give it another name to use it as {architecture}")
    _copy_whole(file, folder / file.name)
    _put(file.name)
    return file.name


def _describe(file: Path, architecture: str, folder: Path) -> None:
    from mlcore.networks.architecture_guess import write_missing_description

    try:
        write_missing_description(file, architecture, folder)
    except WeightsError as error:
        raise Rejected(str(error)) from error


def _copy_whole(file: Path, target: Path) -> None:
    """Copy a file unless it is there already; a copy that was cut off is not there."""
    if not file.is_file():
        raise Rejected(f"there is no {file}; give the path of a .safetensors file")
    if target.exists():
        if not filecmp.cmp(target, file, shallow=False):
            raise Rejected(f"other weights named {file.name} are in use; give these another name")
        return
    scratch = target.with_name(f".{target.name}")
    shutil.copyfile(file, scratch)
    scratch.replace(target)


def _file_name(weights: PackagedWeights) -> str:
    return f"{weights.name}.safetensors"


def weights_rows() -> list[WeightsRow]:
    """Return all weights with what is known of them: of packages, on the server, on the hub."""
    packaged = {_file_name(weights): weights for weights in installed_weights()}
    rows = [
        _row(name, "package", weights.description(), weights.megabytes * MEGABYTE) for name, weights in packaged.items()
    ]
    for name in weights_files():
        if name not in packaged:
            store().local_copy(f"{WEIGHTS}{_description_name(name)}")
            described = _description_of(place_of(f"{WEIGHTS}{name}"))
            rows.append(_row(name, "server", described, store().measure(f"{WEIGHTS}{name}").bytes))
    return rows + [
        WeightsRow(
            weights.name,
            weights.title,
            "hub",
            weights.architecture,
            weights.megabytes,
            weights.licence,
            weights.trained_on,
            overlap_warning(weights.trained_on),
        )
        for weights in HUB_WEIGHTS
    ]


def _description_of(file: Path) -> WeightsDescription:
    """Return what the JSON beside a file says, "" for all of it where there is none."""
    try:
        return describe_weights(file)
    except WeightsError:
        return {"architecture": "", "mean": [], "std": []}


def _row(name: str, place: str, described: WeightsDescription, size: float) -> WeightsRow:
    trained_on = described.get("trained_on", "")
    return WeightsRow(
        name,
        described.get("name", "") or name.removesuffix(".safetensors"),
        place,
        described["architecture"],
        round(size / MEGABYTE, 1),
        described.get("licence", ""),
        trained_on,
        overlap_warning(trained_on),
    )
