"""Each method of the client calls the operation of its name, and no other."""

import inspect
import re
import typing
from pathlib import Path
from typing import Any

import httpx
import pytest

from kindred_client import Download, Kindred, Pages
from kindred_client.operations import OPERATIONS
from tests.api.policy import POLICY, SESSIONS_ONLY
from tests.kindred_client.scripted import Server

ANSWER = {"results": [], "next": None, "id": 1, "state": "succeeded"}
UNTABLED = {  # they call others of the table
    "jobs.wait", "datasets.import_folder", "datasets.add_folder", "datasets.add_upload", "experiments.compare",
    "experiments.wait",
    "searches.many",
}  # fmt: skip


def method_of(kindred: Kindred, name: str) -> Any:
    found: Any = kindred
    for part in name.split("."):
        found = getattr(found, part)
    return found


def parameters_of(method: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(method).parameters)


def sample(annotation: Any, file: Path) -> Any:
    """Return something that a parameter of that kind takes."""
    told = str(annotation)
    if "Path" in told:
        return [file] if "Iterable" in told else file
    if "Mapping[str, bytes]" in told:
        return {"owls/1.jpg": b"1"}
    if "Iterable" in told or "Sequence" in told:
        return [1]
    return "x" if annotation is str else 1


def called(kindred: Kindred, name: str, file: Path) -> None:
    """Call the method with what it must have."""
    method = method_of(kindred, name)
    needed = {key: value for key, value in parameters_of(method).items() if value.default is inspect.Parameter.empty}
    answer = method(**{key: sample(value.annotation, file) for key, value in needed.items()})
    if isinstance(answer, Pages):
        list(answer)
    if isinstance(answer, Download):
        answer.read()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_method_calls_the_operation_of_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "owl.jpg").write_bytes(b"owl")
    server = Server(httpx.Response(200, json=ANSWER))
    called(server.client(), name, tmp_path / "owl.jpg")
    operation, request = OPERATIONS[name], server.requests[0]
    assert request.method == operation.method
    assert re.fullmatch("/api/v1" + re.sub(r"{\w+}", "[^/]+", operation.path), request.url.path)
    assert ("Idempotency-Key" in request.headers) is operation.starts_job


def test_every_public_method_is_an_operation_or_built_on_some() -> None:
    kindred = Server(httpx.Response(200)).client()
    groups = {name: group for name, group in vars(kindred).items() if not name.startswith("_")}
    methods = {
        f"{name}.{method}"
        for name, group in groups.items()
        for method, _ in inspect.getmembers(group, inspect.ismethod)
        if not method.startswith("_")
    }
    assert methods - UNTABLED == OPERATIONS.keys() - {"me"}
    assert methods >= UNTABLED


def test_the_table_has_every_operation_of_the_policy_but_those_of_sessions() -> None:
    assert {(one.method, one.path) for one in OPERATIONS.values()} == {row.operation for row in POLICY} - SESSIONS_ONLY


def test_what_starts_a_job_carries_a_key() -> None:
    """By the policy that is what answers 202; but cancelling and retrying start no new job, and an estimate may."""
    accepted = {row.operation for row in POLICY if row.expected["admin"] == 202}
    others = {("POST", path) for path in ("/jobs/{id}/cancel/", "/jobs/{id}/retry/", "/experiments/{id}/cancel/")}
    estimate = ("POST", "/experiments/estimate/")
    assert {(one.method, one.path) for one in OPERATIONS.values() if one.starts_job} == accepted - others | {estimate}


def test_every_annotation_can_be_resolved() -> None:
    kindred = Server(httpx.Response(200)).client()
    for name in OPERATIONS:
        method = method_of(kindred, name)
        typing.get_type_hints(method if inspect.ismethod(method) else type(method).__call__)
