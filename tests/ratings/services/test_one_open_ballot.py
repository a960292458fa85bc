"""A person has one open ballot, however many requests ask for one at the same moment."""

import importlib
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts.models import User
from ratings.models import Ballot
from ratings.services import ballots
from retrieval.models import Search
from retrieval.search.services.run_search import system_search
from tests.racing import at_once
from tests.retrieval.world import World

pytestmark = pytest.mark.services


@pytest.mark.django_db(transaction=True)
def test_twenty_requests_at_once_open_one(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    models = list(ballots._contests(member)[world.dataset])
    for image in world.test_images[:4]:
        system_search(image, models, ballots.RESULTS)
    monkeypatch.setattr(ballots, "_new_query", lambda user, contests: None)  # the engine bounds how many ask at once
    given = at_once([lambda: ballots.next_ballot(member)] * 20)
    assert all(isinstance(ballot, Ballot) for ballot in given), given
    assert len({ballot.pk for ballot in given}) == Ballot.objects.count() == 1


@pytest.mark.django_db
def test_a_ballot_on_a_hidden_query_gives_way_to_the_next(world: World, member: User) -> None:
    first = ballots.next_ballot(member)
    world.dataset.images.filter(pk=first.search.query_image_id).update(hidden=True)
    second = ballots.next_ballot(member)
    assert second.search_id != first.search_id
    assert list(Ballot.objects.filter(who=member)) == [second]


@pytest.mark.django_db(transaction=True)
def test_of_several_open_ballots_of_before_the_newest_stays(member: User, other_member: User) -> None:
    [constraint] = [rule for rule in Ballot._meta.constraints if rule.name == "one_open_ballot_a_person"]
    with connection.schema_editor() as editor:
        editor.remove_constraint(Ballot, constraint)
    try:
        made = [Ballot.objects.create(who=member, search=Search.objects.create(k=1), order=[]) for _ in range(3)]
        theirs = Ballot.objects.create(who=other_member, search=made[0].search, order=[])
        for age, ballot in enumerate(made):
            Ballot.objects.filter(pk=ballot.pk).update(shown_at=timezone.now() - timedelta(days=age))
        voted = Ballot.objects.create(
            who=member, search=Search.objects.create(k=1), order=[], voted_at=timezone.now()
        )  # fmt: skip
        importlib.import_module("ratings.migrations.0004_one_open_ballot").keep_the_newest(apps, None)
        assert set(Ballot.objects.all()) == {made[0], theirs, voted}
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(Ballot, constraint)
