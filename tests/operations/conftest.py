from pathlib import Path

import pytest
from pytest_django import Settings

from config import health
from operations.services import readings
from operations.services.bounded import Bounded
from tests.operations.scrapes import TOKEN


@pytest.fixture
def scraping(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `/metrics` answer who has the token, and nothing be known of other tests."""
    settings.METRICS_TOKEN = TOKEN
    Path(settings.MEDIA_ROOT).mkdir(parents=True)
    monkeypatch.setattr(health, "_health", health._Health())
    monkeypatch.setattr(readings, "_checks", Bounded("health", health.results))
    monkeypatch.setattr(readings, "_jobs", Bounded("jobs", readings.job_figures))
