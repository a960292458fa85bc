"""The commands on data sets, losses and evaluation; none of them trains."""

import argparse
from pathlib import Path
from typing import Any

from mlcore.cli.arguments import add_command
from mlcore.cli.terminal import Bar
from mlcore.losses import LOSSES


def add_commands(commands: Any) -> None:
    """Declare `datasets`, `losses`, `animations` and `evaluate`."""
    datasets = add_command(commands, "datasets", _datasets, "import a data set into a folder and report on it")
    datasets.add_argument("source", help="folder, zip or tar file, or wings[:species=60,per_class=24,size=128,seed=0]")
    datasets.add_argument("--out", type=Path, required=True, help="new folder")
    add_command(commands, "losses", _losses, "list the losses with family, paper and default parameters")
    animations = add_command(
        commands, "animations", _animations, "write the animation of every loss: how it moves points on a sphere"
    )
    animations.add_argument(
        "--out", type=Path, required=True, help="folder; the site reads retrieval/experiments/services/toys"
    )
    evaluate = add_command(commands, "evaluate", _evaluate, "evaluate embeddings by exact search")
    evaluate.add_argument("--embeddings", type=Path, required=True, help=".npy file, one row per picture")
    evaluate.add_argument(
        "--labels", type=Path, required=True, help="CSV or TSV with a column 'label', rows in the same order"
    )
    evaluate.add_argument("--k", type=int, nargs="+", default=[1, 2, 4, 8], help="K of Recall@K (default: 1 2 4 8)")
    evaluate.add_argument("--clusters", action="store_true", help="compute NMI and AMI of k-means too")
    evaluate.add_argument("--seed", type=int, default=0, help="seed of intervals and k-means (default: 0)")


def _datasets(options: argparse.Namespace) -> Any:
    from mlcore.datasets import import_pictures, open_source

    with open_source(options.source) as source:
        return import_pictures(source, options.out, Bar()).to_json()


def _losses(options: argparse.Namespace) -> Any:
    return [
        {
            "name": name,
            "title": spec.title,
            "family": spec.family,
            "paper": spec.paper,
            **{parameter: value.default for parameter, value in spec.parameters.items()},
        }
        for name, spec in LOSSES.items()
    ]


def _animations(options: argparse.Namespace) -> Any:
    from mlcore.losses.loss_animation import write_animations

    return {"losses": len(write_animations(options.out)), "out": str(options.out)}


def _evaluate(options: argparse.Namespace) -> Any:
    from mlcore.evaluation.evaluate import measure, read_labelled

    embeddings, labels = read_labelled(options.embeddings, options.labels)
    return measure(
        embeddings, labels, clusters=options.clusters, ks=tuple(options.k), seed=options.seed, progress=Bar()
    )
