"""The layers, held: each rule is a function that lists what breaks it, tried on broken code as well."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = ("accounts", "jobs", "retrieval", "ratings", "backups", "operations")  # each may import those before it
WEB = {"django", "rest_framework", "celery", "config", *APPS}
OF_THE_CLIENT = {
    "kindred_client",
    "click",
    "httpx",
    "tqdm",
    "pandas",
}  # beside the standard library; pandas is asked for late
GENERATED = {"types.py", "response_types.py"}  # of the client: as long as the API is large
ABOVE_SERVICES = {"tasks", "views", "api", "admin", "forms", "urls", "serializers", "filters"}
LONGEST_FILE, LONGEST_FUNCTION = 400, 50


def sources(*folders: str) -> Iterator[Path]:
    """Yield every Python file of these folders but migrations."""
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "migrations" not in path.parts)


def imported(code: str) -> set[str]:
    """Return every module that the code imports anywhere, functions included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide what is imported"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def roots(code: str) -> set[str]:
    return {name.split(".")[0] for name in imported(code)}


def foreign_to_the_client(code: str) -> set[str]:
    return roots(code) - OF_THE_CLIENT - sys.stdlib_module_names


def is_service(path: Path) -> bool:
    return path.name == "services.py" or "services" in path.parts


def web_in_mlcore(code: str) -> set[str]:
    return roots(code) & WEB


def mlcore_outside_services(path: Path, code: str) -> set[str]:
    return roots(code) & {"mlcore"} if not is_service(path) else set()


def apps_above(app: str, code: str) -> set[str]:
    return roots(code) & set(APPS[APPS.index(app) + 1 :])


def _is_above(part: str) -> bool:
    return part in ABOVE_SERVICES or part.endswith(("_views", "_api")) or part.startswith("api_")


def above_a_service(code: str) -> set[str]:
    """Return what a service imports of the layers that call it, in its own app or another."""
    own = {name for name in imported(code) if name.split(".")[0] in APPS}
    return {name for name in own if any(_is_above(part) for part in name.split("."))}


def too_long(code: str) -> list[str]:
    lines = len(code.splitlines())
    found = [f"{lines} lines"] if lines > LONGEST_FILE else []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            found += [f"{node.name}: {length} lines"] if length > LONGEST_FUNCTION else []
    return found


def own_folders(code: str) -> set[str]:
    """Return the settings of folders that are read here and not asked of config.places."""
    return set(re.findall(r"settings\.(MEDIA_ROOT|WEIGHTS_DIR|CACHE_DIR|VAR_DIR)\b", code))


def broken(rule: Callable[[Path, str], Collection[str]], paths: Iterable[Path]) -> dict[str, Collection[str]]:
    """Return what breaks the rule, by file."""
    found = {str(path.relative_to(ROOT)): rule(path, path.read_text()) for path in paths}
    assert found, "no file was looked at"
    return {path: faults for path, faults in found.items() if faults}


def test_mlcore_does_not_know_the_web() -> None:
    assert not broken(lambda path, code: web_in_mlcore(code), sources("mlcore"))


def test_the_client_stands_alone() -> None:
    assert not broken(lambda path, code: foreign_to_the_client(code), sources("kindred_client"))


def test_only_services_reach_mlcore() -> None:
    assert not broken(mlcore_outside_services, sources(*APPS))


@pytest.mark.parametrize("app", APPS)
def test_an_app_imports_those_below_only(app: str) -> None:
    assert not broken(lambda path, code: apps_above(app, code), sources(app))


def test_services_do_not_know_who_calls_them() -> None:
    assert not broken(lambda path, code: above_a_service(code), filter(is_service, sources(*APPS)))


def test_one_module_knows_where_files_lie() -> None:
    assert not broken(lambda _, code: own_folders(code), sources(*APPS))


def test_files_and_functions_stay_readable() -> None:
    client = [path for path in sources("kindred_client") if path.name not in GENERATED]
    files = [*sources("mlcore", "config", *APPS), *client, ROOT / "manage.py"]
    assert not broken(lambda path, code: too_long(code), files)


def test_django_starts_without_torch_and_scipy() -> None:
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup(); "
        "import config.urls; print(sorted({'torch', 'timm', 'torchvision', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "code",
    [
        "import django",
        "def later():\n    from retrieval.models import Image",
        "import config.settings",
        "from rest_framework import status",
    ],
)
def test_the_rule_on_mlcore_can_fail(code: str) -> None:
    assert web_in_mlcore(code)


@pytest.mark.parametrize(
    "code", ["import django", "from retrieval.models import Image", "import mlcore", "import numpy"]
)
def test_the_rule_on_the_client_can_fail(code: str) -> None:
    assert foreign_to_the_client(code)
    assert not foreign_to_the_client("import json, httpx\nfrom kindred_client.api import Api")


def test_the_rule_on_services_can_fail() -> None:
    code = "def f():\n    from mlcore.losses import LOSSES"
    assert mlcore_outside_services(Path("retrieval/pages/demo.py"), code)
    assert mlcore_outside_services(Path("retrieval/search/views/searches.py"), code)
    assert not mlcore_outside_services(Path("retrieval/search/services/run_search.py"), code)
    assert not mlcore_outside_services(Path("retrieval/registry/services/indexes.py"), code)


def test_the_rule_on_the_order_of_apps_can_fail() -> None:
    assert apps_above("retrieval", "from ratings.models import Ballot") == {"ratings"}
    assert apps_above("accounts", "import jobs.services") == {"jobs"}
    assert not apps_above("ratings", "from retrieval.models import Image")


@pytest.mark.parametrize(
    "code",
    [
        "from jobs import tasks",
        "import retrieval.search.views.searches",
        "from jobs.api import f",
        "import ratings.views.ballots",
        "from retrieval.experiments.api.runs import RunViewSet",
    ],
)
def test_the_rule_on_callers_can_fail(code: str) -> None:
    assert above_a_service(code)


def test_the_rule_on_folders_can_fail() -> None:
    assert own_folders("Path(settings.MEDIA_ROOT) / name") == {"MEDIA_ROOT"}
    assert not own_folders("places.media() / name")


def test_the_rule_on_sizes_can_fail() -> None:
    assert too_long("x = 1\n" * 401) == ["401 lines"]
    assert too_long("def f():\n" + "    x = 1\n" * 50) == ["f: 51 lines"]
    assert not too_long("def f():\n" + "    x = 1\n" * 49)
