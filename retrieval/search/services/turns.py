"""The turns of new searches: a search has one while it computes, and leaves it while it waits for something else."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.conf import settings

from config.turns import Turns

turns = Turns(settings.SEARCHES_AT_ONCE)

F = TypeVar("F", bound=Callable[..., Any])


def in_turn(view: F) -> F:
    """Make a view that searches with POST wait for its turn then; the request is its last argument without a name."""

    @wraps(view)
    def in_its_turn(*args: Any, **kwargs: Any) -> Any:
        if args[-1].method != "POST":
            return view(*args, **kwargs)
        with turns.taken():
            return view(*args, **kwargs)

    return cast(F, in_its_turn)
