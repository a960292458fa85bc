"""The sites that were signed in to, kept in a file of this user alone."""

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


def canonical(address: str) -> str:
    """Return the address as it is kept: without a path of the API.

    Raises:
        click.UsageError: it is no address.
    """
    try:
        return str(httpx.URL(base_of(address).removesuffix("/api/v1")))
    except (KindredError, httpx.InvalidURL) as error:
        raise click.UsageError(str(error)) from None


@dataclass
class Sites:
    """Tokens by address, and the address that commands go to."""

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
            found = json.loads(file.read_text())
            tokens = {str(address): str(site["token"]) for address, site in found["sites"].items()}
            return cls(str(found["current"]), tokens)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            why = type(error).__name__
            raise click.UsageError(f"{file} cannot be read ({why}); delete it and `kindred login` anew") from None

    def token(self, address: str) -> str:
        return self.tokens.get(address, "")

    def keep(self, address: str, token: str) -> None:
        """Remember a site and make it the current one."""
        self.tokens[address], self.current = token, address
        self._write()

    def forget(self, address: str) -> None:
        """Forget a site; another becomes the current one."""
        del self.tokens[address]
        if self.current == address:
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
