import pytest

from tests.kindred_client.scripted import JOB, refuses
from tests.kindred_client.shell import Routes, page, run, told


def job(number: int, state: str, **more: object) -> dict[str, object]:
    return {**JOB, "id": number, "state": state, **more}


def test_jobs_are_listed_the_newest_so_many(site: Routes) -> None:
    site["GET /jobs/"] = page(job(9, "running", done=3, total=10, phase="epoch 3"), job(8, "failed", error="no"))
    lines = run(site, "jobs", "list").stdout.splitlines()
    assert "3 / 10" in lines[1] and "epoch 3" in lines[1] and lines[2].endswith("no")
    found = told(run(site, "jobs", "list", "--limit", "1", "--state", "running", "--state", "failed", "--json"))
    assert [row["id"] for row in found] == [9]
    asked = site.requests[-1].url.params
    assert asked.get_list("state") == ["running", "failed"] and asked["limit"] == "1"
    assert run(site, "jobs", "list", "--state", "odd").exit_code == 2


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (("succeeded", "succeeded"), 0),
        (("succeeded", "failed"), 8),
        (("failed", "cancelled"), 7),
    ],
)
def test_jobs_are_waited_for_to_the_last(site: Routes, states: tuple[str, str], code: int) -> None:
    for number, state in enumerate(states, 1):
        site[f"GET /jobs/{number}/"] = [job(number, "running"), job(number, state)]
    found = run(site, "jobs", "wait", "1", "2")
    assert found.exit_code == code
    assert [line.split()[2] for line in found.stdout.splitlines()[1:]] == [*states]


def test_waiting_is_no_longer_than_was_said_and_goes_on_as_told(site: Routes) -> None:
    site["GET /jobs/1/"] = job(1, "succeeded")
    site["GET /jobs/2/"] = job(2, "running")
    found = run(site, "jobs", "wait", "1", "2", "3", "--timeout", "0")
    assert found.exit_code == 8 and "kindred jobs wait 2 3" in found.stderr


def test_waiting_that_is_interrupted_leaves_the_job(site: Routes) -> None:
    site["GET /jobs/1/"] = [job(1, "running"), KeyboardInterrupt()]
    found = run(site, "jobs", "wait", "1", "2")
    assert found.exit_code == 130 and "kindred jobs wait 1 2" in found.stderr
    assert {request.method for request in site.requests} == {"GET"}


def test_jobs_are_cancelled_and_retried(site: Routes) -> None:
    site["POST /jobs/1/cancel/"] = job(1, "cancelled")
    assert told(run(site, "jobs", "cancel", "1", "--json"))[0]["state"] == "cancelled"
    site["POST /jobs/1/retry/"] = job(1, "queued")
    assert "kindred jobs wait 1" in run(site, "jobs", "retry", "1").stderr
    assert told(run(site, "jobs", "retry", "1", "--json"))[0]["state"] == "queued"
    site["POST /jobs/1/retry/"] = refuses(409, "conflict", detail="it is running")
    found = run(site, "jobs", "retry", "1")
    assert found.exit_code == 3 and "it is running" in found.stderr
    assert run(site, "jobs", "cancel", "5").exit_code == 5
