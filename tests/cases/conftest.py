"""What the cases need of the command line's tests."""

from tests.mlcore.conftest import own_signals

__all__ = ["own_signals"]
