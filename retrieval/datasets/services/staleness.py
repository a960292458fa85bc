"""Whether a data set is still what a model was measured on."""

from mlcore.artifacts import read_json
from retrieval.models import Model


def measured_revision(model: Model) -> int | None:
    """Return the newest revision of its data set that is the one that a model was measured on.

    None where the model's files are gone or do not say.
    """
    try:
        about = read_json(model.folder / "model.json")
    except (OSError, ValueError):
        return None
    return model.dataset.revisions.get(about.get("dataset", {}).get("fingerprint"))
