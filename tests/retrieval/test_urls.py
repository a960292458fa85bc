from collections import Counter
from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver, get_resolver


def named(patterns: Iterable[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from named(pattern.url_patterns, f"{namespace}{pattern.namespace or ''}:")
        elif pattern.name:
            yield f"{namespace.replace(':', '')}:{pattern.name}"


def test_every_address_has_a_name_of_its_own() -> None:
    """A page and an API address of one name: `reverse` gives the one or the other."""
    names = Counter(name for name in named(get_resolver().url_patterns) if not name.startswith("admin:"))
    assert names[":search-detail"] == 1
    assert {name: count for name, count in names.items() if count > 1} == {}
