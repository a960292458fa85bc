"""All ranking metrics of a data set of SOP's size, against pytorch-metric-learning's AccuracyCalculator.

60,502 embeddings of 512 dimensions in 11,316 classes, drawn so that about two queries in three meet their
own class first. The peer computes P@1, R-Precision and MAP@R; ours adds Recall@1, 10, 100 and 1000.
"""

import time
from typing import Any

import numpy as np

from benchmarks.measuring import Result, answer, measure_sides, parser, report

PER_CLASS = 60_502 / 11_316
NOISE = 2.2  # of a picture, in units of the spread of its class's centre: sets how hard retrieval is
ROWS_AT_ONCE = 1024


def main() -> None:
    """Print seconds, peak memory and the figures of both sides, which must agree."""
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, default=60_502)
    chosen = options.parse_args()
    pictures, repeats = (600, 1) if chosen.quick else (chosen.pictures, chosen.repeats)
    if chosen.side:
        return answer({"ours": lambda: ours(pictures), "peer": lambda: peer(pictures)}, chosen.side)
    found = measure_sides("benchmarks.ranking_metrics", ("ours", "peer"), repeats, ["--pictures", str(pictures)])
    apart = max(abs(found["ours"][name] - found["peer"][name]) for name in ("p_at_1", "r_precision", "map_at_r"))
    notes = [
        f"{pictures} pictures; speed: {found['peer']['seconds'] / found['ours']['seconds']:.2f} x the peer's (>= 1.5)",
        f"largest difference of a figure: {apart:.1e} (the peer ranks by single-precision scores)",
        f"the peer searches with {found['peer'].pop('search')}",
    ]
    report(found, notes, as_json=chosen.json)


def drawn(pictures: int) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, np.dtype[np.int64]]]:
    """Return embeddings [N, 512] and labels [N], the same in every process."""
    random = np.random.default_rng(0)
    classes = max(2, round(pictures / PER_CLASS))
    labels = np.sort(np.arange(pictures) % classes)
    centres = random.standard_normal((classes, 512), np.float32)
    return centres[labels] + NOISE * random.standard_normal((pictures, 512), np.float32), labels


def ours(pictures: int) -> Result:
    """Measure with mlcore."""
    from mlcore.evaluation.metrics import retrieval_metrics

    embeddings, labels = drawn(pictures)
    started = time.perf_counter()
    found = retrieval_metrics(embeddings, labels, [k for k in (1, 10, 100, 1000) if k < pictures])
    seconds = time.perf_counter() - started
    means = found.means
    scores = {"p_at_1": means["precision_at_1"], "r_precision": means["r_precision"], "map_at_r": means["map_at_r"]}
    return {"seconds": seconds, **scores}


def peer(pictures: int) -> Result:
    """Measure with the peer, searching with faiss where it is installed, as the peer does by default."""
    import torch
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    search, name = _search()
    embeddings, labels = drawn(pictures)
    calculator = AccuracyCalculator(
        include=("precision_at_1", "r_precision", "mean_average_precision_at_r"),
        k="max_bin_count",
        device=torch.device("cpu"),
        knn_func=search,
    )
    started = time.perf_counter()
    found = calculator.get_accuracy(torch.from_numpy(embeddings), torch.from_numpy(labels))
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "p_at_1": found["precision_at_1"],
        "r_precision": found["r_precision"],
        "map_at_r": found["mean_average_precision_at_r"],
        "search": name,
    }


def _search() -> tuple[Any, str]:
    from importlib.util import find_spec

    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.utils.inference import CustomKNN, FaissKNN

    if find_spec("faiss"):
        import faiss

        return FaissKNN(index_init_fn=faiss.IndexFlatIP), f"faiss {faiss.__version__}"
    return CustomKNN(CosineSimilarity(), batch_size=ROWS_AT_ONCE), f"its own torch search, {ROWS_AT_ONCE} rows at once"


if __name__ == "__main__":
    main()
