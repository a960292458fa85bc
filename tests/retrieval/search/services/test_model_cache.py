import threading
from typing import Any

import pytest

from config.errors import Busy
from retrieval.search.services import model_cache


def test_more_than_may_wait_are_refused_and_places_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_cache, "_waiting", threading.BoundedSemaphore(1))
    for _ in range(2):  # twice: a refusal must not use up a place
        with (
            model_cache._place_in_queue(),
            pytest.raises(Busy, match="try again") as busy,
            model_cache._place_in_queue(),
        ):
            pytest.fail("there was no place")
        assert busy.value.retry_after >= 1

    class Broken:
        def embed(self, pictures: Any) -> Any:
            raise OSError("disk")

    for _ in range(3):  # an error gives the place back as well
        with pytest.raises(OSError, match="disk"):
            model_cache.embed(Broken(), [])  # type: ignore[arg-type]
