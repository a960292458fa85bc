from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import User
from jobs.models import Job
from ratings.services import leaderboard_ranks as ranks
from ratings.services.leaderboard import Section, sections_for
from retrieval.models import Experiment, Model
from tests.ratings.seeds import plant_scores, plant_seed, three_seeds
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db


def section(user: Any, protocol: str = "default") -> Section:
    [only] = sections_for(user, protocol=protocol)
    return only


def after_the_test(user: Any) -> Section:
    section(user)
    done(Job.objects.get(kind=ranks.KIND))
    return section(user)


def test_seeds_are_one_row_with_mean_and_spread(world: World, member: User) -> None:
    three_seeds(world)
    rows = after_the_test(member).rows
    assert [(row.seed_count, row.seed, len(row.seeds)) for row in rows] == [(3, None, 3)] * 2
    first = next(figure for figure in rows[0].figures if figure.is_headline)
    values = [one.headline for one in rows[0].seeds]
    assert first.value == pytest.approx(sum(values) / 3) and first.sd and first.low < first.value < first.high
    assert rows[0].name == "SoftTriple" and [one.seed for one in rows[0].seeds] == [0, 1, 2]


def test_a_job_computes_ranks_and_no_request_does(world: World, member: User, monkeypatch: pytest.MonkeyPatch) -> None:
    three_seeds(world)
    before = section(member)
    assert before.test.state == "running" and {row.not_tested for row in before.rows} == {ranks.RUNNING}
    for user in (member, AnonymousUser()):
        section(user)
    job = Job.objects.get(kind=ranks.KIND)
    done(job)
    monkeypatch.setattr(ranks, "compare_rows", lambda *args: pytest.fail("computed in a request"))
    after = section(member)
    assert [(row.rank, row.rank_low, row.rank_high, row.level_with_best) for row in after.rows] == [
        (1, 1, 1, True),
        (2, 2, 2, False),
    ]
    assert after.best == [after.rows[0]] and Job.objects.filter(kind=ranks.KIND).count() == 1


def test_rows_without_a_significant_difference_share_their_ranks(world: World, member: User) -> None:
    three_seeds(world, 0.5, 0.5)
    rows = after_the_test(member).rows
    assert [(row.rank_low, row.rank_high, row.rank_text, row.level_with_best) for row in rows] == [
        (1, 2, "1–2", True)
    ] * 2


def test_one_seed_is_not_tested_and_says_so(world: World, member: User) -> None:
    alone = section(member)
    assert alone.test.state == "" and not Job.objects.filter(kind=ranks.KIND).exists()
    assert {(row.not_tested, row.rank_low, row.level_with_best) for row in alone.rows} == {(ranks.ONE_SEED, None, None)}
    assert [row.rank_text for row in alone.rows] == ["1", "2"]


def test_a_row_that_cannot_be_placed_widens_the_ranks_of_the_others(world: World, member: User) -> None:
    three_seeds(world)
    plant_seed(world, "triplet", 0, 0.6)
    rows = {row.model.loss: row for row in after_the_test(member).rows}
    assert (rows["soft_triple"].rank_low, rows["soft_triple"].rank_high) == (1, 2)
    assert (rows["multi_similarity"].rank_low, rows["multi_similarity"].rank_high) == (2, 3)
    assert rows["triplet"].not_tested == ranks.ONE_SEED and rows["triplet"].rank_low is None


def test_a_baseline_is_tested_with_one_training(world: World, member: User) -> None:
    three_seeds(world)
    plant_seed(world, "untrained", 0, 0.1)
    rows = after_the_test(member).rows
    assert (rows[-1].model.loss, rows[-1].rank_low, rows[-1].rank_high) == ("untrained", 3, 3)


def test_rows_that_may_be_best_are_those_of_the_job(world: World, member: User) -> None:
    three_seeds(world, 0.5, 0.5)
    plant_seed(world, "untrained", 0, 0.1)
    after_the_test(member)
    table = Job.objects.get(kind=ranks.KIND).result
    best = {row: may for row, may in table["may_be_best"].items() if may}
    rows = section(member).rows
    assert {str(row.model.pk) for row in rows if row.level_with_best} == best.keys() and len(best) == 2
    assert {conclusion for _, _, conclusion in table["pairs"]} <= {"better", "worse", "cannot tell"}


def test_a_table_tested_before_there_was_a_best_set_is_read(world: World, member: User) -> None:
    three_seeds(world)
    after_the_test(member)
    job = Job.objects.get(kind=ranks.KIND)
    Job.objects.filter(pk=job.pk).update(
        result={name: value for name, value in job.result.items() if name != "may_be_best"}
    )
    assert [row.level_with_best for row in section(member).rows] == [True, False]


def test_without_scores_of_queries_a_row_says_so(world: World, member: User) -> None:
    three_seeds(world)
    missing = plant_seed(world, "untrained", 0, 0.1)
    (missing.folder / "per_query.npz").unlink()
    row = next(row for row in after_the_test(member).rows if row.model == missing)
    assert row.not_tested == ranks.NO_SCORES and row.rank_low is None


def test_a_new_training_is_tested_anew(world: World, member: User) -> None:
    three_seeds(world)
    after_the_test(member)
    plant_seed(world, "soft_triple", 3, 0.8)
    again = section(member)
    assert again.test.state == "running" and Job.objects.filter(kind=ranks.KIND).count() == 2


def test_a_test_that_failed_is_not_tried_again(world: World, member: User) -> None:
    three_seeds(world)
    section(member)
    Job.objects.filter(kind=ranks.KIND).update(state="failed", finished_at=timezone.now())
    assert section(member).test.state == "failed" and Job.objects.filter(kind=ranks.KIND).count() == 1


# --- one protocol at a time


def other(world: World, **changes: Any) -> Experiment:
    assert world.models[0].run is not None
    first = world.models[0].run.experiment
    protocol = {**first.protocol, **changes}
    return Experiment.objects.create(name="Other", dataset=world.dataset, protocol=protocol)


def test_protocols_of_one_name_and_other_settings_are_never_one_table(world: World, member: User) -> None:
    plant_seed(world, "soft_triple", 0, 0.9, other(world, epochs=7))
    first, second = sections_for(member, protocol="demo (changed)")
    assert (len(first.rows), len(second.rows)) == (2, 1) and first.is_default and not second.is_default
    assert second.protocol.label == "demo (changed): epochs 7" and first.protocol.label == "demo (changed): epochs 1"
    [alone] = sections_for(member, protocol=second.protocol.value)
    assert alone.protocol == second.protocol
    assert [part.protocol for part in sections_for(member, protocol="default")] == [first.protocol]


def test_protocols_of_equal_settings_are_one_table_whatever_their_names(world: World, member: User) -> None:
    plant_seed(world, "soft_triple", 1, 0.9, other(world, name="Another name"))
    only = section(member, "")
    assert [row.seed_count for row in only.rows if row.model.loss == "soft_triple"] == [2]


def test_the_newest_of_two_protocols_with_as_many_rows_is_shown_first(world: World, member: User) -> None:
    experiment = other(world, epochs=7)
    for loss in ("soft_triple", "multi_similarity"):
        plant_seed(world, loss, 0, 0.5, experiment)
    assert section(member).protocol.label == "demo (changed): epochs 7"


def test_other_parameters_are_another_row(world: World, member: User) -> None:
    model = plant_seed(world, "soft_triple", 1, 0.5)
    assert model.run is not None
    model.run.params = {**model.run.params, "gamma": 0.7}
    model.run.save(update_fields=["params"])
    names = sorted(row.name for row in section(member).rows if row.model.loss == "soft_triple")
    assert len(names) == 2 and any("gamma 0.7" in name for name in names)


def test_external_models_have_a_table_of_their_own_and_are_tested(world: World, member: User) -> None:
    for place, headline in enumerate((0.7, 0.3)):
        model = Model.objects.create(
            dataset=world.dataset, name=f"From {place}", artifact=f"models/external-{place}", dim=4, color=5,
            published=True, weights_sha256=str(place), measured={"recall_at": {"1": 0.5}, "map_at_r": headline},
        )  # fmt: skip
        plant_scores(model, headline)
    assert section(member).protocol.name == "demo (changed)"
    section(member, "external")
    done(Job.objects.get(kind=ranks.KIND))
    assert [row.rank_text for row in section(member, "external").rows] == ["1", "2"]
