"""Queries that are compiled once give what the same queryset gives, for every value."""

from enum import Enum

import pytest
from django.db import connection
from django.db.models import Count, F
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiToken, User
from accounts.services import create_token
from config.compiled_queries import LONGEST, CompiledQuery

pytestmark = [pytest.mark.django_db, pytest.mark.services]


class Order(Enum):
    UP = "pk"
    DOWN = "-pk"


def test_each_call_has_its_own_values(member: User, curator: User) -> None:
    by_key = CompiledQuery[User](lambda key: User.objects.filter(pk=key))
    assert by_key(member.pk) == [member]
    assert by_key(curator.pk) == [curator]
    assert by_key(max(member.pk, curator.pk) + 1) == []


def test_lists_of_any_length(member: User, curator: User, admin: User) -> None:
    by_keys = CompiledQuery[User](lambda keys: User.objects.filter(pk__in=keys).order_by("pk"))
    people = sorted((member, curator, admin), key=lambda user: user.pk)
    for count in (1, 2, 3):
        assert by_keys([user.pk for user in people[:count]]) == people[:count]


@pytest.mark.parametrize("count", [0, LONGEST + 1])
def test_a_list_without_bound_is_refused(count: int) -> None:
    by_keys = CompiledQuery[User](lambda keys: User.objects.filter(pk__in=keys))
    assert by_keys(list(range(1, LONGEST + 1))) == []
    with pytest.raises(ValueError, match="has 1 to 1,024 numbers"):
        by_keys(list(range(count)))


def test_one_statement_with_related_rows_and_annotations(member: User) -> None:
    token, _ = create_token(member, "notebook")
    by_key = CompiledQuery[ApiToken](
        lambda key: (
            ApiToken.objects.filter(token_key=key).select_related("user").annotate(group=F("user__groups__name"))
        )
    )
    with CaptureQueriesContext(connection) as queries:
        (row,) = by_key(token.token_key)
        assert (row, row.user, row.group) == (token, member, "member")  # type: ignore[attr-defined]
        assert row.created == token.created
    assert len(queries) == 1


def test_tuples_and_single_values(member: User, curator: User) -> None:
    tuples = CompiledQuery[tuple[str, int]](
        lambda key: (
            User.objects.filter(pk=key).order_by().values("email").annotate(n=Count("pk")).values_list("email", "n")
        )
    )
    flat = CompiledQuery[str](lambda key: User.objects.filter(pk=key).values_list("email", flat=True))
    assert tuples(member.pk) == [(member.email, 1)]
    assert flat(curator.pk) == [curator.email]


def test_other_arguments_are_part_of_what_is_kept(member: User, curator: User) -> None:
    ordered = CompiledQuery[User](lambda order, keys: User.objects.filter(pk__in=keys).order_by(order.value))
    up = ordered(Order.UP, [member.pk, curator.pk])
    assert ordered(Order.DOWN, [member.pk, curator.pk]) == up[::-1]


def test_the_function_is_called_once_for_a_shape(member: User) -> None:
    calls = []

    def build(key: int) -> object:
        calls.append(key)
        return User.objects.filter(pk=key)

    query = CompiledQuery[User](build)  # type: ignore[arg-type]
    for _ in range(3):
        query(member.pk)
    assert len(calls) == 1


def test_what_cannot_be_compiled_is_refused_at_once(member: User) -> None:
    with pytest.raises(TypeError, match="prefetch"):
        CompiledQuery[User](lambda key: User.objects.filter(pk=key).prefetch_related("groups"))(member.pk)
    with pytest.raises(TypeError, match="does not use"):
        CompiledQuery[User](lambda key: User.objects.filter(is_active=bool(key)))(member.pk)
