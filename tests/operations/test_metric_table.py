"""The table of metrics is what the documents say, and what Prometheus expects of names."""

import pytest

from config.metrics import METRICS
from tools import docs_tables


def test_the_document_lists_every_metric() -> None:
    text = docs_tables.DEPLOY.read_text()
    assert text == docs_tables.with_metrics(text), "run: python -m tools.docs_tables"
    assert all(f"| `{name}` |" in text for name in METRICS)


def test_a_missing_metric_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = docs_tables.DEPLOY.read_text()
    monkeypatch.delitem(METRICS, "kindred_jobs")
    assert text != docs_tables.with_metrics(text)


@pytest.mark.parametrize("name", METRICS)
def test_names_tell_the_site_the_kind_and_the_unit(name: str) -> None:
    metric = METRICS[name]
    assert name.startswith("kindred_") and name.endswith("_total") == (metric.kind == "counter")
    assert metric.kind != "histogram" or name.endswith("_seconds")
    assert not {"id", "path", "url", "user", "email", "name"} & set(metric.labels)
