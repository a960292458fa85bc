import pytest

from retrieval.experiments.services import cloning
from retrieval.experiments.services.options import make_protocol
from retrieval.models import Experiment
from tests.retrieval.world import SMALL, World, started

pytestmark = pytest.mark.django_db


def test_a_form_is_filled_like_an_experiment(world: World) -> None:
    experiment = started(
        world.dataset,
        ("soft_triple", "untrained"),
        epochs=3,
        seeds=[0, 4],
        params={"soft_triple": {"gamma": 0.25}},
        trials=2,
        validation_classes=2,
        publish=False,
    )
    values = cloning.form_values(experiment)
    assert values["name"] == "Small (copy)" and values["preset"] == "demo" and not values["publish"]
    assert values["losses"] == ["soft_triple", "untrained"] and values["seeds"] == "0 4"
    assert values["params"] == "soft_triple.gamma=0.25" and (values["trials"], values["validation_classes"]) == (2, 2)
    changes = dict(line.split("=") for line in values["changes"].splitlines())
    assert changes == {name: str(value) for name, value in {**SMALL, "epochs": 3}.items()}
    assert make_protocol(values["preset"], changes, "").to_json() == experiment.protocol


def test_a_protocol_that_is_no_preset_any_more_is_told_by_all_its_differences(world: World) -> None:
    experiment = Experiment.objects.get()
    experiment.protocol["name"] = "gone"
    values = cloning.form_values(experiment)
    changes = dict(line.split("=") for line in values["changes"].splitlines())
    made = make_protocol(values["preset"], changes, "").to_json()
    assert {**made, "name": ""} == {**experiment.protocol, "name": ""}


def test_an_experiment_from_before_a_field_of_the_protocol_is_cloned_with_what_it_did_then(world: World) -> None:
    experiment = Experiment.objects.get()
    experiment.protocol |= {"crop_scale": 1}
    del experiment.protocol["horizontal_flip"]
    values = cloning.form_values(experiment)
    changes = dict(line.split("=") for line in values["changes"].splitlines())
    assert make_protocol(values["preset"], changes, "").horizontal_flip == 0
