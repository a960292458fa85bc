"""Training on a GPU, against the bare forward and backward on tensors that already lie there.

The bare loop has no pictures to load, crop or copy: what training reaches of it shows whether the loader
keeps up (at least 0.9). Exits with status 2 where there is no GPU.
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import Result, answer, measure_sides, parser, report
from mlcore.config import Protocol
from mlcore.events import Event

LOSS = "multi_similarity"
WARM_UP, STEPS = 5, 50


def main() -> int:
    """Print images a second of training and of the bare loop."""
    import torch

    options = parser(__doc__)
    options.add_argument("--backbone", default="resnet50")
    options.add_argument("--precision", default="bfloat16", choices=("float32", "bfloat16"))
    options.add_argument("--pictures", type=int, default=6400, help="an epoch's (default: 6400)")
    chosen = options.parse_args()
    if not torch.cuda.is_available():
        print("no GPU here: this figure can only be measured where there is one", file=sys.stderr)
        return 2
    protocol = _protocol(chosen.backbone, chosen.precision, quick=chosen.quick)
    pictures, repeats = (160, 1) if chosen.quick else (chosen.pictures, chosen.repeats)
    if chosen.side:
        answer({"training": lambda: training(protocol, pictures), "bare": lambda: bare(protocol)}, chosen.side)
        return 0
    arguments = ["--backbone", chosen.backbone, "--precision", chosen.precision, "--pictures", str(pictures)]
    arguments += ["--quick"] if chosen.quick else []
    found = measure_sides("benchmarks.gpu_training", ("training", "bare"), repeats, arguments)
    ratio = found["training"]["images_per_second"] / found["bare"]["images_per_second"]
    notes = [f"{torch.cuda.get_device_name()}, {protocol.backbone}, {protocol.precision}: {ratio:.2f} (>= 0.9)"]
    report(found, notes, as_json=chosen.json)
    return 0


def _protocol(backbone: str, precision: str, *, quick: bool) -> Protocol:
    return Protocol(
        name="gpu",
        backbone="test_resnet" if quick else backbone,
        weights="scratch",
        short_side=32 if quick else 256,
        crop=32 if quick else 224,
        batch_size=16 if quick else 128,
        epochs=3,
        warmup_epochs=0,
        batch_norm="frozen-statistics",
        precision=precision,
    )


def training(protocol: Protocol, pictures: int) -> Result:
    """Train on drawn wings; the first epoch, in which kernels are chosen, is not counted."""
    from mlcore.datasets import import_pictures, load_dataset, open_source
    from mlcore.runs import RunSpec
    from mlcore.training.train import RunPaths, TrainingCallbacks, train

    rates: list[float] = []

    def hear(event: Event) -> None:
        if event["event"] == "epoch":
            rates.append(event["images_per_second"])

    per_class = max(8, pictures // 50)
    # Half of the classes train.
    source_text = f"wings:species={2 * pictures // per_class},per_class={per_class},size={protocol.short_side}"
    with tempfile.TemporaryDirectory() as scratch:
        with open_source(source_text) as source:
            import_pictures(source, Path(scratch) / "set")
        paths = RunPaths(Path(scratch) / "run", Path(scratch) / "work", Path(scratch) / "cache")
        spec = RunSpec(protocol=protocol, loss=LOSS)
        train(spec, load_dataset(Path(scratch) / "set"), paths, callbacks=TrainingCallbacks(hear))
    return {"images_per_second": sum(rates[1:]) / len(rates[1:])}


def bare(protocol: Protocol) -> Result:
    """Repeat forward, loss, backward and optimiser step on one batch that lies on the GPU."""
    import torch

    from mlcore.images.preprocessing import Preprocessing
    from mlcore.inference.encode import Encoder
    from mlcore.losses import build_loss
    from mlcore.networks.backbones import load_backbone
    from mlcore.networks.embedder import Embedder
    from mlcore.training.optim import build_optimizer, prepare_for_epoch

    backbone, described = load_backbone(protocol.backbone, protocol.weights, None)
    embedder = Embedder(backbone, described, protocol.pooling, protocol.dim)
    seen = Preprocessing(protocol.short_side, protocol.crop, described.mean, described.std)
    encoder = Encoder(embedder, seen)
    classes = protocol.batch_size // protocol.samples_per_class
    loss = build_loss(LOSS, num_classes=classes, dim=protocol.dim).to(encoder.device)
    optimizer = build_optimizer(protocol, embedder, loss)
    prepare_for_epoch(protocol, embedder, 1)
    labels = torch.arange(protocol.batch_size, device=encoder.device) % classes
    images = torch.randn(protocol.batch_size, 3, protocol.crop, protocol.crop, device=encoder.device)
    images = images.contiguous(memory_format=torch.channels_last)
    for step in range(WARM_UP + STEPS):
        if step == WARM_UP:
            torch.cuda.synchronize()
            started = time.perf_counter()
        with torch.autocast("cuda", torch.bfloat16, enabled=protocol.precision == "bfloat16"):
            features = embedder.features(images)
        optimizer.zero_grad(set_to_none=True)
        loss(embedder.head(features), labels).backward()
        optimizer.step()
    torch.cuda.synchronize()
    return {"images_per_second": STEPS * protocol.batch_size / (time.perf_counter() - started)}


if __name__ == "__main__":
    sys.exit(main())
