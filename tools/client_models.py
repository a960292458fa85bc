"""Write the types of the client from the API's description: kindred_client/types.py and answers.py.

python tools/client_models.py            asks manage.py for the description
python tools/client_models.py FILE.json  reads it
"""

import argparse
import json
import re
import runpy
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# By its file: the package cannot be imported while what is made here is not there, or is out of date.
OPERATIONS = runpy.run_path(str(ROOT / "kindred_client" / "operations.py"))["OPERATIONS"]

Schema = dict[str, Any]
SCALARS = {"integer": "int", "number": "float", "boolean": "bool", "string": "str", "null": "None"}
PREFIX = "/api/v1"
TYPES = '''"""What the API answers, made by tools/client_models.py from its description: not to be changed by hand.

No field is sure to be there: `fields=` leaves out the others.
"""

from typing import Any, Literal, TypeAlias, TypedDict
'''
ANSWERS = '''"""What each operation answers, one row of a list: made by tools/client_models.py, not by hand."""

from typing import Any

from kindred_client import types
'''


def named(ref: str) -> str:
    return ref.rpartition("/")[2]


def type_of(schema: Schema) -> str:
    """Return the Python type of a schema, with the names of components as they are."""
    if "$ref" in schema:
        return named(schema["$ref"])
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            return union(type_of(part) for part in schema[key])
    if "enum" in schema:
        return union(literal(value) for value in schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return union(type_of({**schema, "type": one}) for one in kind)
    found = whole(kind, schema)
    return union([found, "None"]) if schema.get("nullable") else found


def whole(kind: str | None, schema: Schema) -> str:
    if kind == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {type_of(values) if isinstance(values, dict) else 'Any'}]"
    return SCALARS[kind] if kind else "Any"


def literal(value: Any) -> str:
    return "None" if value is None else f"Literal[{json.dumps(value)}]"


def union(types: Iterable[str]) -> str:
    """Return the union: Any swallows all, literals become one, None is last."""
    found = list(dict.fromkeys(types))
    if "Any" in found:
        return "Any"
    values = [one[len("Literal[") : -1] for one in found if one.startswith("Literal[")]
    others = [one for one in found if not one.startswith("Literal[") and one != "None"]
    joined = [*([f"Literal[{', '.join(values)}]"] if values else []), *others]
    return " | ".join(joined + ["None"] * ("None" in found))


def answer_of(schema: Schema, method: str, path: str) -> str | None:
    """Return the type of an operation's answer, of a row where it is a list in pages; None if it is not described.

    A file, and no answer at all, are "None": no type is needed.
    """
    operation = schema["paths"].get(path, {}).get(method.lower())
    if operation is None:
        return None
    good = [answer for code, answer in operation["responses"].items() if code.startswith("2")]
    return union(body_of(schema, answer) for answer in good)


def body_of(schema: Schema, answer: Schema) -> str:
    content = answer.get("content") or {}
    if not content:
        return "None"
    if content.keys() - {"application/json"}:
        return "None"
    body = content["application/json"]["schema"]
    component = schema["components"]["schemas"].get(named(body.get("$ref", "")), {})
    if {"next", "results"} <= set(component.get("properties", ())):
        return type_of(component["properties"]["results"]["items"])
    return type_of(body)


def addresses(schema: Schema) -> dict[str, str]:
    """Return the paths as described by the paths whose ids have no names."""
    return {nameless(path.removeprefix(PREFIX)): path for path in schema["paths"]}


def nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def answers(schema: Schema) -> dict[str, str]:
    """Return the type of every operation of the client; of one that is not described, a dict."""
    paths = addresses(schema)
    found = {}
    for name, operation in OPERATIONS.items():
        answer = answer_of(schema, operation.method, paths.get(nameless(operation.path), "")) or "dict[str, Any]"
        if answer != "None":
            found[name] = answer
    return found


def words_of(answer: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r'"[^"]*"', "", answer))


def needed(schema: Schema, types: Iterable[str]) -> list[str]:
    """Return the components that the types name and those that these need, each after what it needs."""
    components: Schema = schema["components"]["schemas"]
    found: dict[str, None] = {}
    for word in sorted({word for answer in types for word in words_of(answer)} & components.keys()):
        fields = components[word].get("properties", {}).values()
        inside = [type_of(field) for field in fields] or [type_of(components[word])]
        found |= dict.fromkeys([*needed(schema, inside), word])
    return list(found)


def component(name: str, schema: Schema) -> str:
    """Return the code of one component."""
    if "properties" not in schema:
        return f"{name}: TypeAlias = {type_of(schema)}"
    about = sentence(schema.get("description", ""))
    lines = [f"class {name}(TypedDict, total=False):", *([f'    """{about}"""', ""] if about else [])]
    for field, value in schema["properties"].items():
        lines += [f"    {field}: {type_of(value)}"]
    return "\n".join(lines)


def sentence(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).replace('"""', "'''").replace("\\", "\\\\")


def types_source(schema: Schema) -> str:
    """Return kindred_client/types.py."""
    components = schema["components"]["schemas"]
    names = needed(schema, answers(schema).values())
    return formatted("\n\n\n".join([TYPES, *(component(name, components[name]) for name in names)]) + "\n")


def response_types_source(schema: Schema) -> str:
    """Return kindred_client/response_types.py."""
    components = schema["components"]["schemas"]
    lines = [f"{alias_of(name)} = {of_types(answer, components)}" for name, answer in answers(schema).items()]
    return formatted(ANSWERS + "\n" + "\n".join(lines) + "\n")


def of_types(answer: str, components: Schema) -> str:
    """Return the type with components as names of the other module; literals stay as they are."""

    def told(word: re.Match[str]) -> str:
        return f"types.{word[0]}" if word[0] in components else word[0]

    return "".join(
        part if part.startswith('"') else re.sub(r"\w+", told, part) for part in re.split(r'("[^"]*")', answer)
    )


def alias_of(name: str) -> str:
    """Return the name of an operation's answer: datasets.add_images is DatasetsAddImages, me is MeGet."""
    name = name if "." in name else f"{name}.get"
    return "".join(word.title() for word in re.split(r"[._]", name))


def formatted(code: str) -> str:
    ruff = [sys.executable, "-m", "ruff"]
    for order in (["check", "--select", "I,F401", "--fix", "-"], ["format", "-"]):
        code = subprocess.run(
            [*ruff, *order, "--quiet"], input=code, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    return code


def described(path: Path | None) -> Schema:
    if path is not None:
        text = path.read_text()
    else:
        order = [sys.executable, str(ROOT / "manage.py"), "spectacular", "--format", "openapi-json"]
        text = subprocess.run(order, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout
    schema: Schema = json.loads(text)
    return schema


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("schema", type=Path, nargs="?", help="JSON of `manage.py spectacular --format openapi-json`")
    schema = described(parser.parse_args().schema)
    package = ROOT / "kindred_client"
    (package / "types.py").write_text(types_source(schema))
    (package / "response_types.py").write_text(response_types_source(schema))


if __name__ == "__main__":
    main()
