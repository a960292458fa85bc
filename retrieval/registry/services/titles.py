"""What losses and baselines are called."""

from mlcore.losses import LOSSES
from mlcore.runs import BASELINE_TITLES


def loss_titles() -> dict[str, str]:
    """Return the title of every loss and baseline by name."""
    return {name: spec.title for name, spec in LOSSES.items()} | BASELINE_TITLES
