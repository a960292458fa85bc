"""One process against two started by torchrun, the same global batch: the loss curves must agree to 1e-5.

On drawn wings, for a pair loss and for one with proxies; several BatchNorm-frozen epochs of every weight.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import ROOT, Result, parser, report
from mlcore.config import preset

LOSSES = ("multi_similarity", "soft_triple")
MOST_APART = 1e-5


def main() -> int:
    """Print the largest difference between the curves and the speeds; 1 when a curve is too far off."""
    options = parser(__doc__)
    options.add_argument("--epochs", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = _drawn(Path(scratch), quick=chosen.quick)
        losses, epochs = (LOSSES[:1], 1) if chosen.quick else (LOSSES, chosen.epochs)
        figures = {loss: _compared(loss, data, epochs) for loss in losses}
    worst = max(float(row["most_apart"]) for row in figures.values())
    notes = [f"largest difference of an epoch's loss: {worst:.1e} (at most {MOST_APART:.0e})"]
    report(figures, notes, as_json=chosen.json)
    return int(worst > MOST_APART)


def _drawn(folder: Path, *, quick: bool) -> Path:
    size, species = (32, 8) if quick else (64, 20)
    source = f"wings:species={species},per_class=12,size={size}"
    _python("-m", "mlcore", "datasets", source, "--out", str(folder / "wings"))
    small = {"backbone": "test_resnet", "short_side": 32, "crop": 32} if quick else {"short_side": 64, "crop": 64}
    protocol = preset("demo").with_changes(batch_norm="frozen-statistics", dim=32, **small)
    (folder / "protocol.json").write_text(json.dumps(protocol.to_json()))
    return folder


def _compared(loss: str, folder: Path, epochs: int) -> Result:
    one, two = (_trained(loss, folder, epochs, processes) for processes in (1, 2))
    return {
        "epochs": len(one),
        "last_loss": round(one[-1]["loss"], 6),
        "most_apart": max(abs(a["loss"] - b["loss"]) for a, b in zip(one, two, strict=True)),
        "images_per_second_1": one[-1]["images_per_second"],
        "images_per_second_2": two[-1]["images_per_second"],
    }


def _trained(loss: str, folder: Path, epochs: int, processes: int) -> list[Result]:
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m", "mlcore"]
    options = ["--data", folder / "wings", "--out", folder / f"{loss}-{processes}", "--cache", folder / "cache"]
    changes = ["--protocol", folder / "protocol.json", "--set", f"epochs={epochs}", "--events", "jsonl"]
    lines = _python(*launcher, "train", "--loss", loss, *map(str, options), *map(str, changes)).splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "epoch"]


def _python(*arguments: str) -> str:
    """Run Python with one thread a process: two processes on two cores have no more."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{ended.stderr}")
    return ended.stdout


if __name__ == "__main__":
    sys.exit(main())
