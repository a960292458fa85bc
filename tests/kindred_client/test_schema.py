"""The client and the API's description say the same; `python tools/client_models.py` writes the types anew."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from kindred_client.operations import OPERATIONS
from tests.api.description import description
from tests.api.policy import SESSIONS_ONLY
from tests.kindred_client.scripted import Server, gives
from tests.kindred_client.test_operations import method_of
from tools.client_models import ROOT, response_types_source, type_of, types_source

FILE_TERMS = {"default_models", "files", "datasets", "models", "k", "box", "threshold", "filters", "exclude_self"}
OWN_WORDS = {  # what a method makes itself, or leaves to another one
    "uploads.send": {"paths"},
    "datasets.add_images": {"upload"},  # add_upload
    "searches.batch": FILE_TERMS,  # many
}


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the operations of the description, by method and path without the names of ids."""
    return {
        (method.upper(), nameless(path)): operation
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict)
    }


def nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path.removeprefix("/api/v1"))


def described(name: str) -> dict[str, Any]:
    return operations()[OPERATIONS[name].method, nameless(OPERATIONS[name].path)]


def test_every_operation_has_a_method_and_every_method_an_operation() -> None:
    assert {(one.method, nameless(one.path)) for one in OPERATIONS.values()} == operations().keys() - SESSIONS_ONLY


@pytest.mark.parametrize(("file", "source"), [("types.py", types_source), ("response_types.py", response_types_source)])
def test_the_types_are_those_of_the_description(file: str, source: Any) -> None:
    written = (Path(ROOT) / "kindred_client" / file).read_text()
    assert written == source(description()), "run python tools/client_models.py"


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_method_takes_what_the_operation_takes(name: str) -> None:
    operation = described(name)
    asked = {row["name"] for row in operation.get("parameters", ()) if row["in"] == "query"}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        asked |= fields_of(content["schema"])
    taken = set(inspect.signature(method_of(Server(gives({})).client(), name)).parameters)
    assert asked - OWN_WORDS.get(name, set()) <= taken


def fields_of(body: dict[str, Any]) -> set[str]:
    """Return the fields of a body, of every kind it may be."""
    if "$ref" in body:
        return fields_of(description()["components"]["schemas"][body["$ref"].rpartition("/")[2]])
    kinds = [kind for key in ("oneOf", "anyOf", "allOf") for kind in body.get(key, ())]
    return set(body.get("properties", ())).union(*(fields_of(kind) for kind in kinds))


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.method != "GET"])
def test_a_key_goes_where_the_api_heeds_one(name: str) -> None:
    heeds = any(row["name"] == "Idempotency-Key" for row in described(name).get("parameters", ()))
    assert OPERATIONS[name].starts_job is heeds


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "integer"}, "int"),
        ({"type": ["string", "null"]}, "str | None"),
        ({"type": "string", "nullable": True}, "str | None"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Run"}}, "list[Run]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]"),
        ({"enum": ["a", "b", None]}, 'Literal["a", "b"] | None'),
        ({"oneOf": [{}, {"type": "null"}]}, "Any"),
        ({"allOf": [{"$ref": "#/components/schemas/StateEnum"}]}, "StateEnum"),
    ],
)
def test_a_part_of_a_description_has_a_type(part: dict[str, Any], told: str) -> None:
    assert type_of(part) == told
