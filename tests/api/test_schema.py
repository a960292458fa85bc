"""The description of the API: complete, with an example of everything, each as right as it looks."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from tests.api.description import PREFIX, description

DESCRIPTION = description()
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DESCRIPTION["paths"].items()
    for method, operation in item.items()
    if path.startswith(PREFIX)
}


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every JSON body that goes in or comes out well, with the words for it."""
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if media == "application/json":
            yield "request", content
    for code, answer in operation["responses"].items():
        for media, content in answer.get("content", {}).items():
            if media == "application/json" and code.startswith("2"):
                yield code, content


def faults(content: dict[str, Any]) -> list[str]:
    """Return what is wrong with the examples of a body."""
    examples = content.get("examples", {})
    if not examples:
        return ["there is no example"]
    schema = {**content["schema"], "components": DESCRIPTION["components"]}
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [
        f"{name}: {error.json_path} {error.message}"
        for name, example in examples.items()
        for error in validator.iter_errors(example["value"])
    ]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_body_has_an_example_that_fits(name: str) -> None:
    found = {place: wrong for place, content in contents(OPERATIONS[name]) if (wrong := faults(content))}
    assert not found


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does(name: str) -> None:
    assert OPERATIONS[name].get("description") or OPERATIONS[name].get("summary")


def test_it_is_openapi_31_and_names_every_operation_once() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert DESCRIPTION["openapi"] == "3.1.0" and len(set(names)) == len(names)


def test_a_missing_or_wrong_example_is_found() -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}}
    assert faults({"schema": schema}) and faults({"schema": schema, "examples": {"one": {"value": {"id": "x"}}}})
