"""Every loss with proxies at the size of SOP, forward and backward, against pytorch-metric-learning's of the same name.

11,318 classes, 512 dimensions, batch 120, 10 centres where a class has several. SoftTriple's peer does not fit there
and the potential field has none: the first is measured against it in soft_triple_head, both alone here.
"""

from collections.abc import Callable, Mapping

from benchmarks.heads import CENTRES, DIM, FULL, above_start, timed_head
from benchmarks.measuring import Result, answer, measure_sides, parser, report, run_sides

GIGABYTES = 4  # what every head must fit into, the process included
PEERS: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "proxy_nca_plus_plus": ("ProxyNCALoss", {"softmax_scale": 9}),
    "proxy_anchor": ("ProxyAnchorLoss", {"margin": 0.1, "alpha": 32}),
    "normalized_softmax": ("NormalizedSoftmaxLoss", {"temperature": 0.05}),
    "cos_face": ("CosFaceLoss", {"margin": 0.35, "scale": 64}),
    "arc_face": ("ArcFaceLoss", {"margin": 28.6, "scale": 64}),
    "sub_center_arc_face": ("SubCenterArcFaceLoss", {"margin": 28.6, "scale": 64, "sub_centers": CENTRES}),
}


def main() -> None:
    """Print seconds a step and memory of every head, and the ratios to its peer."""
    options = parser(__doc__)
    options.add_argument("--classes", type=int, default=FULL)
    chosen = options.parse_args()
    classes = 30 if chosen.quick else chosen.classes
    sides = _sides(classes)
    if chosen.side:
        return answer(sides, chosen.side)
    if chosen.quick:
        found = run_sides(sides)
    else:
        found = measure_sides("benchmarks.proxy_heads", tuple(sides), chosen.repeats, ["--classes", str(classes)])
    above_start(found)
    notes = [_ratios(name, found[name], found[f"{name}, peer"]) for name in PEERS]
    largest = max(row["peak_mib"] for name, row in found.items() if not name.endswith("peer")) / 1024
    notes.append(f"the largest of ours takes {largest:.2f} GiB in all (<= {GIGABYTES} GB)")
    report(found, notes, as_json=chosen.json)


def _sides(classes: int) -> dict[str, Callable[[], Result]]:
    from mlcore.losses import LOSSES

    sides: dict[str, Callable[[], Result]] = {}
    for name in (name for name, spec in LOSSES.items() if spec.has_proxies):
        sides[name] = lambda name=name: ours(name, classes)  # type: ignore[misc]
        if name in PEERS:
            sides[f"{name}, peer"] = lambda name=name: peer(name, classes)  # type: ignore[misc]
    return sides


def ours(name: str, classes: int) -> Result:
    """Measure mlcore's loss."""
    from mlcore.losses import LOSSES, build_loss

    several = {"centers": CENTRES} if "centers" in LOSSES[name].parameters else {}
    return timed_head(build_loss(name, num_classes=classes, dim=DIM, **several), classes)


def peer(name: str, classes: int) -> Result:
    """Measure the peer's loss at the same parameters."""
    from pytorch_metric_learning import losses

    title, params = PEERS[name]
    return timed_head(getattr(losses, title)(num_classes=classes, embedding_size=DIM, **params), classes)


def _ratios(name: str, one: Result, other: Result) -> str:
    speed, memory = (other[key] / one[key] for key in ("seconds_a_step", "above_start_mib"))
    return f"{name}: {speed:.2f} x the peer's speed, {1 / memory:.2f} of its memory"


if __name__ == "__main__":
    main()
