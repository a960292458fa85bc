"""A metric that is in the table for one test: whatever lists metrics must show it, and nothing else was told of it."""

import pytest

from mlcore.evaluation.metric_table import METRICS, Metric, Place, r_precision

NAME, TITLE, MEANING = "planted", "Planted@R", "Share of planted results."
VALUE, LOW, HIGH = 0.4375, 0.375, 0.5
SHOWN = "43.8"  # as pages write the value


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> str:
    """Put it last into the table, shown everywhere; return its name."""
    metric = Metric(title=TITLE, meaning=MEANING, shown=frozenset(Place), score=r_precision)
    monkeypatch.setitem(METRICS, NAME, metric)
    return NAME
