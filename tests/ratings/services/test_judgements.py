"""Marks as graded judgements: which count, how several people's become one grade, and what is hidden since."""

import io
import zipfile
from urllib.parse import unquote

import ir_measures
import pytest

from accounts.models import User
from ratings.services import exports, judged_metrics
from ratings.services.judgements import judgements_of
from ratings.services.trec_files import picture_id
from retrieval.datasets.services.curating import set_hidden
from retrieval.models import Dataset, Image, Mark, Ranking, Search
from retrieval.registry.services.visibility import set_published
from retrieval.search.services.marks import mark
from tests.conftest import person
from tests.ratings.services.test_ballots import rated
from tests.retrieval.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.services]


def graded(world: World, member: User, *values: int) -> Ranking:
    """Rate a ballot and mark the first results of its first column."""
    ranking = rated(member).search.rankings.all()[0]
    for image, value in zip(ranking.image_ids, values, strict=False):
        mark(member, ranking, image, value)
    return ranking


def query_of(ranking: Ranking) -> Image:
    query = ranking.search.query_image
    assert query is not None
    return query


def grades(user: User, ranking: Ranking) -> list[int | None]:
    of_query = judgements_of(user, query_of(ranking).dataset).grades.get(query_of(ranking).pk, {})
    return [of_query.get(image) for image in ranking.image_ids]


def files(user: User, dataset: Dataset) -> tuple[str, dict[str, str]]:
    archive = zipfile.ZipFile(io.BytesIO(exports.export_of(user, dataset, "runs.zip")))
    runs = {name: archive.read(name).decode() for name in archive.namelist()}
    return exports.export_of(user, dataset, "qrels.txt").decode(), runs


def test_before_any_mark_there_are_runs_and_no_grades(world: World, member: User) -> None:
    assert files(member, world.dataset) == ("", {})
    rated(member)
    qrels, runs = files(member, world.dataset)
    assert qrels == "" and len(runs) == 2
    table = judged_metrics.judged_table(member, world.dataset)
    assert (table.rows, table.no_rows, table.queries) == ([], "no_marks", 0)


def test_a_grade_is_the_median_of_peoples_marks_rounded_down(world: World, member: User) -> None:
    ranking = graded(world, member, 2, 0, 2, 1)
    for number, values in enumerate([(1, 2, 2), (0, 2), (0, 2)]):
        other = person(f"rater{number}", "member")
        for image, value in zip(ranking.image_ids, values, strict=False):
            mark(other, ranking, image, value)
    # of 2 1 0 0; of 0 2 2 2; of 2 2; of 1
    assert grades(member, ranking)[:5] == [0, 2, 2, 1, None]
    judgements = judgements_of(member, world.dataset)
    assert (judgements.marks, judgements.people) == (11, 4)


def test_a_person_has_one_mark_for_a_picture_whichever_model_returned_it(world: World, member: User) -> None:
    first, second = rated(member).search.rankings.all()
    image = next(iter(set(first.image_ids) & set(second.image_ids)))
    mark(member, first, image, 0)
    mark(member, second, image, 2)
    judgements = judgements_of(member, world.dataset)
    assert judgements.grades == {query_of(first).pk: {image: 2}} and judgements.marks == 1


def test_marks_in_ones_own_searches_count_for_a_query_of_ballots(world: World, member: User) -> None:
    ranking = graded(world, member)
    query, images = query_of(ranking), ranking.image_ids
    for value, changes in ((2, {}), (0, {"box": [0, 0, 0.5, 0.5]}), (0, {"more": [images[1]]})):
        search = world.ask(member, image=query, k=8)
        Search.objects.filter(pk=search.pk).update(**changes or {"name": "whole"})
        own = search.rankings.get(model=ranking.model)
        both = next(image for image in own.image_ids if image in images)
        mark(member, own, both, value)
        assert judgements_of(member, world.dataset).grades == {query.pk: {both: 2}}
        Mark.objects.exclude(value=2).delete()
    elsewhere = world.ask(member, image=next(image for image in world.test_images if image != query)).rankings.all()[0]
    mark(member, elsewhere, elsewhere.image_ids[0], 2)
    assert judgements_of(member, world.dataset).grades.keys() == {query.pk}, "the runs have no such query"


def test_what_is_hidden_or_deleted_since_is_in_no_file(world: World, member: User, curator: User) -> None:
    ranking = graded(world, member, 2, 1, 0)
    before = judgements_of(member, world.dataset).runs[ranking.model][query_of(ranking).pk]
    set_hidden(world.dataset, ranking.image_ids[:1], True, by=curator)
    gone = Image.objects.get(pk=ranking.image_ids[1])
    Image.objects.filter(pk=gone.pk).delete()
    assert grades(member, ranking)[:3] == [None, None, 0]
    assert judgements_of(member, world.dataset).runs[ranking.model][query_of(ranking).pk] == before[2:]
    qrels, runs = files(member, world.dataset)
    assert gone.path not in qrels and all(gone.path not in run for run in runs.values())
    assert judged_metrics.judged_table(member, world.dataset).judgements == 1
    set_hidden(world.dataset, [query_of(ranking).pk], True, by=curator)
    assert files(member, world.dataset)[0] == "" and judged_metrics.judged_table(curator, world.dataset).rows == []


def test_models_that_are_not_published_are_in_no_file_of_members(world: World, member: User, curator: User) -> None:
    ranking = graded(world, member, 2)
    set_published(ranking.model, False)
    qrels, runs = files(member, world.dataset)
    assert qrels == "" and not any(name.endswith(f"-{ranking.model_id}.run") for name in runs)
    assert len(files(curator, world.dataset)[1]) == 2


def test_the_table_is_what_ir_measures_reads_in_the_files(world: World, member: User) -> None:
    for values in ((2, 0, 1), (0, 0), (1, 2, 2, 0)):
        graded(world, member, *values)
    qrels, runs = files(member, world.dataset)
    measures = [ir_measures.nDCG @ 8, ir_measures.Judged @ 8, ir_measures.Bpref]
    table = judged_metrics.judged_table(member, world.dataset)
    assert (table.queries, table.irrelevant_queries, table.judgements, table.same_queries) == (3, 1, 9, True)
    assert [row.ndcg for row in table.rows] == sorted((row.ndcg for row in table.rows), reverse=True)
    for row in table.rows:
        [run] = [text for name, text in runs.items() if name.endswith(f"-{row.model}.run")]
        found = ir_measures.calc_aggregate(measures, ir_measures.read_trec_qrels(qrels), ir_measures.read_trec_run(run))
        assert [row.ndcg, row.judged, row.bpref] == pytest.approx([found[measure] for measure in measures])
        assert (row.low, row.no_interval) == (None, "few_queries") and "10 queries; 3" in row.no_interval_text


def test_a_picture_id_has_no_white_space_and_can_be_read_back() -> None:
    for path in ("owls/1.jpg", "Ä öwls/100%20.jpg", "a\u2028b\t.png"):
        assert len(picture_id(path).split()) == 1 and unquote(picture_id(path)) == path
    assert picture_id("Ä öwls/100%.jpg") == "Ä%20öwls/100%25.jpg"
