"""What runs before a commit is part of `make check`, with the tools of the environment."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_hooks_run_what_make_check_runs() -> None:
    check = (ROOT / "Makefile").read_text().partition("\ncheck: env\n")[2].partition("\n\n")[0]
    commands = {line.strip().removeprefix("$(BIN)/").removesuffix(" .") for line in check.splitlines()}
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local", "nothing is downloaded"
    entries = {hook["entry"].removesuffix(" --force-exclude") for hook in repository["hooks"]}
    assert {entry.removeprefix(".venv/bin/") for entry in entries} == {
        command for command in commands if command.startswith(("ruff", "mypy", "lint-imports"))
    }
