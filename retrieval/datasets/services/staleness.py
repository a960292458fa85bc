"""Revisions of a data set that models were evaluated on."""

from mlcore.artifacts import read_json
from retrieval.models import Model


def measured_revision(model: Model) -> int | None:
    """Return the newest revision of its data set that equals the one a model was evaluated on.

    None where the model's files are gone or have no fingerprint.
    """
    try:
        about = read_json(model.folder / "model.json")
    except (OSError, ValueError):
        return None
    return model.dataset.revisions.get(about.get("dataset", {}).get("fingerprint"))
