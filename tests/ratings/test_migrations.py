"""Ballots of before hidden checks are neither repeats nor have a duplicated column, in a database of its own."""

import uuid

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.migrating import migrated

pytestmark = pytest.mark.services


def test_ballots_of_before_are_no_repeats_and_stay_one_a_query(empty_database: None) -> None:
    old = migrated("ratings", "0008_propensities")
    who = old.get_model("accounts", "User").objects.create(email="mia@example.org")
    search = old.get_model("retrieval", "Search").objects.create(k=8)
    key = uuid.uuid4()
    old.get_model("ratings", "Ballot").objects.create(
        id=key, who_id=who.pk, search_id=search.pk, order=[5, 6], voted_at=timezone.now()
    )
    ballots = migrated("ratings", "0009_hidden_checks").get_model("ratings", "Ballot").objects
    ballot = ballots.get()
    assert (ballot.pk, ballot.order, ballot.repeat_of_id, ballot.duplicate) == (key, [5, 6], None, None)
    with pytest.raises(IntegrityError), transaction.atomic():
        ballots.create(who_id=who.pk, search_id=search.pk, order=[5, 6], withdrawn_at=timezone.now())
    ballots.create(who_id=who.pk, search_id=search.pk, order=[6, 5], repeat_of_id=key, withdrawn_at=timezone.now())
