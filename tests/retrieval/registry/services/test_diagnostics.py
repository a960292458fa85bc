import pytest

from retrieval.models import Image, Run
from retrieval.registry.services import diagnostics as services
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


def test_every_figure_has_its_interval_where_there_is_one(world: World) -> None:
    metrics = world.models[0].run.metrics
    rows = {row["name"]: row for row in services.metric_rows(metrics)}
    assert rows["MAP@R"]["value"] == metrics["map_at_r"]
    assert [rows["Recall@1"][end] for end in ("low", "high")] == metrics["intervals"]["recall_at_1"]
    bare = services.metric_rows({**metrics, "intervals": {}})
    assert all(row["low"] is None and row["high"] is None for row in bare)


def test_the_worst_queries_come_with_their_pictures_and_what_they_got(world: World) -> None:
    model = world.models[0]
    details = services.details_of(model)
    assert details is not None
    found = services.mistakes_of(model, details)
    assert len(found["worst_queries"]) == len(details["worst_queries"]) > 0
    for query in found["worst_queries"]:
        assert query["image"].label == query["label"] and query["image"].split == "test"
        for result in query["results"]:
            assert result["image"].pk == result["id"] != query["id"]
            assert result["is_right"] == (result["image"].label == query["image"].label)
    assert [entry["name"] for entry in found["classes"]] == [
        world.dataset.class_names[entry["label"]] for entry in details["classes"]
    ]
    assert all(hub["image"].pk == hub["id"] for hub in found["hubs"])


def test_pictures_deleted_since_are_left_out(world: World) -> None:
    model = world.models[0]
    details = services.details_of(model)
    assert details is not None
    gone = details["worst_queries"][0]["id"]
    Image.objects.filter(pk=gone).delete()
    found = services.mistakes_of(model, details)
    assert len(found["worst_queries"]) == len(details["worst_queries"]) - 1
    shown = [result["id"] for query in found["worst_queries"] for result in query["results"]]
    assert gone not in shown and gone not in [hub["id"] for hub in found["hubs"]]


def test_twins_of_training_pictures_are_shown_in_pairs(world: World) -> None:
    model, measured, trained = world.models[0], world.test_images[0], world.train_images[0]
    details = services.details_of(model)
    assert details is not None
    pair = {"measured": measured.pk, "trained": trained.pk, "correlation": 0.98}
    [found] = services.mistakes_of(model, {**details, "near_duplicates": [pair]})["near_duplicates"]
    assert (found["measured"], found["trained"], found["correlation"]) == (measured, trained, 0.98)


def test_a_model_made_before_has_no_diagnostics_and_no_error(world: World) -> None:
    model = world.models[0]
    (model.folder / "diagnostics.json").unlink()
    assert services.details_of(model) is None
    assert services.shape_of({"map_at_r": 0.5}) == []


def test_the_shape_of_a_space_is_named_and_explained(world: World) -> None:
    shape = {
        entry["title"]: entry for entry in services.shape_of({"diagnostics": {"hubness": 1.234, "never_found": 0.5}})
    }
    assert shape["Hubness"]["text"] == "1.234" and "Radovanović" in shape["Hubness"]["meaning"]
    assert shape["Never found"]["text"] == "50.0" and len(shape) == 2


def test_a_training_tells_its_loss_its_gradients_and_its_warnings() -> None:
    history = [
        {"epoch": 1, "loss": 2.0, "network_gradient_norm": 0.5, "proxy_gradient_norm": None, "warnings": []},
        {"epoch": 2, "loss": 1.0, "network_gradient_norm": 0.25, "warnings": ["the proxies do not move"]},
    ]
    found = services.training_of(Run(history=history))
    assert found["curves"] == [("Training loss", [2.0, 1.0]), ("Gradient norm of the network", [0.5, 0.25])]
    assert found["warnings"] == [{"epoch": 2, "text": "the proxies do not move"}]
    assert services.training_of(Run(history=[])) == {"curves": [], "warnings": []}
