"""torchvision can be imported beside whatever build of torch there is."""

import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from mlcore.networks import torchvision_compat
from mlcore.networks.torchvision_compat import declare_missing_operators


@pytest.mark.parametrize(
    "code",
    [
        "from mlcore.networks.torchvision_compat import declare_missing_operators as d; d(); import torchvision",
        "import mlcore.networks.stages",  # whichever module of the package comes first
        pytest.param("import mlcore.external.external_models", marks=pytest.mark.full),
    ],
)
def test_torchvision_can_be_imported_after_it(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_second_call_declares_nothing_again() -> None:
    assert declare_missing_operators() is declare_missing_operators()


def test_a_missing_torchvision_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(torchvision_compat, "find_spec", absent)
    with pytest.raises(ModuleNotFoundError, match="torchvision is not installed"):
        declare_missing_operators.__wrapped__()
