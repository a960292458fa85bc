from pathlib import Path
from typing import Any

import httpx
import pytest

from kindred_client.cli.names import settings_of
from tests.kindred_client.scripted import JOB, gives, refuses
from tests.kindred_client.shell import METRICS, MODEL, Routes, run, told

ESTIMATE = {"seconds": 125.0, "runs": 4, "each": {}, "source": "measured"}
DONE = {**JOB, "state": "succeeded"}
FIGURES = {"recall_at_1": {"mean": 0.71, "sd": 0.01}, "map_at_r": {"mean": 0.42, "sd": None, "low": 0.38, "high": 0.46}}
ROW = {"title": "SoftTriple", "loss": "soft_triple", "seeds": [0, 1], "best": True, "level_with_best": False,
       "metrics": FIGURES}  # fmt: skip
REPORT = {"rows": [ROW], "failed": {"arcface-s0": "it diverged"}}
TRAIN = ("train", "--dataset", "wings", "--loss", "soft_triple", "--preset", "demo")
COMPARE = ("compare", "--dataset", "wings", "--loss", "soft_triple", "--loss", "arcface", "--preset", "demo")


def experiment(*states: str) -> dict[str, Any]:
    runs = [
        {"id": 20 + place, "loss": "soft_triple", "seed": place, "state": state, "job": 7, "model": 3, "tuned": False,
         "metrics": MODEL["metrics"] if state == "succeeded" else None}
        for place, state in enumerate(states)
    ]  # fmt: skip
    return {"id": 2, "name": "Two", "runs": runs, "tunings": []}


@pytest.fixture
def lab(site: Routes) -> Routes:
    site["POST /experiments/estimate/"] = ESTIMATE
    site["POST /experiments/"] = gives(experiment("queued", "queued"), 202)
    site["GET /experiments/2/"] = [experiment("running", "queued"), experiment("succeeded", "succeeded")]
    site["POST /experiments/2/report/"] = gives(JOB, 202)
    site["GET /jobs/7/"] = DONE
    site["GET /metrics/"] = gives(METRICS)
    site["GET /experiments/2/report/"] = REPORT
    site["GET /experiments/2/report/csv/"] = httpx.Response(200, text="loss,map_at_r\n")
    return site


def test_a_loss_is_trained_and_what_it_was_measured_at_is_shown(lab: Routes) -> None:
    found = run(lab, *TRAIN, "--seed", "0", "--seed", "1", "--set", "epochs=2", "--param", "gamma=0.2")
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert lines[0].split() == ["run", "loss", "seed", "state", "model", "Recall@1", "MAP@R"]
    assert "71.00" in lines[1] and "42.00 [38.00, 46.00]" in lines[1]
    assert lab.asked("POST /experiments/") == [
        {"name": "soft_triple on Wings", "publish": False, "dataset": 4, "preset": "demo", "losses": ["soft_triple"],
         "seeds": [0, 1], "changes": {"epochs": 2}, "params": {"soft_triple": {"gamma": 0.2}}, "weights": "",
         "trials": 0, "validation_classes": 0}
    ]  # fmt: skip


def test_training_need_not_be_waited_for(lab: Routes) -> None:
    found = run(lab, *TRAIN, "--no-wait", "--name", "Mine", "--publish")
    assert found.exit_code == 0 and "kindred compare --experiment 2" in found.stderr
    assert lab.asked("POST /experiments/")[0]["name"] == "Mine" and lab.asked("POST /experiments/")[0]["publish"]
    assert told(run(lab, *TRAIN, "--no-wait", "--json"))["id"] == 2
    assert not lab.asked("GET /experiments/2/")


@pytest.mark.parametrize(("states", "code"), [(("failed", "succeeded"), 8), (("failed", "cancelled"), 7)])
def test_runs_that_failed_are_told_and_counted(lab: Routes, states: tuple[str, str], code: int) -> None:
    lab["GET /experiments/2/"] = experiment(*states)
    lab["GET /jobs/7/"] = {**JOB, "state": "failed", "error": "diverged"}
    found = run(lab, *TRAIN)
    assert found.exit_code == code and "diverged" in found.stderr and states[1] in found.stdout
    found = run(lab, *TRAIN, "--json")
    assert found.exit_code == code and '"runs"' in found.stdout


def test_training_that_is_interrupted_goes_on(lab: Routes) -> None:
    lab["GET /experiments/2/"] = KeyboardInterrupt()
    found = run(lab, *TRAIN)
    assert found.exit_code == 130 and "kindred compare --experiment 2" in found.stderr
    assert not lab.asked("POST /experiments/2/cancel/")


def test_losses_are_compared_after_an_estimate_and_the_report_is_saved(lab: Routes, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    found = run(lab, *COMPARE, "--seed", "0", "--seed", "1", "--param", "arcface.scale=30", "--report", file)
    assert found.exit_code == 0 and "4 runs, about 2 min (measured)" in found.stderr
    assert "71.00 ± 1.00" in found.stdout and "38.00–46.00" in found.stdout and "●" in found.stdout
    assert "it diverged" in found.stderr and file.read_text() == "loss,map_at_r\n"
    asked = lab.asked("POST /experiments/")[0]
    assert asked["losses"] == ["soft_triple", "arcface"] and asked["params"] == {"arcface": {"scale": 30}}
    del asked["name"], asked["publish"]
    assert lab.asked("POST /experiments/estimate/") == [asked]
    paths = [request.url.path for request in lab.requests]
    assert paths.index("/api/v1/experiments/estimate/") < paths.index("/api/v1/experiments/")


def test_a_comparison_as_json_has_the_experiment_the_report_and_the_files(lab: Routes, tmp_path: Path) -> None:
    file = tmp_path / "r.csv"
    found = told(run(lab, *COMPARE, "--report", file, "--json"))
    assert found == {"experiment": experiment("succeeded", "succeeded"), "report": REPORT, "files": [str(file)]}


def test_an_estimate_that_must_be_measured_is_waited_for(lab: Routes) -> None:
    lab["POST /experiments/estimate/"] = [gives(JOB, 202), ESTIMATE]
    found = run(lab, *COMPARE)
    assert found.exit_code == 0 and "measures the speed first" in found.stderr
    lab["POST /experiments/estimate/"] = gives(JOB, 202)
    assert run(lab, *COMPARE).exit_code == 1


def test_a_comparison_that_was_started_is_gone_on_with(lab: Routes) -> None:
    assert run(lab, "compare", "--experiment", "2").exit_code == 0
    assert not lab.asked("POST /experiments/")
    found = run(lab, "compare", "--experiment", "2", "--loss", "arcface")
    assert found.exit_code == 2 and "--loss" in found.stderr
    assert run(lab, "compare", "--experiment", "9").exit_code == 5


def test_a_comparison_of_which_a_part_failed_is_reported_all_the_same(lab: Routes) -> None:
    lab["GET /experiments/2/"] = experiment("failed", "succeeded")
    lab["GET /jobs/7/"] = [{**JOB, "state": "failed", "error": "diverged"}, DONE]
    found = run(lab, *COMPARE)
    assert found.exit_code == 8 and "SoftTriple" in found.stdout and "diverged" in found.stderr
    lab["GET /experiments/2/"] = experiment("failed", "failed")
    lab["GET /jobs/7/"] = {**JOB, "state": "failed", "error": "diverged"}
    found = run(lab, *COMPARE, "--json")
    assert found.exit_code == 7 and '"report": null' in found.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("compare", "--loss", "arcface"),
        (*COMPARE, "--report", "report.pdf"),
        (*COMPARE, "--report", "gone/report.csv"),
        (*COMPARE, "--param", "gamma=1"),
        (*COMPARE, "--param", "circle.gamma=1"),
        (*COMPARE, "--set", "epochs"),
        (*COMPARE, "--set", "epochs=1", "--set", "epochs=2"),
        (*TRAIN, "--seed", "-1"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_starts(lab: Routes, words: tuple[str, ...]) -> None:
    assert run(lab, *words).exit_code == 2
    assert not any(request.method == "POST" for request in lab.requests)


def test_what_the_server_refuses_names_the_field(lab: Routes) -> None:
    errors = [{"field": "changes.epochs", "code": "invalid", "detail": "must be positive"}]
    lab["POST /experiments/"] = refuses(400, errors=errors)
    found = run(lab, *TRAIN)
    assert found.exit_code == 3 and "changes.epochs: must be positive" in found.stderr


def test_settings_are_numbers_where_they_look_like_it() -> None:
    found = settings_of(["epochs=3", "rate=1e-4", "trains=head", "odd=nan", "empty=", "eq=a=b"])
    assert found == {"epochs": 3, "rate": 1e-4, "trains": "head", "odd": "nan", "empty": "", "eq": "a=b"}
