"""The commands on data sets, losses and evaluation; none of them trains."""

import argparse
from pathlib import Path
from typing import Any

from mlcore.cli.arguments import add_command, pair
from mlcore.cli.preview_text import preview_rows
from mlcore.cli.terminal import Bar
from mlcore.datasets.layout_choices import SPLIT_CHOICES, LayoutChoices
from mlcore.losses import LOSSES


def add_commands(commands: Any) -> None:
    """Declare `datasets`, `losses`, `animations` and `evaluate`."""
    datasets = add_command(commands, "datasets", _datasets, "import a data set into a folder and report on it")
    datasets.add_argument("source", help="folder, zip or tar file, or wings[:species=60,per_class=24,size=128,seed=0]")
    datasets.add_argument("--out", type=Path, help="new folder; required without --preview")
    datasets.add_argument(
        "--preview", action="store_true", help="show what an import would take and leave out; store nothing"
    )
    _add_layout(datasets)
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
        "--labels", type=Path, required=True, help="CSV file with a column 'label', rows in the same order"
    )
    evaluate.add_argument("--k", type=int, nargs="+", default=[1, 2, 4, 8], help="K of Recall@K (default: 1 2 4 8)")
    evaluate.add_argument("--clusters", action="store_true", help="compute NMI and AMI of k-means too")
    evaluate.add_argument("--seed", type=int, default=0, help="seed of intervals and k-means (default: 0)")


def _add_layout(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field of LayoutChoices, all optional."""
    layout = parser.add_argument_group("layout", "how to read the files (default: as the preview shows)")
    layout.add_argument("--reader", default="", help="name of a reader, such as folder")
    layout.add_argument("--level", type=int, default=0, help="level of the class folders, 1 at the top of the data set")
    layout.add_argument(
        "--pattern", default="", help="regular expression with a group 'label', looked for in each file name"
    )
    layout.add_argument("--path-column", default="", help="column of the label file with the path of each picture")
    layout.add_argument("--label-column", default="", help="column of the label file with the class")
    layout.add_argument("--split-column", default="", help="column of the label file with the split")
    layout.add_argument(
        "--split", choices=SPLIT_CHOICES[1:], default="", help="halves: the first half of the classes trains"
    )
    layout.add_argument(
        "--rename", type=pair, action="append", default=[], metavar="OLD=NEW", help="new name of a class (repeated)"
    )


def _layout_of(options: argparse.Namespace) -> LayoutChoices:
    values = {name: getattr(options, name) for name in LayoutChoices.__dataclass_fields__ if name in vars(options)}
    return LayoutChoices(**values, class_names=dict(options.rename))


def _datasets(options: argparse.Namespace) -> Any:
    from mlcore.datasets import import_pictures, open_source

    choices = _layout_of(options)
    if options.preview:
        return _preview(options, choices)
    if options.out is None:
        raise ValueError("give --out, a new folder for the data set, or --preview")
    with open_source(options.source, choices=choices) as source:
        return import_pictures(source, options.out, Bar()).to_json()


def _preview(options: argparse.Namespace, choices: LayoutChoices) -> Any:
    from mlcore.datasets.preview import preview_of

    preview = preview_of(options.source, choices=choices, thumbnails=False, progress=Bar())
    result = preview.to_json() if options.json else preview_rows(preview)
    return {**result, "status": 1 if preview.refusal else 0}


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
