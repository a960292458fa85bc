"""More trainings of the small world's losses, planted: their scores are written, nothing is trained."""

from pathlib import Path

import numpy as np
from django.conf import settings

from mlcore.artifacts import write_json
from retrieval.models import Experiment, Model, Run
from tests.retrieval.world import World

QUERIES, CLASSES = 200, 20


def plant_scores(model: Model, headline: float, noise: int = 0) -> None:
    """Let each query of a model earn about so much, the same queries for every model."""
    random = np.random.default_rng(noise)
    values = np.clip(headline + random.normal(0, 0.02, QUERIES), 0, 1)
    folder = Path(settings.MEDIA_ROOT) / model.artifact
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "per_query.npz"
    file.unlink(missing_ok=True)  # the session's own keeps its bytes
    labels = np.repeat(np.arange(CLASSES), QUERIES // CLASSES)
    np.savez_compressed(file, ids=np.arange(QUERIES), labels=labels, recall_at_1=values, map_at_r=values)
    metrics = {
        "recall_at": {"1": float(values.mean()), "2": 1.0},
        "map_at_r": float(values.mean()),
        "intervals": {"map_at_r": [0.0, 1.0], "recall_at_1": [0.0, 1.0]},
    }
    if model.run is None:
        Model.objects.filter(pk=model.pk).update(measured=metrics)
    else:
        Run.objects.filter(pk=model.run.pk).update(metrics=metrics)


def plant_seed(world: World, loss: str, seed: int, headline: float, experiment: Experiment | None = None) -> Model:
    """Add a published model of a loss and a seed, of the world's experiment or another."""
    first = next((model for model in world.models if model.loss == loss), world.models[0])
    assert first.run is not None
    run = Run.objects.create(
        experiment=experiment or first.run.experiment, loss=loss, seed=seed,
        params=first.run.params if first.loss == loss else {},
    )  # fmt: skip
    model = Model.objects.create(
        run=run, dataset=world.dataset, name=f"{loss} (seed {seed})", loss=loss, artifact=f"models/planted-{run.pk}",
        weights_sha256=f"{run.pk:064}", dim=4, color=first.color, published=True,
    )  # fmt: skip
    write_json(_folder(model) / "metrics.json", {})
    plant_scores(model, headline, noise=100 * seed + len(loss))
    return model


def _folder(model: Model) -> Path:
    folder = Path(settings.MEDIA_ROOT) / model.artifact
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def three_seeds(world: World, first: float = 0.8, second: float = 0.5) -> None:
    """Give both losses seeds 0, 1 and 2."""
    for model, headline in zip(world.models, (first, second), strict=True):
        plant_scores(model, headline)
        for seed in (1, 2):
            plant_seed(world, model.loss, seed, headline)
