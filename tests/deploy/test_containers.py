"""What Dockerfile, .dockerignore and the compose files say, read without a container."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from config.celery import QUEUES
from config.release import VERSION
from tests.config.test_settings_page import LISTED

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILES = [ROOT / "Dockerfile", ROOT / "deploy/caddy.Dockerfile"]
COMPOSE_FILES = [ROOT / "compose.yaml", ROOT / "compose.app.yaml"]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.app.yaml").read_text())["services"]
SITE = {name: service for name, service in SERVICES.items() if service["image"].startswith("${KINDRED_IMAGE")}
OWN = {"PATH", "HOME", "TMPDIR", "MPLCONFIGDIR", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "HNSWLIB_NO_NATIVE"}
"""Variables of the system and of libraries."""
SECRETS = re.compile(r"^(?:ENV|ARG|LABEL)\b.*(?:SECRET|PASSWORD|TOKEN|_KEY)", re.MULTILINE)


def listed_variables() -> set[str]:
    """Return the variables of docs/settings.md, and Caddy's of docs/deploy.md."""
    pages = [(ROOT / "docs" / name).read_text() for name in ("settings.md", "deploy.md")]
    return {name for page in pages for name in LISTED.findall(page)}


def image_variables() -> set[str]:
    """Return the names that the Dockerfile's ENV instructions set."""
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    return {name for line in lines if line.startswith("ENV ") for name in re.findall(r"\b([A-Z_]+)=", line)}


def role_exists(command: list[str]) -> bool:
    """Whether it is a line of the Procfile, or a command of manage.py."""
    processes = re.findall(r"^(\w+):", (ROOT / "Procfile").read_text(), re.MULTILINE)
    if command[:2] == ["python", "manage.py"]:
        return command[2] in get_commands()
    return len(command) == 1 and command[0] in processes


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_images_have_a_version_and_no_secret(file: Path) -> None:
    text = file.read_text()
    bases = re.findall(r"^ARG (?:BASE|CADDY)=(\S+)", text, re.MULTILINE)
    assert bases and all(re.search(r":(?!latest)\S*[a-z0-9]", base) for base in bases)
    assert not SECRETS.search(text)


@pytest.mark.parametrize("file", COMPOSE_FILES, ids=lambda file: file.name)
def test_no_service_runs_what_is_latest(file: Path) -> None:
    for service in yaml.safe_load(file.read_text())["services"].values():
        assert ":" in service["image"] and not service["image"].endswith(":latest")


@pytest.mark.parametrize("name", SERVICES)
def test_services_have_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert set(service.get("cap_add", [])) <= {"NET_BIND_SERVICE"}
    assert any(place.startswith("/tmp") for place in service["tmpfs"])


def test_only_caddy_can_be_reached() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]


@pytest.mark.parametrize("name", SITE)
def test_every_process_of_the_site_is_one_that_exists(name: str) -> None:
    service = SITE[name]
    assert role_exists(service["command"])
    assert service["user"] == "10001:10001" and service["volumes"] == ["kindred:/var/lib/kindred"]


def test_some_worker_serves_each_queue() -> None:
    words = [service["command"] for service in SITE.values() if "--queues" in service["command"]]
    assert sorted(queue for command in words for queue in command[-1].split(",")) == sorted(QUEUES)


def test_a_process_that_does_not_exist_is_noticed() -> None:
    assert not role_exists(["webb"]) and not role_exists(["python", "manage.py", "migratee"])


def test_all_wait_for_the_migrations() -> None:
    assert {"migrate", "web", "worker", "trainer", "beat"} == SITE.keys()
    for name in SITE.keys() - {"migrate"}:
        assert SITE[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SITE["migrate"]["restart"] == "no"


def test_every_variable_is_documented() -> None:
    given = {name for name, service in SITE.items() for name in service["environment"]}
    given |= SERVICES["caddy"]["environment"].keys()
    assert given <= listed_variables()
    assert image_variables() - OWN <= listed_variables()


def test_secrets_are_demanded_with_a_sentence() -> None:
    text = (ROOT / "compose.app.yaml").read_text()
    for name in ("SECRET_KEY", "KINDRED_SITE", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert re.search(rf"\$\{{{name}:\?put {name} into \.env, [^}}]+\}}", text)
        assert not re.search(rf"\$\{{{name}:?-", text)


def test_the_image_has_every_app_and_no_test() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    carried = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    own = {app.split(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.split(".")[0]).is_dir()}
    assert own | {"mlcore", "config", "templates", "static", "Procfile", "pyproject.toml"} <= carried
    assert not carried & {"tests", ".env", "var", ".git"}


def test_the_image_is_labelled_with_this_release() -> None:
    assert f"ARG VERSION={VERSION}\n" in (ROOT / "Dockerfile").read_text()
