from typing import Any

import httpx
import pytest

from kindred_client import JobFailed, WaitTimeout
from kindred_client.comparing import wait_for_runs
from tests.kindred_client.scripted import JOB, Server, gives


def job(state: str, **more: Any) -> httpx.Response:
    headers = {"Retry-After": "2"} if state in ("queued", "running") else {}
    return httpx.Response(200, json={**JOB, "state": state, **more}, headers=headers)


def test_waiting_ends_with_the_job_and_gives_its_result() -> None:
    server = Server(job("queued"), job("running"), job("succeeded", result={"dataset": 3}))
    done = server.client().wait({"id": 7})
    assert done["result"] == {"dataset": 3}
    assert server.slept == [2.0, 2.0]
    assert server.requests[0].url.path == "/api/v1/jobs/7/"


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_that_did_not_succeed_is_raised_with_its_reason(state: str) -> None:
    server = Server(job(state, error="no pictures"))
    with pytest.raises(JobFailed, match=rf"job 7 \(import\) {state}: no pictures") as caught:
        server.client().wait(7)
    assert caught.value.job["id"] == 7


def test_waiting_gives_up_when_its_time_is_over() -> None:
    with pytest.raises(WaitTimeout, match="still running"):
        Server(job("running")).client().wait(7, timeout=1)


def test_a_server_that_restarts_is_waited_for() -> None:
    server = Server(job("running"), httpx.ConnectError("refused"), httpx.ReadError("reset"), job("succeeded"))
    assert server.client().wait(7)["state"] == "succeeded"


def test_a_bar_is_shown_on_stderr_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    Server(job("running", phase="epoch 3", done=2, total=4), job("succeeded")).client(progress=True).wait(7)
    told = capsys.readouterr()
    assert "epoch 3" in told.err and "2/4" in told.err and not told.out
    Server(job("running", phase="epoch 3"), job("succeeded")).client().wait(7)
    assert not capsys.readouterr().err


def experiment(*runs: str, tunings: tuple[str, ...] = ()) -> httpx.Response:
    rows = [{"state": state, "job": 10 + number, "loss": "arcface"} for number, state in enumerate(runs)]
    tuned = [{"state": state, "job": 5, "loss": "arcface"} for state in tunings]
    return gives({"id": 2, "runs": rows, "tunings": tuned})


def test_runs_are_waited_for_until_none_is_left() -> None:
    server = Server(
        experiment(tunings=("running",)), experiment("queued", tunings=("succeeded",)),
        experiment("succeeded", "running"), experiment("succeeded", "succeeded"), job("succeeded"), job("succeeded"),
    )  # fmt: skip
    assert len(wait_for_runs(server.client().jobs._api, 2)["runs"]) == 2
    assert len(server.slept) == 3


def test_the_indexes_of_their_models_are_waited_for_too() -> None:
    trained = job("succeeded", result={"run": 1, "index_job": 30})
    server = Server(experiment("succeeded"), trained, job("running"), job("succeeded"))
    server.client().experiments.wait(2)
    paths = [request.url.path.removeprefix("/api/v1") for request in server.requests]
    assert paths == ["/experiments/2/", "/jobs/10/", "/jobs/30/", "/jobs/30/"]


def test_a_run_that_failed_is_told_when_the_others_have_ended() -> None:
    server = Server(experiment("failed", "running"), experiment("failed", "succeeded"), job("failed", error="diverged"))
    with pytest.raises(JobFailed, match="diverged"):
        wait_for_runs(server.client().jobs._api, 2)
    assert server.requests[-1].url.path == "/api/v1/jobs/10/"


def test_losses_are_compared_in_one_call() -> None:
    report = {"rows": [{"loss": "arcface"}]}
    server = Server(
        experiment("queued"), experiment("succeeded"), job("succeeded"),
        gives(JOB, 202), job("succeeded"), gives(report),
    )  # fmt: skip
    found = server.client().experiments.compare(["arcface"], 4, "quick", seeds=[0, 1], weights="imagenet")
    assert found == report
    asked = server.bodies()[0]
    assert (asked["dataset"], asked["losses"], asked["seeds"], asked["weights"]) == (4, ["arcface"], [0, 1], "imagenet")
    assert [request.method for request in server.requests] == ["POST", "GET", "GET", "POST", "GET", "GET"]
