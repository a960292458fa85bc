"""Training pictures a second on the CPU, against pytorch-metric-learning's MetricLossOnly trainer.

Both train MobileNetV2 (random weights; BatchNorm statistics frozen) with a linear head of 128 and
Multi-Similarity with its miner, AdamW, batches of 16 classes x 4, random crops of 160 px and flips, in
float32 with the same number of threads, and both leave the first epoch out; ours with a backbone in bfloat16 is a row
of its own, which no ratio is of. The peer reads an image folder through torchvision and a DataLoader with 0, 1 or 2
workers, whichever is best; ours decodes once, which is told apart.
"""

import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from itertools import pairwise
from pathlib import Path

from PIL import Image

from benchmarks.measuring import ROOT, Result, answer, measure_sides, parser, report
from mlcore.config import Protocol
from mlcore.events import Event

CARS = ROOT.parent / "shared" / "data" / "cars196_160_24pc.zip"
PER_CLASS, SAMPLES = 16, 4
WORKERS = (0, 1, 2)
MUST_REACH = {500: 1.5, 160: 1.5}  # by the short side of the photographs
BFLOAT16 = "ours-bfloat16"


def main() -> None:
    """Print images a second of both sides, for large and for small photographs."""
    options = parser(__doc__)
    options.add_argument("--data", type=Path, default=CARS, help="zip of one folder of photographs a class")
    options.add_argument("--pictures", type=int, default=320, help="an epoch's (default: 320)")
    options.add_argument("--epochs", type=int, default=3, help="of each turn; the first is not counted")
    options.add_argument(
        "--sizes", type=int, nargs="+", default=list(MUST_REACH), help="short sides (default: 500 160)"
    )
    options.add_argument("--folder", type=Path, help="a folder of photographs, made by this program")
    chosen = options.parse_args()
    if chosen.side:
        name, _, workers = chosen.side.partition("-")
        protocol = _protocol(chosen.quick, chosen.epochs)
        if chosen.side == BFLOAT16:
            protocol = replace(protocol, precision="bfloat16")
        sides = {"ours": lambda: ours(chosen.folder, protocol), "peer": lambda: peer(chosen.folder, protocol, workers)}
        return answer({chosen.side: sides[name]}, chosen.side)
    if chosen.quick:
        chosen.pictures, chosen.epochs, chosen.sizes, chosen.repeats = 64, 2, [48], 1
    figures: dict[str, Result] = {}
    notes = [f"photographs: {chosen.data.name if chosen.data.exists() else 'none here, drawn wings'}"]
    for size in chosen.sizes:
        with _photographs(chosen.data, chosen.pictures, size) as folder:
            rows = _both(folder, chosen.epochs, chosen.repeats, quick=chosen.quick)
        best = max(
            (row for row in rows if row.startswith("peer")), key=lambda row: float(rows[row]["images_per_second"])
        )
        ratio = rows["ours"]["images_per_second"] / rows[best]["images_per_second"]
        notes.append(f"{size} px: {ratio:.2f} x {best} (must reach {MUST_REACH.get(size, '-')})")
        figures |= {f"{size} px, {row}": found for row, found in rows.items()}
    report(figures, notes, as_json=chosen.json)


def _both(folder: Path, epochs: int, repeats: int, *, quick: bool) -> dict[str, Result]:
    workers = WORKERS[:1] if quick else WORKERS
    arguments = ["--folder", str(folder), "--epochs", str(epochs), *(["--quick"] if quick else [])]
    sides = ("ours", *([] if quick else [BFLOAT16]), *(f"peer-{count}" for count in workers))
    return measure_sides("benchmarks.training_speed", sides, repeats, arguments)


def _protocol(quick: bool, epochs: int) -> Protocol:
    size = 32 if quick else 160
    return Protocol(
        name="speed",
        backbone="test_resnet" if quick else "mobilenetv2_100",
        weights="scratch",
        pooling="average",
        short_side=size,
        crop=size,
        batch_size=16 if quick else 64,
        samples_per_class=SAMPLES,
        epochs=epochs,
        warmup_epochs=0,
        proxy_rate_factor=1.0,
        schedule="constant",
        batch_norm="frozen-statistics",
    )


@contextmanager
def _photographs(data: Path, pictures: int, size: int) -> Iterator[Path]:
    """Yield a folder of JPEG photographs whose short side is `size`; those of the data are enlarged to it.

    `train` holds as many as asked for, `test` the one class more that a set needs to be measured on.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photographs"
        count = pictures + PER_CLASS
        for number, image in enumerate(_of_zip(data, count) if data.exists() else _wings(count)):
            scale = size / min(image.size)
            half = "train" if number < pictures else "test"
            target = folder / half / f"{half}-{number // PER_CLASS:03}" / f"{number:05}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            enlarged = (round(image.width * scale), round(image.height * scale))
            image.resize(enlarged, Image.Resampling.BICUBIC).save(target, quality=88)
        yield folder


def _of_zip(data: Path, pictures: int) -> Iterator[Image.Image]:
    with zipfile.ZipFile(data) as archive:
        by_class: dict[str, list[str]] = {}
        for name in sorted(archive.namelist()):
            if name.endswith(".jpg"):
                by_class.setdefault(name.rsplit("/", 1)[0], []).append(name)
        names = [name for members in by_class.values() for name in members[:PER_CLASS]]
        for name in names[:pictures]:
            yield Image.open(BytesIO(archive.read(name))).convert("RGB")


def _wings(pictures: int) -> Iterator[Image.Image]:
    from mlcore.datasets import open_source

    with open_source(f"wings:species={-(-pictures // PER_CLASS)},per_class={PER_CLASS},size=160") as source:
        for _, item in zip(range(pictures), source.items, strict=False):
            yield Image.open(BytesIO(item.read())).convert("RGB")


def ours(folder: Path, protocol: Protocol) -> Result:
    """Train by mlcore; the time to decode into the cache is a figure of its own."""
    from mlcore.datasets import import_pictures, load_dataset, open_source
    from mlcore.runs import RunSpec
    from mlcore.training.train import RunPaths, TrainingCallbacks, train

    _use_all_threads()
    rates: list[float] = []
    decoded = 0.0

    def hear(event: Event) -> None:
        nonlocal decoded
        if event["event"] == "epoch":
            rates.append(event["images_per_second"])
        elif event.get("phase") == "cache":
            decoded = time.perf_counter()

    with tempfile.TemporaryDirectory() as scratch:
        paths = RunPaths(Path(scratch) / "run", Path(scratch) / "work", Path(scratch) / "cache")
        spec = RunSpec(protocol=protocol, loss="multi_similarity")
        with open_source(str(folder)) as source:
            import_pictures(source, Path(scratch) / "set")
        started = time.perf_counter()
        train(spec, load_dataset(Path(scratch) / "set"), paths, callbacks=TrainingCallbacks(hear))
    return {"images_per_second": sum(rates[1:]) / len(rates[1:]), "decode_once_s": decoded - started}


def peer(folder: Path, protocol: Protocol, workers: str) -> Result:
    """Train by the peer's trainer; workers stay alive from the first epoch to the last."""
    from mlcore.networks.torchvision_compat import declare_missing_operators

    declare_missing_operators()
    import timm
    import torch
    from pytorch_metric_learning import losses, miners, samplers, trainers
    from torchvision import datasets, transforms

    _use_all_threads()
    torch.manual_seed(0)
    view = transforms.Compose(
        [
            transforms.RandomResizedCrop(protocol.crop, scale=(protocol.crop_scale, 1)),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )
    dataset = datasets.ImageFolder(str(folder / "train"), view)
    trunk = timm.create_model(protocol.backbone, pretrained=False, num_classes=0)
    head = torch.nn.Linear(int(trunk.num_features), protocol.dim)  # type: ignore[arg-type]
    batches = len(dataset) // protocol.batch_size
    marks: list[float] = [time.perf_counter()]
    trainer = trainers.MetricLossOnly(
        models={"trunk": trunk, "embedder": head},
        optimizers={
            "trunk_optimizer": torch.optim.AdamW(trunk.parameters(), protocol.learning_rate),
            "embedder_optimizer": torch.optim.AdamW(head.parameters(), protocol.learning_rate),
        },
        batch_size=protocol.batch_size,
        loss_funcs={"metric_loss": losses.MultiSimilarityLoss(2, 50, 0.5)},
        mining_funcs={"tuple_miner": miners.MultiSimilarityMiner(0.1)},
        dataset=dataset,
        sampler=samplers.MPerClassSampler(
            dataset.targets, SAMPLES, protocol.batch_size, protocol.epochs * batches * protocol.batch_size
        ),
        iterations_per_epoch=batches,
        dataloader_num_workers=int(workers),
        freeze_trunk_batchnorm=True,
        end_of_epoch_hook=lambda trainer: marks.append(time.perf_counter()),
    )
    trainer.train(num_epochs=protocol.epochs)
    rates = [batches * protocol.batch_size / (end - start) for start, end in pairwise(marks[1:])]
    return {"images_per_second": sum(rates) / len(rates)}


def _use_all_threads() -> None:
    import os

    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))


if __name__ == "__main__":
    main()
