"""SoftTriple forward and backward at the size of SOP, against pytorch-metric-learning's.

11,318 classes, 10 centres each, 512 dimensions, batch 120, both with the term that merges centres. The
peer builds a mask and similarities of all pairs of centres, (C K)^2; ours C K^2. At the full size the
peer's need 12.8 GB as booleans and 51.2 GB as float32, so the ratio is measured at a size that it survives.
"""

from benchmarks.heads import CENTRES, DIM, FULL, above_start, timed_head
from benchmarks.measuring import Result, answer, measure_sides, parser, report


def main() -> None:
    """Print seconds a step and memory of both sides at one size, and of ours at the full size."""
    options = parser(__doc__)
    options.add_argument("--classes", type=int, default=2000, help="where both are measured (default: 2000)")
    options.add_argument("--full", type=int, default=FULL, help="where ours alone is (default: 11318)")
    chosen = options.parse_args()
    classes, full, repeats = (20, 30, 1) if chosen.quick else (chosen.classes, chosen.full, chosen.repeats)
    sides = {
        "ours": lambda: ours(classes),
        "peer": lambda: peer(classes),
        "ours, full size": lambda: ours(full),
    }
    if chosen.side:
        return answer(sides, chosen.side)
    found = measure_sides(
        "benchmarks.soft_triple_head", tuple(sides), repeats, ["--classes", str(classes), "--full", str(full)]
    )
    above_start(found)
    one, other = found["ours"], found["peer"]
    mask, cosines = ((FULL * CENTRES) ** 2 * size / 1e9 for size in (1, 4))
    notes = [
        f"{classes} classes: {other['seconds_a_step'] / one['seconds_a_step']:.1f} x the peer's speed,"
        f" {one['above_start_mib'] / other['above_start_mib']:.3f} of its memory (<= 0.1)",
        f"at {FULL} classes the peer's mask and similarities are {mask:.1f} + {cosines:.1f} GB, before any gradient",
    ]
    report(found, notes, as_json=chosen.json)


def ours(classes: int) -> Result:
    """Measure mlcore's loss."""
    from mlcore.losses import build_loss

    return timed_head(build_loss("soft_triple", num_classes=classes, dim=DIM, centers=CENTRES), classes)


def peer(classes: int) -> Result:
    """Measure the peer's loss with its regularizer, at the paper's weight."""
    from pytorch_metric_learning.losses import SoftTripleLoss
    from pytorch_metric_learning.regularizers import SparseCentersRegularizer

    regularizer = SparseCentersRegularizer(classes, CENTRES)
    loss = SoftTripleLoss(
        classes, DIM, centers_per_class=CENTRES, weight_regularizer=regularizer, weight_reg_weight=0.2
    )
    return timed_head(loss, classes)


if __name__ == "__main__":
    main()
