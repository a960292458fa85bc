import pytest

from tests.kindred_client.scripted import JOB, gives
from tests.kindred_client.shell import METRICS, MODEL, Routes, page, run, told

INDEX = {"id": 6, "model": 3, "dataset": 4, "active": True, "count": 48}


@pytest.fixture
def lab(site: Routes) -> Routes:
    site["GET /models/"] = page(MODEL)
    site["GET /metrics/"] = gives(METRICS)
    site["GET /models/3/"] = MODEL
    site["POST /models/3/publish/"] = {**MODEL, "published": True}
    site["GET /indexes/"] = page(INDEX)
    return site


def test_models_are_listed_with_what_they_were_measured_at(lab: Routes) -> None:
    assert "42.00 [38.00, 46.00]" in run(lab, "models", "list").stdout
    words = ("models", "list", "--dataset", "wings", "--loss", "soft_triple", "--unpublished", "--json")
    assert told(run(lab, *words)) == [MODEL]
    asked = lab.requests[-1].url.params
    assert (asked["dataset"], asked["loss"], asked["published"]) == ("4", "soft_triple", "false")
    lab["GET /models/"] = page({**MODEL, "metrics": None})
    assert run(lab, "models", "list").exit_code == 0


def test_a_metric_that_the_site_lists_is_a_column(lab: Routes) -> None:
    planted = {"name": "planted", "title": "Planted@R", "scale": "share", "headline": False, "shown": ["summary"]}
    lab["GET /metrics/"] = gives([*METRICS, planted])
    metrics = {**MODEL["metrics"], "planted": 0.4375, "intervals": {"planted": [0.375, 0.5]}}
    lab["GET /models/"] = page({**MODEL, "metrics": metrics})
    head, line = run(lab, "models", "list").stdout.splitlines()
    assert head.split()[-3:] == ["Recall@1", "MAP@R", "Planted@R"] and "43.75 [37.50, 50.00]" in line


@pytest.mark.parametrize("called", ["SoftTriple", "3"])
def test_a_model_whose_index_serves_is_published(lab: Routes, called: str) -> None:
    found = told(run(lab, "models", "activate", called, "--json"))
    assert found == {"model": {**MODEL, "published": True}, "index": INDEX}
    assert not lab.asked("POST /indexes/")


def test_a_model_that_is_published_stays_so(lab: Routes) -> None:
    lab["GET /models/3/"] = {**MODEL, "published": True}
    assert "is published" in run(lab, "models", "activate", "3").stderr
    assert not lab.asked("POST /models/3/publish/")


def test_an_index_is_built_where_there_is_none(lab: Routes) -> None:
    lab["GET /indexes/"] = page()
    lab["POST /indexes/"] = gives(JOB, 202)
    lab["GET /jobs/7/"] = {**JOB, "state": "succeeded", "result": {"index": 6}}
    lab["GET /indexes/6/"] = INDEX
    assert told(run(lab, "models", "activate", "3", "--json"))["index"] == INDEX
    assert lab.asked("POST /indexes/") == [{"model": 3}]
    lab["GET /jobs/7/"] = {**JOB, "state": "failed", "error": "disk full"}
    lab.requests.clear()
    assert run(lab, "models", "activate", "3").exit_code == 7
    assert not lab.asked("POST /models/3/publish/")


def test_the_newest_serves_where_none_does(lab: Routes) -> None:
    lab["GET /indexes/"] = page({**INDEX, "id": 8, "active": False}, {**INDEX, "active": False})
    lab["POST /indexes/8/activate/"] = {**INDEX, "id": 8}
    assert told(run(lab, "models", "activate", "3", "--json"))["index"]["id"] == 8


def test_an_older_index_is_chosen_if_it_is_the_models_own(lab: Routes) -> None:
    lab["GET /indexes/5/"] = {**INDEX, "id": 5, "active": False}
    lab["POST /indexes/5/activate/"] = {**INDEX, "id": 5}
    assert told(run(lab, "models", "activate", "3", "--index", "5", "--json"))["index"]["id"] == 5
    lab["GET /indexes/5/"] = {**INDEX, "id": 5, "model": 9}
    found = run(lab, "models", "activate", "3", "--index", "5")
    assert found.exit_code == 2 and "belongs to model 9" in found.stderr


def test_models_of_one_name_are_told_apart_by_id(lab: Routes) -> None:
    lab["GET /models/"] = page(MODEL, {**MODEL, "id": 9})
    found = run(lab, "models", "activate", "SoftTriple")
    assert found.exit_code == 2 and "3 (SoftTriple), 9 (SoftTriple)" in found.stderr
