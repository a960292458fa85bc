import re

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from retrieval.models import Experiment, Run
from tests.retrieval.world import World, done, started

pytestmark = pytest.mark.django_db


def runs_of(*runs: Run) -> str:
    return "&".join(f"run={run.pk}" for run in runs)


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer
    return answer.content.decode()


@pytest.mark.parametrize("name", ["run", "run-log", "run-curves", "compare", "experiment-now"])
def test_runs_are_for_curators(client: Client, member_client: Client, world: World, name: str) -> None:
    args = [] if name in ("run-curves", "compare") else [1]
    assert client.get(reverse(name, args=args)).status_code == 302
    assert member_client.get(reverse(name, args=args)).status_code == 403


def test_a_run_shows_its_log_its_epochs_and_its_model(curator_client: Client, world: World) -> None:
    run = Run.objects.all()[0]
    shown = text(curator_client, reverse("run", args=[run.pk]))
    assert "attempt 1 begins" in shown and "epoch 1 of 1" in shown and reverse("model", args=[run.model.pk]) in shown
    assert f'data-curves="{reverse("run-curves")}?run={run.pk}"' in shown and "hx-trigger" not in shown
    assert curator_client.get(reverse("run-log", args=[run.pk])).status_code == 286
    assert curator_client.get(reverse("run", args=[10**12])).status_code == 404


def test_an_active_run_polls_its_log(curator_client: Client, world: World) -> None:
    run = started(world.dataset, ("soft_triple",), epochs=7).runs.get()
    assert f'hx-get="{reverse("run-log", args=[run.pk])}"' in text(curator_client, reverse("run", args=[run.pk]))
    assert "Table: epochs" not in text(curator_client, reverse("run-log", args=[run.pk]))
    now = reverse("experiment-now", args=[run.experiment_id])
    assert "no estimate was made" in text(curator_client, now)
    assert text(curator_client, reverse("experiment-now", args=[Experiment.objects.last().pk]), 286)


def test_curves_are_json_of_an_experiment_or_of_chosen_runs(curator_client: Client, world: World) -> None:
    first, second = Run.objects.all()
    whole = curator_client.get(f"{reverse('run-curves')}?experiment={first.experiment_id}").json()
    assert len(whole["runs"]) == 2 and not whole["active"]
    one = curator_client.get(f"{reverse('run-curves')}?{runs_of(second)}&run=x&run={'9' * 40}").json()
    assert [run["title"] for run in one["runs"]] == ["Multi-Similarity (seed 0)"]


@pytest.mark.parametrize(("query", "status"), [("", 200), ("run=1", 400), ("run=x", 200)])
def test_too_few_runs_get_a_sentence_and_the_way(curator_client: Client, world: World, query: str, status: int) -> None:
    query = query.replace("run=1", f"run={Run.objects.all()[0].pk}")
    assert "Select 2 to 12 runs" in text(curator_client, f"{reverse('compare')}?{query}", status)


def test_fields_have_titles_in_a_comparison(curator_client: Client, world: World) -> None:
    shown = text(curator_client, f"{reverse('compare')}?{runs_of(*Run.objects.all())}")
    names = re.findall(r"<dt>([^<]+)</dt>", shown)
    assert "Memory warm-up" in names and not [name for name in names if "_" in name or name[0].islower()]


def test_runs_are_compared_and_tested(curator_client: Client, world: World) -> None:
    address = f"{reverse('compare')}?{runs_of(*Run.objects.all())}"
    shown = text(curator_client, address)
    assert (
        f'action="{reverse("compare-test")}"' in shown
        and "Different fields: Loss, Parameters." in shown
        and 'role="note"' not in shown
    )
    answer = curator_client.post(reverse("compare-test"), {"run": [run.pk for run in Run.objects.all()]})
    assert answer["Location"] == f"{address}#tests-title"
    assert "<progress" in text(curator_client, address)
    polled = curator_client.get(address, headers={"HX-Request": "true"})
    assert polled.status_code == 200 and "<html" not in polled.content.decode()
    done(Job.objects.get(kind="compare"))
    assert curator_client.get(address, headers={"HX-Request": "true"}).status_code == 286
    assert "data-conclusion" in text(curator_client, address)


def test_fields_that_differ_come_first_and_equal_ones_are_folded(curator_client: Client, world: World) -> None:
    shown = text(curator_client, f"{reverse('compare')}?{runs_of(*Run.objects.all())}")
    table, folded = shown.split("Fields that are equal in all runs")
    assert table.count('class="differs"') == 2 and "Batch size" not in table.split("protocol-title")[1]
    assert "Batch size" in folded and "<dt>Seed</dt>" in folded


def test_what_cannot_be_tested_says_why(curator_client: Client, world: World) -> None:
    other = started(world.dataset, ("soft_triple",), epochs=3).runs.get()
    runs = [Run.objects.order_by("pk")[0], other]
    assert 'role="note"' in text(curator_client, f"{reverse('compare')}?{runs_of(*runs)}")
    answer = curator_client.post(reverse("compare-test"), {"run": [run.pk for run in runs]}, follow=True)
    assert "has no metrics yet" in answer.content.decode() and not Job.objects.filter(kind="compare").exists()


# --- the time of a new experiment


def asked(world: World, **changes: object) -> dict[str, object]:
    changed = "short_side=32\ncrop=32\nbatch_size=16\ndim=16\nepochs=2"
    values = {"dataset": world.dataset.pk, "preset": "demo", "losses": ["soft_triple"], "seeds": "0"}
    return {**values, "changes": changed, **changes}


@pytest.mark.usefixtures("children_here")
def test_the_time_is_measured_where_nobody_knows_it(curator_client: Client, world: World) -> None:
    address = reverse("experiment-estimate")
    first = curator_client.post(address, asked(world)).content.decode()
    assert "data-estimate" not in first and "every 2s" in first
    curator_client.post(address, asked(world, changes=f"{asked(world)['changes']}0"))  # 20 epochs: no other probe
    job = Job.objects.get(kind="estimate")
    done(job)
    told = curator_client.post(address, asked(world)).content.decode()
    assert 'data-source="measured"' in told and "every 2s" not in told


def test_a_form_that_is_not_filled_in_says_what_is_missing(curator_client: Client, world: World) -> None:
    for change, sentence in (
        ({"losses": []}, "Losses: This field is required"),
        ({"changes": "crop=0"}, "crop must be"),
    ):
        shown = curator_client.post(reverse("experiment-estimate"), asked(world, **change)).content.decode()
        assert sentence in shown
    assert not Job.objects.filter(kind="estimate").exists()


def test_a_probe_that_failed_says_why_and_can_be_repeated(curator_client: Client, world: World) -> None:
    address = reverse("experiment-estimate")
    curator_client.post(address, asked(world))
    Job.objects.filter(kind="estimate").update(state="failed", error="no such weights", finished_at="2026-01-01T00:00Z")
    shown = curator_client.post(address, asked(world)).content.decode()
    assert "no such weights" in shown and 'name="again"' in shown
    assert "every 2s" in curator_client.post(address, asked(world, again="1")).content.decode()
    assert Job.objects.filter(kind="estimate").count() == 2


def test_the_time_is_not_measured_for_members(member_client: Client, world: World) -> None:
    assert member_client.post(reverse("experiment-estimate"), asked(world)).status_code == 403


def test_the_form_is_filled_in_to_duplicate_an_experiment(curator_client: Client, world: World) -> None:
    like = Experiment.objects.get()
    shown = text(curator_client, f"{reverse('experiment-new')}?like={like.pk}")
    assert "Small (copy)" in shown and "short_side=32" in shown
    assert text(curator_client, f"{reverse('experiment-new')}?like=x")
    assert curator_client.get(f"{reverse('experiment-new')}?like=99999").status_code == 404
