"""A whole search over HTTP, beside what it cannot do without: the forward pass of its network.

The site is the real one, served as the Procfile says, in a temporary folder with a database of its own: MobileNetV2 at
160 px, three heads on one frozen trunk. In the same run, in turns: this code, an earlier commit, a minimal server, and
the bare forward pass in torch and in ONNX Runtime, each on one thread. `--siege SECONDS` searches with 64 clients while
indexes are exchanged and a model is published instead.
"""

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measuring import ROOT, Result, answer, measure_sides, parser, report
from benchmarks.search_clients import Load, Outcome, run
from benchmarks.search_siege import siege
from benchmarks.search_site import PORT, Api, Contents, SearchSite, environment_of, make_site, process

SHARED = ROOT.parent / "shared" / "data"
BEFORE = "d4e5f94"  # served searches one by one, through WSGI
NONE = "none"
CLIENTS = 16
PEOPLE = 64
QUERIES = 40  # pictures that clients search with in turn
LOSSES = ("proxy_anchor", "soft_triple", "multi_similarity")
EARLIER = ("proxy_anchor",)
READY_SECONDS = 300


@dataclass(frozen=True)
class Size:
    """How much is measured. pictures: (species, pictures of each), where wings are drawn."""

    pictures: tuple[int, int]
    alone: int  # searches of one client
    together: int  # searches of each of the clients at once
    passes: int


FULL = Size((100, 50), alone=200, together=40, passes=100)
QUICK = Size((6, 8), alone=4, together=1, passes=3)


def main() -> None:
    """Print the figures of every side, and which were to be reached."""
    options = parser(__doc__)
    options.add_argument("--against", help=f"commit to compare with, or none (default: {BEFORE}; none with --quick)")
    options.add_argument("--data", type=Path, default=SHARED / "cars196_160_24pc.zip", help="archive of pictures")
    options.add_argument("--weights", type=Path, default=SHARED / "mobilenetv2_100.imagenet.safetensors")
    options.add_argument("--siege", type=float, metavar="SECONDS", help="search while indexes are exchanged, so long")
    options.add_argument("--model", type=Path, help="folder of the model whose forward pass a side measures")
    chosen = options.parse_args()
    size = QUICK if chosen.quick else FULL
    against = chosen.against or (NONE if chosen.quick else BEFORE)
    sides: dict[str, Callable[[], Result]] = {
        "torch": partial(torch_pass, chosen.model, size.passes),
        "onnx": partial(onnx_pass, chosen.model, size.passes),
    }
    if chosen.side:
        return answer(sides, chosen.side)
    with tempfile.TemporaryDirectory(prefix="search-path-") as scratch:
        folder = Path(scratch)
        contents, about = contents_of(chosen.data, chosen.weights, size, quick=chosen.quick)
        here = made(ROOT, folder / "here", contents)
        if chosen.siege:
            figures, notes = siege(here, here.pictures(QUERIES), chosen.siege)
            return report(figures, [about, *notes], as_json=chosen.json)
        measured: dict[str, Callable[[], Result]] = {"this code": partial(measure, here, size)}
        if against != NONE:
            code = checked_out(against, folder / "code")
            before = made(code, folder / "before", replace(contents, losses=EARLIER))
            measured[against] = partial(measure, before, size)
        measured["minimal server"] = partial(measure_minimal, here, size)
        figures = in_turns(measured, here.stored_model, 1 if chosen.quick else chosen.repeats, quick=chosen.quick)
    report(figures, [about, *verdicts(figures, against)], as_json=chosen.json)


def contents_of(data: Path, weights: Path, size: Size, *, quick: bool) -> tuple[Contents, str]:
    """Return what both sites hold, and a sentence about it."""
    species, each = size.pictures
    photographs = data.exists() and not quick
    source = str(data) if photographs else f"wings:species={species},per_class={each},size=160"
    about = f"Pictures: {data.name}." if photographs else f"Pictures: {species * each} drawn wings."
    about += f" Weights: {weights.name}." if weights.exists() else " Weights: random, which take as long."
    changes = {"epochs": 1, "batch_size": 16 if quick else 120, "dim": 16 if quick else 512}
    return Contents(source, weights if weights.exists() else None, LOSSES, changes, PEOPLE), about


def made(root: Path, var: Path, contents: Contents) -> SearchSite:
    """Return a site of the code in `root`, in a new folder."""
    var.mkdir(parents=True)
    return make_site(root, var, contents)


def checked_out(commit: str, folder: Path) -> Path:
    """Return the folder with the code of a commit; what npm installed is that of this code."""
    git = shutil.which("git")
    if git is None:
        raise SystemExit("git is not installed; leave the earlier commit out with --against none")
    packed = subprocess.run([git, "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode != 0:
        raise SystemExit(f"there is no commit {commit} here; name another with --against: {packed.stderr.decode()}")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    (folder / "node_modules").symlink_to((ROOT / "node_modules").resolve())
    return folder


def in_turns(measured: dict[str, Callable[[], Result]], model: Path, repeats: int, *, quick: bool) -> dict[str, Result]:
    """Measure every side in turns, A B A B; return the medians."""
    arguments = ["--model", str(model), *(["--quick"] if quick else [])]
    turns: list[dict[str, Result]] = []
    for _ in range(repeats):
        passes = measure_sides("benchmarks.search_path", ["torch", "onnx"], 1, arguments)
        named = {"torch, forward pass": passes["torch"], "ONNX Runtime, forward pass": passes["onnx"]}
        turns.append(named | {name: side() for name, side in measured.items()})
    return {
        name: {key: round(median(turn[name][key] for turn in turns), 2) for key in row}
        for name, row in turns[0].items()
    }


def measure(site: SearchSite, size: Size) -> Result:
    """Return the figures of a site, served anew."""
    began = time.monotonic()
    with site.served() as port:
        load = Load(port, 1, site.pictures(QUERIES), site.tokens, site.dataset, site.models[:1], searches=1)
        await_ready(Api(port, site.tokens[0]))
        ready_s = time.monotonic() - began
        first = searched(load)
        return {
            **figures_of(load, size),
            **three_models(load, site.models, size),
            "first_ms": first.ms[0],
            "ready_s": ready_s,
        }


def three_models(load: Load, models: Sequence[int], size: Size) -> Result:
    """Return the figure of all models at once; none where the site has one."""
    if len(models) < 2:
        return {}
    every = replace(load, models=models)
    searched(every)
    return {"three_models_p50_ms": searched(replace(every, searches=size.alone)).percentile(50)}


def figures_of(load: Load, size: Size) -> Result:
    """Return the milliseconds of one client, and what many at once get."""
    searched(replace(load, searches=min(20, size.alone)))  # caches fill
    alone = searched(replace(load, searches=size.alone))
    together = searched(replace(load, clients=CLIENTS, searches=size.together))
    return {
        "p50_ms": alone.percentile(50),
        "p95_ms": alone.percentile(95),
        "clients_per_s": together.per_second,
        "clients_p95_ms": together.percentile(95),
    }


def searched(load: Load) -> Outcome:
    """Return what came of a load, of which every search must have succeeded."""
    outcome = run(load)
    if set(outcome.statuses) != {"201"}:
        raise SystemExit(f"not every search succeeded: {dict(outcome.statuses)} {outcome.examples}")
    return outcome


def await_ready(api: Api) -> None:
    """Wait until a site says that it is ready; one that has no such page is taken at its word."""
    until = time.monotonic() + READY_SECONDS
    while api.status("/readyz") == 503:
        if time.monotonic() > until:
            raise SystemExit(f"the site was not ready after {READY_SECONDS} s")
        time.sleep(0.1)


def measure_minimal(site: SearchSite, size: Size) -> Result:
    """Return the figures of the minimal server with the same network and as many vectors."""
    count = len(site.pictures(10**9))
    command = [sys.executable, "-m", "benchmarks.minimal_server", "--model", str(site.stored_model)]
    command += ["--vectors", str(count), "--port", PORT]
    environment = environment_of(ROOT, site.var)
    with process(command, ROOT, environment, site.var / "minimal.log") as port:
        return figures_of(Load(port, 1, site.pictures(QUERIES), searches=1), size)


def torch_pass(model: Path, passes: int) -> Result:
    """Time the network alone, one picture, one thread."""
    import torch

    embedder, pixels = _network(model)
    with torch.inference_mode():
        return {"p50_ms": _median_ms(lambda: embedder(pixels), passes)}


def onnx_pass(model: Path, passes: int) -> Result:
    """Time the same network, exported, in ONNX Runtime on one thread."""
    import onnxruntime
    import torch

    embedder, pixels = _network(model)
    exported = io.BytesIO()
    with torch.inference_mode():
        torch.onnx.export(embedder, (pixels,), exported, input_names=["pixels"], dynamo=False)  # type: ignore[arg-type]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(exported.getvalue(), options, providers=["CPUExecutionProvider"])
    sent = {"pixels": pixels.contiguous().numpy()}
    return {"p50_ms": _median_ms(lambda: session.run(None, sent), passes)}


def _network(model: Path) -> tuple[Any, Any]:
    """Return a stored network and one picture for it, [1, 3, crop, crop]."""
    import torch

    from mlcore.inference.encode import Encoder
    from mlcore.inference.model_files import load_encoder

    torch.set_num_threads(1)
    encoder = load_encoder(model)
    if not isinstance(encoder, Encoder):
        raise SystemExit(f"{model} holds no network of torch")
    crop = encoder.preprocessing.crop
    pixels = torch.rand(1, 3, crop, crop).to(memory_format=torch.channels_last)
    return encoder.embedder, pixels


def _median_ms(work: Callable[[], object], passes: int) -> float:
    taken = []
    for _ in range(passes // 5 + 1):  # the first passes choose algorithms
        work()
    for _ in range(passes):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return median(taken)


def verdicts(figures: dict[str, Result], against: str) -> list[str]:
    """Return a line for each figure that was to be reached."""
    here = figures["this code"]
    forward, onnx = figures["torch, forward pass"]["p50_ms"], figures["ONNX Runtime, forward pass"]["p50_ms"]
    fair = 1000 * CLIENTS / here["clients_per_s"]
    lines = [
        _line("whole search, p50, against torch's forward pass", here["p50_ms"] / forward, "at most", 1.0),
        _line("the same against ONNX Runtime's forward pass", here["p50_ms"] / onnx, "at most", 3.0),
        _line("three models on one trunk against one", here["three_models_p50_ms"] / here["p50_ms"], "at most", 1.15),
        _line(f"p95 of {CLIENTS} clients against the fair wait", here["clients_p95_ms"] / fair, "at most", 1.5),
        _line("first search after a start against a warm one", here["first_ms"] / here["p50_ms"], "at most", 1.5),
    ]
    if against in figures:
        gain = here["clients_per_s"] / figures[against]["clients_per_s"]
        lines.append(_line(f"searches/s of {CLIENTS} clients against {against}", gain, "at least", 4.0))
    minimal = figures["minimal server"]
    lines.append(
        f"beside the minimal server: p50 {here['p50_ms'] / minimal['p50_ms']:.2f} x,"
        f" searches/s of {CLIENTS} clients {here['clients_per_s'] / minimal['clients_per_s']:.2f} x"
    )
    return lines


def _line(what: str, seen: float, bound: str, wanted: float) -> str:
    reached = seen <= wanted if bound == "at most" else seen >= wanted
    return f"{what}: {seen:.2f} x ({bound} {wanted:g} x: {'reached' if reached else 'not reached'})"


if __name__ == "__main__":
    main()
