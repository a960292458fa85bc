"""Which engine embeds with a trained model."""

from django.conf import settings

from config import places
from config.errors import Busy
from retrieval.models import Model
from retrieval.registry.services import remote_encoders


def why_pytorch(model: Model) -> str:
    """Return why PyTorch embeds with a model trained here; "" where ONNX Runtime does, or where nobody has tried.

    It is asked of the encoder that embeds for this host, if there is one; "" while that is away.
    """
    if model.run_id is None:
        return ""
    if settings.ENCODER_URL:
        try:
            return remote_encoders.why_pytorch(model)
        except Busy:  # or away, which searches and /readyz tell of
            return ""
    from mlcore.inference.engine import known_reason

    return known_reason(model.weights_sha256, places.cache())
