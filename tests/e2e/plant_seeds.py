"""An experiment with three seeds of two losses in the demo's database, and ratings of them, for walks that need both.

Run by `planted` in test_board.py in a process of its own, with the demo's settings: nothing is trained. Folders are
copies of the demo's models. What each query earned is that of one of them with a little noise, and a gain for the
first loss: which loss leads must not depend on how well the demo trains. The models are not published, so only curators
see them. Nor does a walk of another person meet their ratings: the searches belong to a rater.
"""

import json
import shutil
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from retrieval.models import Dataset, Index, Model, Search

NAME = "Three seeds"
SEEDS = 3
RATERS, QUERIES, SHOWN = 6, 30, 8


def plant() -> str:
    """Plant the experiment where it is not there yet; return the key of it."""
    from config import places
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
    shown = []
    for place, source in enumerate(sources):
        for seed in range(SEEDS):
            folder = places.media() / f"models/planted-{source.loss}-{seed}"
            shutil.copytree(source.folder, folder, dirs_exist_ok=True)
            gain = 0.04 * (len(sources) - 1 - place)
            metrics = _scored(folder, earned, np.random.default_rng(10 * place + seed), gain)
            run = Run.objects.create(
                experiment=experiment, loss=source.loss, params=source.run.params, seed=seed, metrics=metrics,
                history=source.run.history,
            )  # fmt: skip
            model = Model.objects.create(
                run=run, dataset=first.dataset, name=f"{source.name} (seed {seed})", loss=source.loss,
                artifact=f"models/planted-{source.loss}-{seed}", weights_sha256=source.weights_sha256, dim=source.dim,
                color=source.color, published=False,
            )  # fmt: skip
            if seed == 0:
                shown.append((model, source.indexes.get(active=True)))
    _rate(first.dataset, shown)
    return str(experiment.pk)


def _rate(dataset: "Dataset", shown: "Sequence[tuple[Model, Index]]") -> None:
    """Plant a ballot of every rater on every query; ratings follow how many results are right.

    The models are right equally often, on other queries, so people's ranks stay open and metrics predict the ratings.
    """
    from django.utils import timezone

    from accounts.models import User
    from ratings.models import Ballot, BlindScore
    from retrieval.models import Ranking

    random, ended = np.random.default_rng(0), timezone.now()
    people = User.objects.bulk_create(
        User(email=f"rater-{number}@planted.example", display_name=f"Rater {number}", password="!")
        for number in range(RATERS)
    )
    searches = _searches(dataset, people[0])
    right = {search.pk: (7, 3) if place % 2 else (3, 7) for place, search in enumerate(searches)}
    results = {search.pk: _results(dataset, search, right[search.pk]) for search in searches}
    rankings = Ranking.objects.bulk_create(
        Ranking(search=search, model=model, index=index, image_ids=ids, scores=[0.5] * SHOWN, took_ms=1.0)
        for search in searches
        for (model, index), ids in zip(shown, results[search.pk], strict=True)
    )
    pairs = [rankings[at : at + 2] for at in range(0, len(rankings), 2)]
    casts = [(who, pair) for pair in pairs for who in people]
    ballots, scores = [], []
    for number, place in enumerate(random.permutation(len(casts))):  # so that each period has many people and queries
        who, pair = casts[place]
        order = random.permutation([ranking.pk for ranking in pair]).tolist()
        ballot = Ballot(
            who=who, search=pair[0].search, order=order, is_core=False,
            propensities=dict.fromkeys(map(str, order), 1.0),
            voted_at=ended - timedelta(minutes=RATERS * QUERIES - number),
        )  # fmt: skip
        ballots.append(ballot)
        for ranking, hits in zip(pair, right[pair[0].search_id], strict=True):
            score = int(np.clip(round(hits / 2 + random.normal(0, 0.8)), 1, 5))
            scores.append(BlindScore(ballot=ballot, ranking=ranking, score=score))
    Ballot.objects.bulk_create(ballots)
    BlindScore.objects.bulk_create(scores)


def _searches(dataset: "Dataset", owner) -> "list[Search]":  # type: ignore[no-untyped-def]
    from retrieval.models import Search

    queries = list(dataset.images.asking().order_by("pk")[: 5 * QUERIES : 5])
    searches = Search.objects.bulk_create(Search(owner=owner, query_image=query, k=SHOWN) for query in queries)
    Search.datasets.through.objects.bulk_create(
        Search.datasets.through(search=search, dataset=dataset) for search in searches
    )
    return searches


def _results(dataset: "Dataset", search: "Search", right: Sequence[int]) -> list[list[int]]:
    """Return the results of each model: as many pictures of the query's class first, then of others."""
    query = search.query_image
    assert query is not None
    gallery = dataset.images.answering().exclude(pk=query.pk).order_by("pk")
    same = list(gallery.filter(label=query.label).values_list("pk", flat=True)[:SHOWN])
    others = list(gallery.exclude(label=query.label).values_list("pk", flat=True)[:SHOWN])
    return [same[:hits] + others[: SHOWN - hits] for hits in right]


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
