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
    assert values["tuning_folds"] == 0
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


def test_a_frozen_backbone_can_be_fine_tuned_from_the_same_weights(world: World) -> None:
    experiment = Experiment.objects.get()
    assert not cloning.can_be_fine_tuned(experiment)  # its whole network was trained, from scratch
    experiment.protocol |= {"trains": "head", "weights": "local", "backbone": "tf_efficientnet_lite0"}
    experiment.weights = "lite.safetensors"
    assert cloning.can_be_fine_tuned(experiment)
    values = cloning.fine_tuning_values(experiment)
    assert (values["preset"], values["weights"]) == ("fine-tune-small", "lite.safetensors")
    assert values["losses"] == ["soft_triple", "multi_similarity"]
    assert values["changes"] == "dim=23"  # of 24 training pictures


def test_fine_tuning_goes_on_from_weights_of_the_hub(world: World) -> None:
    experiment = Experiment.objects.get()
    experiment.protocol |= {"trains": "head", "weights": "hub:ra_in1k", "backbone": "efficientnet_b0"}
    experiment.dataset.report["train_images"] = 1000
    changes = str(cloning.fine_tuning_values(experiment)["changes"]).splitlines()
    assert changes == ["weights=hub:ra_in1k", "backbone=efficientnet_b0"]
    assert make_protocol("fine-tune-small", dict(line.split("=") for line in changes), "").trains == "all"
