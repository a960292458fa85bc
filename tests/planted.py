"""A metric and a loss that are in their tables for one test: whatever lists them must show them, untold."""

import pytest

from mlcore.evaluation.metric_table import METRICS, Metric, Place, r_precision
from mlcore.losses import LOSSES, LossSpec, Parameter

NAME, TITLE, MEANING = "planted", "Planted@R", "Share of planted results."
VALUE, LOW, HIGH = 0.4375, 0.375, 0.5
SHOWN = "43.8"  # as pages write the value


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> str:
    """Put it last into the table, shown everywhere; return its name."""
    metric = Metric(title=TITLE, meaning=MEANING, shown=frozenset(Place), score=r_precision)
    monkeypatch.setitem(METRICS, NAME, metric)
    return NAME


LOSS, LOSS_TITLE, LOSS_IDEA = "planted", "Planted loss", "Cosines between classes, less those within."


@pytest.fixture
def planted_loss(monkeypatch: pytest.MonkeyPatch) -> str:
    """Put it last into the table of losses; return its name. It has no stored animation."""
    row = LossSpec(
        title=LOSS_TITLE,
        family="pairs",
        paper="Planter, A Loss for One Test, 2026",
        idea=LOSS_IDEA,
        formula=r"\mathcal{L} = 3 + w",
        symbols={r"\mathcal{L}": "the loss of a batch"},
        parameters={"weight": Parameter(2.0, above=0, meaning="weight of the cosines (w)")},
        letters={"weight": "w"},
        sampler="balanced",
        has_proxies=False,
        target="tests.planted_loss:PlantedLoss",
    )
    monkeypatch.setitem(LOSSES, LOSS, row)
    return LOSS
