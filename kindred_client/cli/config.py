"""Sites and tokens of `kindred login`, in a file that only this user can read."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

import click
import httpx

from kindred_client.errors import KindredError
from kindred_client.transport import base_of


def config_file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "kindred" / "config.json"


def canonical(url: str) -> str:
    """Return the URL as it is stored: without the path of the API.

    Raises:
        click.UsageError: it is no web address.
    """
    try:
        return str(httpx.URL(base_of(url).removesuffix("/api/v1")))
    except (KindredError, httpx.InvalidURL) as error:
        raise click.UsageError(str(error)) from None


@dataclass
class Sites:
    """Tokens by URL, and the current site, which commands go to."""

    current: str = ""
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls) -> "Sites":
        """Return what is kept.

        Raises:
            click.UsageError: the file is damaged.
        """
        file = config_file()
        try:
            stored = json.loads(file.read_text())
            tokens = {str(url): str(site["token"]) for url, site in stored["sites"].items()}
            return cls(str(stored["current"]), tokens)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = type(error).__name__
            raise click.UsageError(
                f"{file} cannot be read ({why}); delete it, then run `kindred login` again"
            ) from None

    def token(self, url: str) -> str:
        return self.tokens.get(url, "")

    def keep(self, url: str, token: str) -> None:
        """Store a site and make it the current one."""
        self.tokens[url], self.current = token, url
        self._write()

    def forget(self, url: str) -> None:
        """Delete a site; another becomes the current one."""
        del self.tokens[url]
        if self.current == url:
            self.current = next(iter(self.tokens), "")
        self._write()

    def _write(self) -> None:
        file = config_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.parent.chmod(0o700)
        content = {"current": self.current, "sites": {name: {"token": token} for name, token in self.tokens.items()}}
        # Temporary files are this user's alone (0600), so the token never lies open, and a killed write harms nothing.
        with NamedTemporaryFile("w", dir=file.parent, prefix=".", delete=False) as scratch:
            json.dump(content, scratch, indent=2)
        Path(scratch.name).replace(file)
