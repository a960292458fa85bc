"""An external model in the world, listed without its job."""

from pathlib import Path
from typing import Any

import onnx
from django.conf import settings

from mlcore.artifacts import read_json
from mlcore.datasets import load_dataset
from mlcore.external.external_models import add_model
from retrieval.models import Model
from retrieval.registry.services.indexes import submit_index
from retrieval.registry.services.visibility import set_published
from tests.mlcore.onnx_models import PLAIN, stored_onnx
from tests.retrieval.world import World, done


def external_model(world: World, folder: Path, network: onnx.ModelProto | None = None, **fields: Any) -> Model:
    """Store, index and publish an external model."""
    artifact = f"outside/{fields.get('name', 'theirs')}"
    out = Path(settings.MEDIA_ROOT) / artifact
    file = stored_onnx(folder, network, **PLAIN)
    metrics = add_model(file, load_dataset(world.dataset.folder), out, Path(settings.CACHE_DIR))
    described = read_json(out / "model.json")
    values: dict[str, Any] = {
        "dataset": world.dataset,
        "name": "Theirs",
        "artifact": artifact,
        "weights_sha256": described["weights_sha256"],
        "dim": described["dim"],
        "measured": metrics,
        "color": 7,
    }
    model = Model.objects.create(**values | fields)
    done(submit_index(model, by=None))
    set_published(model, True)
    return model
