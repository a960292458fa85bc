import re

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from retrieval.models import Experiment, Model, Run
from tests.retrieval.world import World, started

pytestmark = pytest.mark.django_db


def page(client: Client, name: str, *args: object) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200, answer
    return answer.content.decode()


def form(world: World, **changes: object) -> dict[str, object]:
    values = {"name": "Mine", "dataset": world.dataset.pk, "preset": "demo", "losses": ["soft_triple"], "seeds": "0"}
    return values | changes


def test_the_lab_shows_everything_there_is(curator_client: Client, world: World) -> None:
    text = page(curator_client, "lab")
    assert all(name in text for name in ("Wings", "Small", "SoftTriple", "Multi-Similarity"))
    assert reverse("model", args=[world.models[0].pk]) in text


def test_an_empty_lab_has_a_page_too(curator_client: Client) -> None:
    page(curator_client, "lab")


@pytest.mark.parametrize(
    "name", ["lab", "experiment-new", "experiment", "experiment-runs", "experiment-tunings", "model"]
)
def test_the_lab_is_for_curators(client: Client, member_client: Client, world: World, name: str) -> None:
    args = [] if name in ("lab", "experiment-new") else [1]
    address = reverse(name, args=args)
    answer = client.get(address)
    assert answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
    assert member_client.get(address).status_code == 403


@pytest.mark.parametrize("name", ["experiment", "experiment-runs", "model"])
def test_what_is_not_there_is_not_found(curator_client: Client, world: World, name: str) -> None:
    assert curator_client.get(reverse(name, args=[10**12])).status_code == 404


# --- a new experiment


def test_the_form_offers_every_loss_with_its_words(curator_client: Client, world: World) -> None:
    text = page(curator_client, "experiment-new")
    assert "SoftTriple" in text and "Half-whitened PCA" in text and "Qian" in text and "fine-tune-small" in text


def test_the_form_lists_weights_with_their_licence_and_warns(curator_client: Client, world: World) -> None:
    text = page(curator_client, "experiment-new")
    assert '<option value="efficientnet_lite0.imagenet.safetensors"' in text
    assert '<option value="hub:vit_small_patch16_dinov3.lvd1689m">' in text and "DINOv3 License" in text
    assert text.count("classes of birds, dogs") == 1


def test_an_experiment_starts_from_weights_of_the_hub(curator_client: Client, world: World) -> None:
    values = form(world, preset="frozen-features", weights="hub:resnet50.a1_in1k", changes="dim=16")
    assert curator_client.post(reverse("experiment-new"), values).status_code == 302
    experiment = Experiment.objects.get(name="Mine")
    assert (experiment.weights, experiment.protocol["weights"]) == ("", "hub:a1_in1k")
    assert experiment.protocol["backbone"] == "resnet50"


def test_the_form_proposes_two_losses_and_the_rows_that_are_not_trained(curator_client: Client, world: World) -> None:
    boxes = re.findall(r'name="losses" value="(\w+)"( checked)?', page(curator_client, "experiment-new"))
    assert {name for name, ticked in boxes if ticked} == {
        "soft_triple", "multi_similarity", "untrained", "half_whitened_pca",
    }  # fmt: skip


def test_the_form_starts_trainings(curator_client: Client, world: World) -> None:
    answer = curator_client.post(
        reverse("experiment-new"), form(world, losses=["soft_triple", "untrained"], seeds="0, 1")
    )
    experiment = Experiment.objects.get(name="Mine")
    assert answer["Location"] == reverse("experiment", args=[experiment.pk])
    assert experiment.runs.count() == 3 and not experiment.publish  # the box was not ticked
    assert Job.objects.filter(state="queued", kind="train").count() == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dataset": "999999"}, "Select a valid choice"),
        ({"dataset": "x"}, "Select a valid choice"),
        ({"preset": "nothing"}, "Select a valid choice"),
        ({"losses": ["nothing"]}, "Select a valid choice"),
        ({"losses": []}, "This field is required"),
        ({"seeds": "one"}, "whole numbers"),
        ({"seeds": "-1"}, "whole numbers"),
        ({"seeds": " ".join(map(str, range(21)))}, "Give 1 to 20"),
        ({"seeds": "9" * 5000}, "whole numbers"),
        ({"weights": "nothing.safetensors"}, "Select a valid choice"),
        ({"changes": "epochs"}, "“epochs” is not valid; give each field once"),
        ({"changes": "epochs=2\nepochs=3"}, "give each field once"),
        ({"changes": "epoch=2"}, "no field &#x27;epoch&#x27;"),
        ({"changes": "epochs=0"}, "epochs must be at least 1"),
        ({"trials": "2", "validation_classes": "1"}, "cannot rank trials"),
        ({"trials": "501"}, "less than or equal to 500"),
        ({"trials": "2", "validation_classes": "3"}, "cannot hold 3 of 4 training classes out"),
    ],
)
def test_a_wrong_form_is_explained_and_starts_nothing(
    curator_client: Client, world: World, change: dict[str, object], sentence: str
) -> None:
    answer = curator_client.post(reverse("experiment-new"), form(world, **change))
    assert answer.status_code == 400 and sentence in answer.content.decode()
    assert Experiment.objects.count() == 1 and not Job.objects.filter(state="queued").exists()


def test_the_form_tunes_and_changes_the_protocol(curator_client: Client, world: World) -> None:
    values = form(world, trials="2", tuning_folds="2", changes="epochs = 3\n\n dim=32 ")
    assert curator_client.post(reverse("experiment-new"), values).status_code == 302
    experiment = Experiment.objects.get(name="Mine")
    assert (experiment.protocol["epochs"], experiment.protocol["dim"]) == (3, 32)
    assert experiment.tuning["folds"] == 2
    assert experiment.trials == 2 and experiment.tunings.get().state == "queued"


# --- an experiment


def test_an_experiment_shows_its_tunings_and_polls_until_they_end(curator_client: Client, world: World) -> None:
    experiment = started(world.dataset, ("soft_triple",), trials=2, validation_classes=2)
    text = page(curator_client, "experiment", experiment.pk)
    job = experiment.tunings.get().job
    assert "0 of 2" in text and reverse("cancel_job", args=[job.pk]) in text
    experiment.runs.update(metrics=experiment.dataset.experiments.last().runs.all()[0].metrics)
    polled = [reverse(name, args=[experiment.pk]) for name in ("experiment-runs", "experiment-tunings")]
    assert [curator_client.get(address).status_code for address in polled] == [200, 200], "tuned runs may come yet"
    curator_client.post(reverse("cancel_job", args=[job.pk]))
    assert [curator_client.get(address).status_code for address in polled] == [286, 286]
    assert reverse("retry_job", args=[job.pk]) in curator_client.get(polled[1]).content.decode()


def test_an_experiment_shows_its_runs_and_protocol(curator_client: Client, world: World) -> None:
    text = page(curator_client, "experiment", Experiment.objects.get().pk)
    assert "SoftTriple" in text and "resnet10t" in text and "succeeded" in text


def test_an_experiment_with_a_frozen_backbone_offers_to_fine_tune_it(curator_client: Client, world: World) -> None:
    experiment = Experiment.objects.get()
    link = f"{reverse('experiment-new')}?fine_tune={experiment.pk}"
    assert link not in page(curator_client, "experiment", experiment.pk)
    experiment.protocol |= {"trains": "head", "weights": "hub", "backbone": "efficientnet_b0"}
    experiment.save()
    assert link in page(curator_client, "experiment", experiment.pk)
    text = curator_client.get(link).content.decode()
    assert '<option value="fine-tune-small" selected>' in text and "backbone=efficientnet_b0" in text


def test_the_polled_part_stops_when_all_runs_ended(curator_client: Client, world: World) -> None:
    finished = reverse("experiment-runs", args=[Experiment.objects.get().pk])
    assert curator_client.get(finished).status_code == 286
    experiment = started(world.dataset)
    working = curator_client.get(reverse("experiment-runs", args=[experiment.pk]))
    assert working.status_code == 200 and "<html" not in working.content.decode()
    cancel = reverse("cancel_job", args=[experiment.runs.all()[0].job_id])
    assert cancel in working.content.decode()
    curator_client.post(cancel)
    text = curator_client.get(reverse("experiment-runs", args=[experiment.pk])).content.decode()
    assert reverse("retry_job", args=[experiment.runs.all()[0].job_id]) in text


def test_a_run_whose_job_is_cleared_away_is_still_shown(curator_client: Client, world: World) -> None:
    experiment = started(world.dataset)
    Job.objects.all().delete()
    assert "cancelled" in page_of_runs(curator_client, experiment)
    assert "succeeded" in page_of_runs(curator_client, Experiment.objects.order_by("pk")[0])


def page_of_runs(client: Client, experiment: Experiment) -> str:
    return client.get(reverse("experiment-runs", args=[experiment.pk])).content.decode()


# --- a model


def test_a_model_shows_its_metrics_and_indexes(curator_client: Client, world: World) -> None:
    model = world.models[0]
    text = page(curator_client, "model", model.pk)
    assert "SoftTriple" in text and text.count("state-running") == 1
    assert f'action="{reverse("model-publish", args=[model.pk])}"' in text


def test_recall_is_shown_at_the_ks_that_were_measured(curator_client: Client, world: World) -> None:
    text = page(curator_client, "model", world.models[0].pk)
    assert all(f">Recall@{k}</th>" in text for k in (1, 2, 4, 8)) and "in a gallery of" not in text
    run = world.models[0].run
    assert run.metrics is not None
    run.metrics |= {"recall_at": {"1": 0.25, "1000": 0.9375, "10": 0.5}, "queries": 14218, "gallery": 12612}
    run.save()
    text = page(curator_client, "model", world.models[0].pk)
    assert re.search(r">Recall@1000</th><td[^>]*>93.8</td>", text) and "Recall@8" not in text
    assert text.index("Recall@10<") < text.index("Recall@1000<") and "in a gallery of 12612" in text
    assert '93.8 <span class="hint">@1000</span>' in page(curator_client, "experiment", run.experiment.pk)


def test_a_model_shows_why_it_earns_what_it_earns(curator_client: Client, world: World) -> None:
    model = world.models[0]
    history = [{"epoch": epoch, "loss": 0.5, "warnings": ["<half> of the batch was idle"]} for epoch in range(1, 6)]
    Run.objects.filter(pk=model.run_id).update(history=history)
    assert "with warnings" in page(curator_client, "experiment", model.run.experiment_id)
    text = page(curator_client, "model", model.pk)
    assert text.count("of the batch was idle") == 3 and "2 more like these, the last in epoch 5" in text
    for said in ("95 % interval", "Hubness", 'id="worst-title"', 'id="hubs-title"', 'id="classes-title"'):
        assert said in text, said
    assert "&lt;half&gt; of the batch was idle" in text and "style=" not in text


def test_a_click_on_a_mistake_opens_the_page_of_the_picture(curator_client: Client, world: World) -> None:
    """A click that searched would lose the place."""
    mistakes = page(curator_client, "model", world.models[0].pk).split('id="worst-title"')[1].split('id="indexes')[0]
    links = re.findall(r'<a class="photo" href="([^"]+)"', mistakes)
    assert len(links) > 10 and "<button" not in mistakes
    assert all(url.startswith(f"/datasets/{world.dataset.slug}/") for url in links)
    assert curator_client.get(links[0]).status_code == 200


def test_similarities_of_mistakes_have_two_decimals(curator_client: Client, world: World) -> None:
    mistakes = page(curator_client, "model", world.models[0].pk).split('id="worst-title"')[1].split('id="hubs')[0]
    similarities = re.findall(r'<span class="hint">(-?\d\.\d+)[,<]', mistakes)
    assert similarities and all(len(text.split(".")[1]) == 2 for text in similarities)


def test_a_model_made_before_diagnostics_says_so(curator_client: Client, world: World) -> None:
    model = world.models[0]
    (model.folder / "diagnostics.json").unlink()
    metrics = {name: value for name, value in model.run.metrics.items() if name not in ("diagnostics", "intervals")}
    Run.objects.filter(pk=model.run_id).update(metrics=metrics)
    text = page(curator_client, "model", model.pk)
    assert "without diagnostics" in text and 'id="worst-title"' not in text


def test_a_curator_unpublishes_and_publishes_a_model(
    curator_client: Client, member_client: Client, world: World
) -> None:
    model = world.models[0]
    address = reverse("model-publish", args=[model.pk])
    assert member_client.post(address).status_code == 403
    for published in (False, True):
        assert curator_client.post(address)["Location"] == reverse("model", args=[model.pk])
        model.refresh_from_db()
        assert model.published is published


def test_publishing_without_an_index_is_explained(curator_client: Client, world: World) -> None:
    model = world.models[0]
    Model.objects.update(published=False)
    model.indexes.update(active=False)
    answer = curator_client.post(reverse("model-publish", args=[model.pk]), follow=True)
    assert "no active index yet" in answer.content.decode()
    assert not Model.objects.filter(published=True).exists()
