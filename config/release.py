"""The release of the site that runs, as `pyproject.toml` names it."""

import tomllib

from config.environment import BASE_DIR

VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]
