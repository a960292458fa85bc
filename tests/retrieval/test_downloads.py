import pytest

from retrieval import downloads as registry
from retrieval.registry.services import model_files as files


def test_every_app_has_registered_its_kinds() -> None:
    assert list(registry.KINDS) == ["models", "embeddings", "reports", "ratings"]


def test_a_kind_may_be_registered_twice_alike_and_not_otherwise() -> None:
    kind = registry.KINDS["models"]
    registry.register("models", kind.title, kind.about, kind.listing)
    with pytest.raises(ValueError, match="'models' are registered already"):
        registry.register("models", "Networks", kind.about, files.spaces)
