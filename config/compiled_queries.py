"""Queries whose SQL is made once a process: to build what every request runs takes ten times as long as to run it.

    tokens = CompiledQuery(lambda key: ApiToken.objects.filter(token_key=key).select_related("user"))
    for token in tokens("a1b2c3"): ...

The function is called once, with stand-ins for its numbers, texts and lists of numbers, and its SQL is kept; each call
puts its values in their places. Any other argument, such as a truth value or a member of an enumeration, is a part of
what is kept, so it must be hashable, and one of few. Rows are what the queryset gives: models, with
`select_related`, or tuples.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.models import QuerySet

R = TypeVar("R")

LONGEST = 1024
"""Numbers of one list. SQL is kept for each power of two up to it; whoever has more asks several times."""

FIRST_NUMBER = -1_987_654_321  # stand-ins count up from here; no key and no count is negative


class CompiledQuery(Generic[R]):
    """A query by its arguments; calling it runs it."""

    def __init__(self, build: Callable[..., QuerySet[Any, R]]) -> None:
        self._build = build
        self._kept: dict[tuple[object, ...], _Compiled] = {}

    def __call__(self, *arguments: object) -> list[R]:
        """Return the rows.

        Raises:
            ValueError: a list is empty, or longer than LONGEST.
            TypeError: at the first call: the queryset prefetches, or does not use one of its arguments.
        """
        given = [_lengthened(value) if isinstance(value, list) else value for value in arguments]
        shape = tuple(map(_shape_of, given))
        compiled = self._kept.get(shape)
        if compiled is None:
            compiled = self._kept[shape] = _compile(self._build, given)
        return compiled.rows(_values_in(given))


@dataclass(frozen=True, slots=True)
class _Compiled:
    """SQL with its parameters: each a value, or the place of one among the arguments."""

    queryset: QuerySet[Any, Any]
    compiler: Any
    sql: str
    parameters: Sequence[object]
    places: Sequence[int | None]
    converters: Mapping[int, Any]
    """From what the database gives to the values of fields: the same for every connection."""

    def rows(self, values: Sequence[object]) -> list[Any]:
        """Run the SQL with these values."""
        parameters = tuple(
            own if place is None else values[place] for own, place in zip(self.parameters, self.places, strict=True)
        )
        bound = copy.copy(self.compiler)
        bound.connection = connections[self.queryset.db]  # of this thread
        bound.as_sql = lambda *args, **kwargs: (self.sql, parameters)
        bound.get_converters = lambda expressions: self.converters
        rows: Any = self.queryset._iterable_class
        return list(rows(_Bound(self.queryset, bound)))


class _Bound:
    """What Django's iterables read of a queryset, with a compiler that has its SQL already."""

    def __init__(self, queryset: QuerySet[Any, Any], compiler: Any) -> None:
        self._queryset, self._compiler = queryset, compiler
        self.query = self

    def get_compiler(self, *args: object, **kwargs: object) -> Any:
        return self._compiler

    def __getattr__(self, name: str) -> Any:
        queryset = self._queryset
        return getattr(queryset if hasattr(queryset, name) else queryset.query, name)


def _compile(build: Callable[..., QuerySet[Any, Any]], given: Sequence[object]) -> _Compiled:
    stand_ins = _stand_ins(given)
    queryset = build(*stand_ins)
    if queryset._prefetch_related_lookups:  # type: ignore[attr-defined]
        raise TypeError("a compiled query runs one statement; it cannot prefetch")
    compiler = queryset.query.get_compiler(queryset.db)
    sql, parameters = compiler.as_sql()
    place_of = {stand_in: place for place, stand_in in enumerate(_values_in(stand_ins))}
    places = [place_of.get(value) for value in parameters]
    used = set(places)
    for stand_in, place in place_of.items():
        if place not in used:
            raise TypeError(f"the query does not use argument {stand_in!r} as it is: {sql}")
    converters = compiler.get_converters([column for column, *_ in compiler.select[: compiler.col_count]])
    return _Compiled(queryset, compiler, sql, parameters, places, converters)


def _lengthened(keys: list[Any]) -> list[Any]:
    """Return the keys, the last repeated up to a power of two, so that few lengths are compiled."""
    if not 1 <= len(keys) <= LONGEST:
        raise ValueError(f"a list of a compiled query has 1 to {LONGEST:,} numbers, not {len(keys):,}")
    return keys + keys[-1:] * ((1 << (len(keys) - 1).bit_length()) - len(keys))


def _is_value(argument: object) -> bool:
    return isinstance(argument, int | str) and not isinstance(argument, bool | Enum)


def _shape_of(argument: object) -> object:
    if isinstance(argument, list):
        return list, len(argument)
    return type(argument) if _is_value(argument) else argument


def _values_in(arguments: Sequence[object]) -> list[object]:
    """Return the numbers and texts among the arguments, those of lists too."""
    values: list[object] = []
    for argument in arguments:
        if isinstance(argument, list):
            values += argument
        elif _is_value(argument):
            values.append(argument)
    return values


def _stand_ins(given: Sequence[object]) -> list[object]:
    numbers = iter(range(FIRST_NUMBER, 0))
    return [
        [next(numbers) for _ in argument]
        if isinstance(argument, list)
        else (f"stand-in {next(numbers)}" if isinstance(argument, str) else next(numbers))
        if _is_value(argument)
        else argument
        for argument in given
    ]
