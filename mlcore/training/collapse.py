"""Warnings of embeddings that collapse to a point, from the metrics of an epoch, and what to try then."""

from collections.abc import Mapping
from typing import Any

from mlcore.losses import loss_spec

# Measured on drawn butterflies (32 species of 16 pictures, a small network from random weights, ten epochs). Hard
# triplets collapse to a mean cosine of 0.98 to 1.00 between classes, and pictures of one class lie 0.002 or less
# nearer to each other. The first alone tells nothing: contrastive and Proxy-Anchor learn well at 0.95 to 0.97, and
# at a rate ten times as high at 0.98, but there the classes are soon 0.006 and more apart. Any network may begin
# collapsed, and leaves it within an epoch or two if it learns: only two in a row are called a collapse.
NEAR = 0.95
APART = 0.005


def collapse_warnings(loss: str, event: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    """Return a sentence if the space lies collapsed after an epoch and after the one before; else nothing.

    loss: a name of LOSSES. event, before: of both epochs, with positive_cosine and negative_cosine.
    """
    if before is None or not (_lies_collapsed(event) and _lies_collapsed(before)):
        return []
    return [
        f"the space collapses: pictures of different classes have a mean cosine of {event['negative_cosine']:.4f}, "
        f"those of one class of {event['positive_cosine']:.4f}. Try {_ways_out(loss)}"
    ]


def _lies_collapsed(event: Mapping[str, Any]) -> bool:
    negative = event.get("negative_cosine", 0.0)
    return bool(negative > NEAR and event["positive_cosine"] - negative < APART)


def _ways_out(loss: str) -> str:
    lower = "a lower learning_rate"
    if loss == "triplet_hard":  # the hardest of many negatives draw all pictures together
        return f"{lower}, a smaller batch_size (fewer negatives to choose the hardest from), or triplet_semi_hard"
    if loss_spec(loss).has_proxies:
        return f"{lower} with a higher proxy_rate_factor, or a larger batch_size"
    return f"{lower}, or more classes a batch: a larger batch_size or fewer samples_per_class"
