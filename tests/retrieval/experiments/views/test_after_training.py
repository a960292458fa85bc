"""After a training: models are published from their experiment, settings have names, lists are filtered."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from mlcore.config import Protocol
from retrieval.experiments.services import field_titles
from retrieval.experiments.services.starting import start_experiment
from retrieval.models import Experiment, Index, Model
from retrieval.pages import demo
from tests.retrieval.world import World, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def unpublished(world: World) -> Experiment:
    Model.objects.update(published=False)
    Experiment.objects.update(publish=False)
    return Experiment.objects.get()


def test_the_best_is_published_from_the_experiment(
    world: World, unpublished: Experiment, curator_client: Client
) -> None:
    address, place = reverse("experiment", args=[unpublished.pk]), reverse("experiment-publish", args=[unpublished.pk])
    page = curator_client.get(address).content.decode()
    scores = {model.pk: model.metrics["map_at_r"] for model in world.models if model.metrics}
    best = Model.objects.get(pk=max(scores, key=lambda pk: scores[pk]))
    assert "Publish the best" in page and best.name in page
    assert curator_client.post(place, {"model": "best"})["Location"] == f"{address}#runs-title"
    assert list(Model.objects.filter(published=True)) == [best]
    page = curator_client.get(address).content.decode()
    assert "Publish the best" not in page and 'name="unpublish"' in page
    curator_client.post(place, {"model": best.pk, "unpublish": "1"})
    assert not Model.objects.filter(published=True).exists()


def test_nothing_is_published_without_an_index_or_from_elsewhere(
    world: World, unpublished: Experiment, curator_client: Client, member_client: Client
) -> None:
    other = started(world.dataset)
    place = reverse("experiment-publish", args=[other.pk])
    assert curator_client.post(place, {"model": world.models[0].pk}).status_code == 404
    assert "no model can be published" in curator_client.post(place, {"model": "best"}, follow=True).content.decode()
    Index.objects.update(active=False)
    page = curator_client.get(reverse("experiment", args=[unpublished.pk])).content.decode()
    assert "index not ready" in page and "Publish the best" not in page
    assert member_client.post(place, {"model": "best"}).status_code == 403


def test_models_stay_unpublished_by_default(world: World, curator_client: Client) -> None:
    assert not Experiment._meta.get_field("publish").default
    answer = curator_client.get(reverse("experiment-new")).content.decode()
    assert re.search(r'<input type="checkbox" name="publish"[^>]*checked', answer) is None


def test_the_demo_publishes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr(demo.starting, "start_experiment", lambda **values: given.update(values) or "started")
    demo.start_training(world.dataset, "")
    assert given["publish"] is True
    with pytest.raises(TypeError):
        start_experiment()  # type: ignore[call-arg]


def test_an_experiment_starts_on_what_the_form_fills_in(world: World, curator_client: Client) -> None:
    page = curator_client.get(reverse("experiment-new")).content.decode()
    chosen = dict(re.findall(r'<select name="(\w+)".*?<option value="([^"]*)" selected', page, re.DOTALL))
    boxes = re.findall(r'name="losses" value="(\w+)" checked', page)
    assert chosen["dataset"] == str(world.dataset.pk) and chosen["preset"] in ("frozen-features", "demo")
    values = {"dataset": chosen["dataset"], "preset": chosen["preset"], "weights": chosen.get("weights", "")}
    answer = curator_client.post(reverse("experiment-new"), {**values, "losses": boxes, "seeds": "0", "name": ""})
    assert answer.status_code == 302
    experiment = Experiment.objects.first()
    assert experiment is not None and experiment.name == f"{chosen['preset']} on Wings"
    assert experiment.protocol["dim"] < len(world.train_images), "it fits the few pictures"
    again = curator_client.post(reverse("experiment-new"), {**values, "losses": boxes, "seeds": "0", "name": ""})
    assert again.status_code == 302 and Experiment.objects.filter(name__endswith="on Wings (2)").exists()


def test_every_field_of_a_protocol_has_a_title_and_a_meaning(world: World, curator_client: Client) -> None:
    assert set(field_titles.FIELDS) == set(Protocol.__dataclass_fields__)
    page = curator_client.get(reverse("experiment", args=[Experiment.objects.get().pk])).content.decode()
    assert "Head rate factor" in page and "<code>head_rate_factor</code>" in page
    main, others = field_titles.settings_of({"epochs": 3, "of_a_later_version": 1})
    assert [row.title for row in (*main, *others)] == ["Epochs", "of_a_later_version"]
    run = Experiment.objects.get().runs.get(loss="soft_triple")
    text = curator_client.get(reverse("run", args=[run.pk])).content.decode()
    assert "gamma" in text and field_titles.parameters_of(run)[0].meaning in text


def test_lists_are_filtered_by_name_data_set_protocol_and_state(world: World, curator_client: Client) -> None:
    small, other = Experiment.objects.get(), started(world.dataset, name="Other")

    def listed(query: str) -> list[int]:
        page = curator_client.get(f"{reverse('experiments')}?{query}").content.decode()
        return [int(pk) for pk in re.findall(r'<th scope="row"><a href="/lab/experiments/(\d+)/"', page)]

    assert listed("") == [other.pk, small.pk]
    assert listed("q=oth") == [other.pk] and listed("q=%00") == [other.pk, small.pk]
    assert listed("dataset=wings&protocol=demo+%28changed%29") == [other.pk, small.pk]
    assert listed("dataset=nothing") == [] == listed("protocol=nothing")
    assert listed("state=active") == [other.pk] and listed("state=finished") == [small.pk]
    assert listed("state=failed") == [] == listed("state=archived")


def test_models_are_filtered(world: World, curator_client: Client) -> None:
    first, second = world.models
    Model.objects.filter(pk=first.pk).update(published=False)

    def listed(query: str) -> list[int]:
        page = curator_client.get(f"{reverse('models')}?{query}").content.decode()
        return [int(pk) for pk in re.findall(r'<a href="/lab/models/(\d+)/"', page)]

    assert listed("") == [second.pk, first.pk] == listed("q=small")
    assert listed("state=published") == [second.pk] and listed("state=unpublished") == [first.pk]
    assert listed("loss=soft_triple&dataset=wings") == [first.pk]
    assert listed("state=suspended") == []


def test_a_training_job_leads_on(world: World, curator_client: Client) -> None:
    run = Experiment.objects.get().runs.all()[0]
    page = curator_client.get(reverse("job", args=[run.job_id])).content.decode()
    steps = page[page.index('id="job-steps"') :]
    assert steps.index(reverse("experiment", args=[run.experiment_id])) < steps.index("</p>")
    importing = curator_client.get(reverse("job", args=[world.dataset.job_id])).content.decode()
    assert f"{reverse('experiment-new')}?dataset={world.dataset.pk}" in importing
