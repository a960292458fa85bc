"""The page of a model."""

from django.conf import settings
from django.test import Client
from django.urls import reverse

from mlcore.inference import engine
from retrieval.models import Model
from tests.retrieval.world import World


def page_of(client: Client, model: Model) -> str:
    return client.get(reverse("model", args=[model.pk])).content.decode()


def test_curators_see_why_pytorch_embeds(curator_client: Client, world: World) -> None:
    model, other = world.models
    assert "PyTorch embeds" not in page_of(curator_client, model)
    engine.keep_record(engine.read_network(model.folder), settings.CACHE_DIR, "an operator is missing")
    assert "longer than ONNX Runtime: an operator is missing." in page_of(curator_client, model)
    assert "PyTorch embeds" not in page_of(curator_client, other)
