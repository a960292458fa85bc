"""The software that the site is made of, with its licences: as the installed packages state them themselves."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from django.conf import settings

from config.release import VERSION

REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)")
CLASSIFIER = "License :: "
HOMEPAGES = ("homepage", "home", "source", "repository", "source code", "code", "github")
LONGEST = 60
"""Characters of what counts as a licence's name: some packages put its whole text there."""
NO_NAMES = ("UNKNOWN", "Copyright")


@dataclass(frozen=True)
class Package:
    """One package, its licence, and where it comes from; "" where it states neither."""

    name: str
    version: str
    licence: str
    url: str


def citation(url: str) -> str:
    """Return the BibTeX entry of this version, as served at `url`."""
    fields = {
        "title": "Kindred: metric-learning losses under one protocol",
        "author": "{The Kindred authors}",
        "version": VERSION,
        "url": url,
    }
    lines = [f"  {name:<7} = {{{value}}}" for name, value in fields.items()]
    return "@software{kindred,\n" + ",\n".join(lines) + "\n}"


@cache
def python_packages() -> tuple[Package, ...]:
    """Return the packages of requirements.txt that are installed, as they describe themselves, by name."""
    lines = (settings.BASE_DIR / "requirements.txt").read_text().splitlines()
    names = {found[1] for line in lines if (found := REQUIREMENT.match(line))}
    packages = [_described(name) for name in names]
    return tuple(sorted((package for package in packages if package), key=lambda package: package.name.lower()))


@cache
def browser_packages() -> tuple[Package, ...]:
    """Return what npm installs for browsers, as package-lock.json describes it, by name."""
    lock = json.loads((settings.BASE_DIR / "package-lock.json").read_text())
    packages = []
    for path, row in lock["packages"].items():
        name = path.removeprefix("node_modules/")
        if name:
            url = f"https://www.npmjs.com/package/{name}"
            packages.append(Package(name, row["version"], row.get("license", ""), url))
    return tuple(packages)


def _described(name: str) -> Package | None:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    return Package(found.metadata["Name"], found.version, _licence_of(found), _url_of(found))


def _licence_of(found: Distribution) -> str:
    """Return the licence's expression, else its classifiers, else a short free text."""
    metadata: Any = found.metadata  # a mail message, whose `get` its type leaves out
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [row for row in metadata.get_all("Classifier") or () if row.startswith(CLASSIFIER)]
    names = [row.rpartition(" :: ")[2] for row in classifiers if row.count(" :: ") > 1 or "OSI" not in row]
    if names:
        return ", ".join(names)
    text = str(metadata.get("License") or "").strip().split("\n")[0]
    return "" if len(text) > LONGEST or text.startswith(NO_NAMES) else text


def _url_of(found: Distribution) -> str:
    metadata: Any = found.metadata
    rows = [row.partition(",") for row in metadata.get_all("Project-URL") or ()]
    links = {label.strip().lower(): url.strip() for label, _, url in rows}
    url = next((links[label] for label in HOMEPAGES if label in links), str(metadata.get("Home-page") or ""))
    return url if url.startswith(("https://", "http://")) else ""
