"""An experiment with three seeds of two losses in the demo's database, for walks that need several seeds.

Run by `planted` in test_board.py in a process of its own, with the demo's settings: nothing is trained. Folders are
copies of the demo's models. What each query earned is that of one of them with a little noise, and a gain for the
first loss: which loss leads must not depend on how well the demo trains. The models are not published, so only curators
see them.
"""

import json
import shutil

import numpy as np

NAME = "Three seeds"
SEEDS = 3


def plant() -> str:
    """Plant the experiment where it is not there yet; return the key of it."""
    from config import storage
    from retrieval.models import Experiment, Model, Run

    found = Experiment.objects.filter(name=NAME).first()
    if found is not None:
        return str(found.pk)
    sources = list(Model.objects.filter(run__isnull=False, loss__in=("soft_triple", "multi_similarity")).order_by("pk"))
    sources = sources[:2]
    first, earned = sources[0].run.experiment, sources[0].folder / "per_query.npz"
    protocol = {**first.protocol, "name": NAME.lower(), "epochs": first.protocol["epochs"] + 1}
    experiment = Experiment.objects.create(
        name=NAME, dataset=first.dataset, protocol=protocol, weights=first.weights, publish=False
    )
    for place, source in enumerate(sources):
        for seed in range(SEEDS):
            folder = storage.media() / f"models/planted-{source.loss}-{seed}"
            shutil.copytree(source.folder, folder, dirs_exist_ok=True)
            gain = 0.04 * (len(sources) - 1 - place)
            metrics = _scored(folder, earned, np.random.default_rng(10 * place + seed), gain)
            run = Run.objects.create(
                experiment=experiment, loss=source.loss, params=source.run.params, seed=seed, metrics=metrics,
                history=source.run.history,
            )  # fmt: skip
            Model.objects.create(
                run=run, dataset=first.dataset, name=f"{source.name} (seed {seed})", loss=source.loss,
                artifact=f"models/planted-{source.loss}-{seed}", weights_sha256=source.weights_sha256, dim=source.dim,
                color=source.color, published=False,
            )  # fmt: skip
    return str(experiment.pk)


def _scored(folder, earned, random, gain: float) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """Write a little more or less than what each query earned in the file `earned`; return the metrics of it."""
    with np.load(earned) as stored:
        arrays = dict(stored)
    for name in arrays.keys() - {"ids", "labels"}:
        noise = random.normal(gain, 0.01, len(arrays["ids"]))
        arrays[name] = np.clip(arrays[name] + noise, 0, 1)
    np.savez_compressed(folder / "per_query.npz", **arrays)
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["map_at_r"] = float(arrays["map_at_r"].mean())
    metrics["recall_at"]["1"] = float(arrays["recall_at_1"].mean())
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return dict(metrics)


if __name__ == "__main__":
    import django

    django.setup()
    print(plant())  # noqa: T201
