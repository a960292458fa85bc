from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from config.errors import Rejected
from jobs.models import Job
from retrieval.experiments.services import comparing
from retrieval.experiments.services.comparing import compared, submit_test
from retrieval.experiments.services.comparing import test_of as stored_test
from retrieval.models import Dataset, Run
from tests.retrieval.world import World, done, failed, replaced, started

pytestmark = pytest.mark.django_db


def pair() -> list[Run]:
    return list(Run.objects.select_related("experiment__dataset", "model").order_by("pk")[:2])


def test_figures_of_each_run_stand_in_a_row_with_their_intervals(world: World) -> None:
    found = compared(pair())
    assert found["titles"] == ["SoftTriple (seed 0)", "Multi-Similarity (seed 0)"]
    rows = {row["name"]: row["cells"] for row in found["metrics"]}
    for cell, run in zip(rows["MAP@R"], pair(), strict=True):
        assert cell["value"] == run.metrics["map_at_r"] and cell["low"] <= cell["value"] <= cell["high"]
    assert found["warnings"] == [] and found["differing"] == ["loss", "parameters"]


def test_what_protocols_differ_in_is_marked_comes_first_and_is_warned_of(world: World) -> None:
    other = started(world.dataset, ("soft_triple",), epochs=2, name="Longer").runs.get()
    found = compared([pair()[0], other])
    assert found["titles"] == ["Small: SoftTriple (seed 0)", "Longer: SoftTriple (seed 0)"]
    assert found["protocol"][0] == {"name": "epochs", "values": [1, 2], "differs": True}
    [warning] = found["warnings"]
    assert "Epochs" in warning
    assert all(cells[1] is None for cells in (row["cells"] for row in found["metrics"]))


def test_a_protocol_stored_before_a_field_existed_does_not_differ_by_it(world: World) -> None:
    other = started(world.dataset, ("soft_triple",), name="Earlier")
    del other.protocol["horizontal_flip"]
    other.save()
    found = compared([pair()[0], other.runs.get()])
    assert found["warnings"] == [] and "horizontal_flip" not in found["differing"]


def test_runs_of_different_data_sets_are_warned_of_and_not_tested(world: World) -> None:
    first, second = pair()
    other = started(world.dataset, ("soft_triple",), name="Elsewhere")
    Run.objects.filter(pk=second.pk).update(experiment=other, seed=1)
    other.dataset = Dataset.objects.create(name="Other", slug="other", source="wings", revision=1)
    other.save()
    assert "different data sets" in compared(pair())["warnings"][0]
    with pytest.raises(Rejected, match="needs the same queries"):
        submit_test(pair(), by=None)


@pytest.mark.parametrize("count", [0, 1, 13])
def test_too_few_or_too_many_are_refused(world: World, count: int) -> None:
    with pytest.raises(Rejected, match=f"Select 2 to 12 runs to compare; you selected {count}"):
        compared([pair()[0]] * count)


def test_differences_are_tested_by_a_job_once(world: World, curator: User) -> None:
    job = submit_test(pair(), by=curator)
    assert submit_test(pair()[::-1], by=curator) == job
    assert comparing.test_rows(pair(), job) is None
    done(job)
    tests = comparing.test_rows(pair(), stored_test(pair()))
    assert tests is not None and tests[0]["queries"] == len(world.test_images)
    [table, _] = tests
    [tested] = table["pairs"]
    first, second = (run.metrics["map_at_r"] for run in pair())
    assert tested["difference"] == pytest.approx(first - second, abs=1e-6)
    assert tested["low"] is not None and tested["low"] < tested["difference"] < (tested["high"] or 0)
    assert (tested["p"], tested["p_adjusted"], tested["conclusion"], tested["seeds"]) == (None, None, "one seed", 1)
    assert (tested["first"], tested["second"]) == ("SoftTriple (seed 0)", "Multi-Similarity (seed 0)")


def test_a_run_that_is_not_finished_is_not_tested(world: World) -> None:
    other = started(world.dataset, ("soft_triple",)).runs.get()
    with pytest.raises(Rejected, match="has no metrics yet"):
        submit_test([pair()[0], other], by=None)
    assert not Job.objects.filter(kind="compare").exists()


def test_missing_scores_are_told_of(world: World) -> None:
    (world.models[1].folder / "per_query.npz").unlink()
    with pytest.raises(Rejected, match=r"scores of each query of Multi-Similarity \(seed 0\) are missing"):
        submit_test(pair(), by=None)


def test_runs_with_other_queries_are_not_tested(world: World) -> None:
    file = world.models[1].folder / "per_query.npz"
    stored: dict[str, Any] = dict(np.load(file))
    replaced(file, b"")
    np.savez_compressed(file, **{**stored, "ids": stored["ids"] + 1})
    with pytest.raises(Rejected, match="has other queries than"):
        submit_test(pair(), by=None)


def test_a_run_that_goes_meanwhile_fails_the_test_with_a_sentence(world: World) -> None:
    job = submit_test(pair(), by=None)
    Job.objects.filter(pk=job.pk).update(payload={"runs": [pair()[0].pk, 10**6]})
    job.refresh_from_db()
    assert "one of the runs was deleted" in failed(job)
    assert comparing.test_rows(pair(), job) is None


def test_untrained_baselines_are_tested_against_each_other(world: World) -> None:
    Run.objects.filter(pk=pair()[0].pk).update(loss="untrained")
    Run.objects.filter(pk=pair()[1].pk).update(loss="half_whitened_pca")
    job = submit_test(pair(), by=None)
    done(job)
    [table, _] = comparing.test_rows(pair(), job) or []
    [tested] = table["pairs"]
    assert tested["p"] is not None and tested["p"] <= (tested["p_adjusted"] or 0) <= 1
    assert tested["conclusion"] in ("better", "worse", "cannot tell") and not table["is_old"]


@pytest.mark.parametrize("key", ["conclusion", "verdict"])  # release 0.1 said verdict
def test_earlier_results_keep_their_differences_and_no_conclusion(world: World, key: str) -> None:
    first, second = (str(run.pk) for run in pair())
    old = {"first": first, "second": second, "difference": 0.1, "p": 0.2, "holm": 0.2, "seeds": 1, key: "better"}
    job = submit_test(pair(), by=None)
    result = {"queries": 24, "classes": 4, "pairs": {"map_at_r": [old]}}
    Job.objects.filter(pk=job.pk).update(state="succeeded", finished_at=timezone.now(), result=result)
    [test] = comparing.tests_by_run(stored_test(pair())) or []
    assert test["is_old"] and test["pairs"] == [
        {
            "first": int(first), "second": int(second), "difference": 0.1, "low": None, "high": None, "p": None,
            "p_adjusted": None, "seeds": 1, "conclusion": "one seed",
        }
    ]  # fmt: skip
    assert submit_test(pair(), by=None) != job, "it can be computed again"


def test_the_page_shows_old_and_new_results(world: World, curator_client: Client) -> None:
    page = f"{reverse('compare')}?run={pair()[0].pk}&run={pair()[1].pk}"
    job = submit_test(pair(), by=None)
    done(job)
    text = curator_client.get(page).content.decode()
    assert text.count('data-conclusion="one seed"') == 2 and "data-submit" not in text.split('id="tests"')[1]
    job.refresh_from_db()
    [stored] = job.result["pairs"]["map_at_r"]
    old = {name: stored[name] for name in ("first", "second", "difference", "seeds")}
    result = job.result | {"pairs": {"map_at_r": [old | {"p": 0.2, "holm": 0.2, "conclusion": "better"}]}}
    Job.objects.filter(pk=job.pk).update(result=result)
    text = curator_client.get(page).content.decode()
    assert text.count('data-conclusion="one seed"') == 1 and "data-submit" in text.split('id="tests"')[1]
