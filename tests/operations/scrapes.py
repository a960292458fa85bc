"""A scrape of `/metrics`, as Prometheus makes it, and its samples."""

from django.http import HttpResponse
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "a-token-of-a-test-that-nobody-guesses"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(authorization: str = f"Bearer {TOKEN}", **headers: str) -> HttpResponse:
    sent = {"host": "10.0.0.7:8000", "authorization": authorization, **headers}  # as a scraper calls it
    answer = Client().get("/metrics", headers=sent)
    assert isinstance(answer, HttpResponse)
    return answer


def parsed(text: str) -> Samples:
    """Return the samples by name and sorted labels; one that is there twice is a fault."""
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, key
            samples[key] = sample.value
    return samples


def scraped() -> Samples:
    answer = scrape()
    assert answer.status_code == 200
    return parsed(answer.content.decode())


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample; 0 where nothing was observed yet."""
    return samples.get((name, tuple(sorted(labels.items()))), 0)
