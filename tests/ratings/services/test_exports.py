import csv
import io
import json

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.services import delete_account
from ratings.models import Ballot, BlindScore
from ratings.services import exports
from retrieval.models import Dataset, Mark
from retrieval.registry.services.visibility import set_published
from retrieval.search.services.marks import mark
from tests.ratings.services.test_ballots import rated
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def table(user: User, dataset: Dataset, part: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exports.export_of(user, dataset, part).decode(), newline="")))


@pytest.fixture
def said(world: World, member: User, other_member: User) -> World:
    """Two people have voted; one has marked an answer to a picture of the gallery, one to their own."""
    rated(member, 4)
    rated(other_member, 2)
    gallery, own = world.ask(member), world.ask(other_member, upload=jpeg())
    mark(member, gallery.rankings.all()[0], gallery.rankings.all()[0].image_ids[1], 2)
    mark(other_member, own.rankings.all()[1], own.rankings.all()[1].image_ids[0], 0)
    return world


def test_ratings_say_which_column_got_what(said: World, member: User) -> None:
    rows = table(member, said.dataset, "ratings.csv")
    assert len(rows) == BlindScore.objects.count() == 4
    for row, score in zip(rows, BlindScore.objects.order_by("pk"), strict=True):
        assert row["rating"] == str(score.score) and row["model"] == str(score.ranking.model_id)
        assert score.ballot.order[int(row["column"]) - 1] == score.ranking_id
        query = score.ballot.search.query_image
        assert query is not None and (row["query_path"], row["query_class_name"]) == (query.path, query.class_name)


def test_ratings_say_how_their_column_was_drawn_unless_it_was_not_recorded(said: World, member: User) -> None:
    first, *_ = table(member, said.dataset, "ratings.csv")
    assert (first["core"], first["propensity"]) == ("0", "1.0")
    Ballot.objects.update(is_core=None, propensities=None)  # as an earlier release stored them
    first, *_ = table(member, said.dataset, "ratings.csv")
    assert (first["core"], first["propensity"]) == ("", "")


def test_marks_say_which_answer_it_was_and_not_whose_picture_was_asked(said: World, member: User) -> None:
    first, second = table(member, said.dataset, "marks.csv")
    assert (first["mark"], first["rank"], first["model_name"]) == ("2", "2", "SoftTriple")
    assert first["query_path"] == said.test_images[0].path
    assert (second["mark"], second["rank"], second["query_path"]) == ("0", "1", "(their own picture)")
    kept = Mark.objects.order_by("pk")[0]
    assert first["path"] == kept.image.path and float(first["similarity"]) == kept.ranking.scores[1]


def test_json_holds_the_same_as_both_tables(said: World, member: User) -> None:
    value = json.loads(exports.export_of(member, said.dataset, "ratings.json"))
    assert value["dataset"] == "Wings"
    for part in ("ratings", "marks"):
        rows = [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in value[part]]
        assert rows == table(member, said.dataset, f"{part}.csv")


def test_a_person_is_one_pseudonym_everywhere_and_nothing_else(
    said: World, member: User, other_member: User, settings: Settings
) -> None:
    ratings, marks = table(member, said.dataset, "ratings.csv"), table(member, said.dataset, "marks.csv")
    names = {exports.pseudonym(member.pk), exports.pseudonym(other_member.pk)}
    assert len(names) == 2 and {row["person"] for row in ratings} == names == {row["person"] for row in marks}
    for part in exports.EXPORTS:
        text = exports.export_of(member, said.dataset, part).decode(errors="replace")
        for person in (member, other_member):
            assert person.email not in text and person.display_name not in text and "example.org" not in text
    settings.SECRET_KEY = "another"
    assert exports.pseudonym(member.pk) not in names, "who has no key cannot try all numbers"


def test_models_that_are_not_published_are_left_out_for_members(said: World, member: User, curator: User) -> None:
    set_published(said.models[0], False)
    assert {row["model_name"] for row in table(member, said.dataset, "ratings.csv")} == {"Multi-Similarity"}
    assert len(table(member, said.dataset, "marks.csv")) == 1
    assert len(table(curator, said.dataset, "ratings.csv")) == 4 and len(table(curator, said.dataset, "marks.csv")) == 2


def test_who_leaves_is_in_no_export(said: World, member: User, other_member: User) -> None:
    gone = exports.pseudonym(member.pk)
    delete_account(member)
    for part in exports.EXPORTS:
        assert gone not in exports.export_of(other_member, said.dataset, part).decode(errors="replace")


def test_only_sets_of_which_something_was_said_are_listed(said: World, member: User) -> None:
    Dataset.objects.create(name="Other", slug="other", source="wings", revision=1)
    found = list(exports.exports(member, Dataset.objects.all()))
    names = ["blind-ratings.csv", "marks.csv", "ratings.json", "qrels.txt", "runs.zip"]
    assert [row.name for row in found] == [f"wings-{name}" for name in names]
    again = list(exports.exports(member, Dataset.objects.all()))
    assert found == again, "the same words have the same checksum"
