"""Which engine embeds with a trained model."""

from config import places
from retrieval.models import Model


def why_pytorch(model: Model) -> str:
    """Return why PyTorch embeds with a model trained here; "" where ONNX Runtime does, or where nobody has tried."""
    if model.run_id is None:
        return ""
    from mlcore.inference.engine import known_reason

    return known_reason(model.weights_sha256, places.cache())
