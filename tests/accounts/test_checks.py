import pytest
from pytest_django import Settings

from accounts.checks import shared_cache

LOCAL = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
SHARED = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache"}}


@pytest.mark.parametrize(
    ("processes", "caches", "ids"), [(1, LOCAL, []), (2, LOCAL, ["kindred.W001"]), (2, SHARED, [])]
)
def test_several_web_processes_need_a_shared_cache(
    settings: Settings, processes: int, caches: dict[str, dict[str, str]], ids: list[str]
) -> None:
    settings.WEB_PROCESSES = processes
    settings.CACHES = caches
    assert [message.id for message in shared_cache(None)] == ids
