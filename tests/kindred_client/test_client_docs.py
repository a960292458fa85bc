"""docs/client.md says every command, option and status, and its Python is Python."""

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import kindred_client
from kindred_client.cli import exit_codes, kindred
from kindred_client.resources.experiments import Experiments
from retrieval.datasets.services.importing import submit_import
from retrieval.datasets.services.upload_import import submit_folder
from retrieval.models import Dataset
from tests.retrieval.datasets.filled import classes_of_jpegs, filled
from tests.retrieval.world import WINGS, done

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "client.md").read_text()
COMMON = {"--url", "--token", "--json"}


def commands(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its whole name."""
    for name, found in group.commands.items():
        if isinstance(found, click.Group):
            yield from commands(found, f"{before}{name} ")
        else:
            yield f"{before}{name}", found


def row_of(name: str) -> str:
    """Return the row of the table that speaks of the command."""
    return next(line for line in TEXT.splitlines() if line.startswith("|") and re.search(rf"`{name}[ `]", line))


@pytest.mark.parametrize(("name", "found"), list(commands(kindred)), ids=lambda value: str(value))
def test_every_option_of_every_command_is_told(name: str, found: click.Command) -> None:
    row = row_of(name) + (row_of("train") if name == "compare" else "")
    options = {option.opts[0] for option in found.params if isinstance(option, click.Option)}
    assert options >= COMMON and all(option in TEXT for option in COMMON)
    assert [option for option in sorted(options - COMMON) if f"`{option}" not in row] == []


def test_no_option_is_told_that_is_not_there() -> None:
    there = {opt for _, found in commands(kindred) for option in found.params
             for opt in (*option.opts, *option.secondary_opts)}  # fmt: skip
    told = set(re.findall(r"`(--[a-z-]+)", TEXT.partition("# The command")[2]))
    assert told and told <= there


def test_every_status_is_told() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.M)}
    assert told == {0, *range(exit_codes.UNEXPECTED, exit_codes.PARTLY + 1), exit_codes.INTERRUPTED}


@pytest.mark.parametrize("file", ["docs/client.md", "README.md"])
def test_the_python_is_python(file: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(), re.S)
    assert blocks
    for block in blocks:
        compile(block, file, "exec")


@pytest.mark.parametrize("file", ["docs/client.md", "README.md"])
def test_examples_that_train_and_then_search_publish(file: str) -> None:
    """Searches use published models only, and a training does not publish by default."""
    trained_and_searched = 0
    for block in re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(), re.S):
        calls = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call)]
        names = {ast.unparse(call.func): {word.arg for word in call.keywords} for call in calls}
        if "kindred.experiments.compare" in names and "kindred.searches.many" in names:
            trained_and_searched += 1
            assert "publish" in names["kindred.experiments.compare"]
        if "index_job" in block:
            assert "kindred.models.publish" in names
    assert trained_and_searched == 1
    assert inspect.signature(Experiments.start).parameters["publish"].default is False


def test_every_error_is_told() -> None:
    errors = [name for name in kindred_client.__all__
              if isinstance(found := getattr(kindred_client, name), type) and issubclass(found, Exception)]  # fmt: skip
    assert [name for name in errors if f"`{name}`" not in TEXT] == []


@pytest.mark.django_db
def test_the_result_of_an_added_folder_is_as_it_is_told() -> None:
    [comment] = re.findall(r'^print\(done\["result"\]\)\n((?:# .+\n)+)', TEXT, re.M)
    told = json.loads(comment.replace("# ", ""))
    done(submit_import(name="Wings", by=None, source=WINGS).job)
    upload = filled({**classes_of_jpegs("owl"), "owl/7.jpg": b"no"})
    result = done(submit_folder(Dataset.objects.get(), upload, "test", by=None)).result
    assert told.keys() == result.keys() and told["broken"] == result["broken"]
