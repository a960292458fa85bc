import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from mlcore.losses import LOSSES
from retrieval.experiments.services import losses as services
from retrieval.experiments.services import toys
from retrieval.models import Dataset, Model
from tests.retrieval.world import World


def names(**wanted: str) -> list[str]:
    return [row["name"] for row in services.algorithms(**wanted)]


DRAWN = [name for name in LOSSES if toys.run_of(name)]


def test_every_loss_and_baseline_is_listed_with_its_picture() -> None:
    rows = services.algorithms()
    assert len(rows) == len(LOSSES) + 2
    assert DRAWN and all(bool(row["picture"]) == (row["name"] in DRAWN) for row in rows)


def test_a_question_finds_losses_that_say_all_of_its_words() -> None:
    assert names(words="softtriple iccv") == ["soft_triple"]
    assert set(names(words="angle", family="classification")) == {"arc_face", "sub_center_arc_face"}
    assert names(words="angle", family="ranking") == [] == names(words="no such words")
    assert names(family="not trained") == ["untrained", "half_whitened_pca"]


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_its_formula_as_mathml(name: str) -> None:
    loss = services.algorithm(name)
    assert loss is not None and len(loss["lines"]) == 1 + len(LOSSES[name].where)
    for drawn in [*loss["lines"], *loss["explained"], *loss["parameters"]]:
        assert drawn["mathml"].startswith("<math") and "\\" not in drawn["mathml"]


@pytest.mark.parametrize("name", DRAWN)
def test_a_loss_with_a_stored_run_is_drawn_at_its_start_middle_and_end(name: str) -> None:
    loss = services.algorithm(name)
    assert loss is not None
    moments = loss["picture"]["moments"]
    assert [moment["step"] for moment in moments] == [0, 120, 240]
    for moment in moments:
        assert sum((own["near"] + own["far"]).count("M") for own in moment["classes"]) == 48
        assert all(bool(own["proxies"]) == LOSSES[name].has_proxies for own in moment["classes"])


def test_what_is_not_trained_has_neither_formula_nor_picture() -> None:
    loss = services.algorithm("untrained")
    assert loss is not None and loss["lines"] == [] and loss["picture"] is None
    assert services.algorithm("nothing") is None


def test_results_are_those_of_the_models_a_person_may_see(world: World, member: User, curator: User) -> None:
    rows = services.results_of("soft_triple", AnonymousUser())
    assert [row["model"].name for row in rows] == ["SoftTriple"]
    [first, last] = rows[0]["figures"]
    assert 0 <= first.low <= first.value <= first.high <= 1 and last.value == rows[0]["headline"]
    assert [title for title, _ in rows[0]["curves"]][0] == "Training loss"
    assert services.results_of("circle", curator) == []
    Dataset.objects.update(public=False)
    assert services.results_of("soft_triple", AnonymousUser()) == []
    assert len(services.results_of("soft_triple", member)) == 1
    Model.objects.update(published=False)
    assert services.results_of("soft_triple", member) == []
    assert len(services.results_of("soft_triple", curator)) == 1
