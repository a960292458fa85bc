"""The page of a model."""

from pathlib import Path

from django.conf import settings
from django.test import Client
from django.urls import reverse

from mlcore.artifacts import read_json
from mlcore.inference import engine
from retrieval.models import Model
from tests.retrieval.world import World


def page_of(client: Client, model: Model) -> str:
    return client.get(reverse("model", args=[model.pk])).content.decode()


def test_curators_see_why_pytorch_embeds(curator_client: Client, world: World) -> None:
    model, other = world.models
    # The job that trained it has tried, and found nothing against ONNX Runtime.
    (record,) = Path(settings.CACHE_DIR).glob(f"trunk-*/{model.weights_sha256[:24]}.json")
    assert read_json(record)["why_pytorch"] == ""
    assert "PyTorch embeds" not in page_of(curator_client, model)
    engine.keep_record(engine.read_network(model.folder), settings.CACHE_DIR, "an operator is missing")
    assert "longer than ONNX Runtime: an operator is missing." in page_of(curator_client, model)
    assert "PyTorch embeds" not in page_of(curator_client, other)
