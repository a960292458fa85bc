"""Labels that look wrong are listed for curators, who move pictures to the suggested classes."""

import pytest

from accounts.models import User
from config.errors import Conflict, Rejected
from mlcore.inference.label_issues import LabelCheck, LabelIssue
from retrieval.models import Image, Index
from retrieval.registry.services import label_issues as services
from retrieval.registry.services.label_issues import (
    AT_ONCE,
    accept_suggestions,
    checkable_indexes,
    label_check_of,
    label_report,
)
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def index(world: World) -> Index:
    return world.index_of(world.models[0])


def planted(index: Index, monkeypatch: pytest.MonkeyPatch, count: int = 3) -> list[Image]:
    """Let the first held-out pictures look as if they were of the last class; return them."""
    images = list(index.dataset.images.filter(split="test").order_by("pk")[:count])
    last = index.dataset.images.order_by("-label").first()
    assert last is not None
    issues = tuple(
        LabelIssue(image.pk, image.label, last.label, 0.9 - 0.1 * place, 0.01, (last.pk,))
        for place, image in enumerate(images)
    )
    check = LabelCheck(issues, count, 48, 48, 0.8)
    monkeypatch.setattr(services, "_checked", lambda *given: check)
    for file in index.folder.glob("labels-*.json"):
        file.unlink()
    return images


def test_the_index_job_left_a_check_of_every_picture(index: Index) -> None:
    (file,) = index.folder.glob("labels-*.json")
    check = label_check_of(index, AT_ONCE)
    assert file.exists() and check.checked == check.pictures == 48


def test_a_check_is_made_once_for_a_revision(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(index, monkeypatch)
    before = label_check_of(index, AT_ONCE)
    monkeypatch.setattr(services, "_checked", lambda *given: pytest.fail("made again"))
    assert label_check_of(index, AT_ONCE) == before


def test_a_check_of_another_format_is_made_again(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(index, monkeypatch)
    file = index.folder / f"labels-{index.dataset.revision}.json"
    file.write_text('{"format": 0}')
    assert label_check_of(index, AT_ONCE).found == 3


def test_a_report_names_classes_and_leaves_out_what_is_hidden_or_moved(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = planted(index, monkeypatch)
    names = dict(index.dataset.classes.values_list("label", "name"))
    report = label_report(index)
    assert [row.image.pk for row in report.suggestions] == [first.pk, second.pk, third.pk]
    assert (report.found, report.checked, report.agreement) == (3, 48, 0.8)
    row = report.suggestions[0]
    assert row.suggested_class == names[row.suggested_label] and not row.trained
    assert [image.label for image in row.neighbours] == [row.suggested_label]
    Image.objects.filter(pk=first.pk).update(hidden=True)
    Image.objects.filter(pk=second.pk).update(label=row.suggested_label)
    assert [row.image.pk for row in label_report(index).suggestions] == [third.pk]


def test_a_picture_that_the_model_was_trained_on_says_so(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    images = planted(index, monkeypatch)
    Image.objects.filter(pk=images[0].pk).update(split="train")
    assert [row.trained for row in label_report(index).suggestions] == [True, False, False]


def test_accepted_suggestions_move_pictures(index: Index, monkeypatch: pytest.MonkeyPatch, curator: User) -> None:
    first, second, third = planted(index, monkeypatch)
    suggested = label_report(index).suggestions[0].suggested_label
    revision = index.dataset.revision
    assert accept_suggestions(index, [first.pk, second.pk, first.pk], by=curator) == 2
    labels = dict(Image.objects.filter(pk__in=[first.pk, second.pk, third.pk]).values_list("pk", "label"))
    assert labels == {first.pk: suggested, second.pk: suggested, third.pk: third.label}
    index.dataset.refresh_from_db()
    assert index.dataset.revision == revision + 1
    with pytest.raises(Rejected, match="has no suggestion any more"):
        accept_suggestions(index, [first.pk], by=curator)


def test_nothing_selected_is_rejected(index: Index, curator: User) -> None:
    with pytest.raises(Rejected, match="No picture is selected"):
        accept_suggestions(index, [], by=curator)


def test_a_damaged_index_and_a_set_without_labels_are_conflicts(index: Index) -> None:
    for file in index.folder.glob("labels-*.json"):
        file.unlink()
    (index.folder / "vectors.npy").unlink()
    with pytest.raises(Conflict, match="Build it again"):
        label_report(index)
    index.dataset.labelled = False
    with pytest.raises(Conflict, match="has no labels"):
        label_report(index)


def test_the_index_of_the_best_model_is_offered_first(world: World) -> None:
    indexes = checkable_indexes(world.dataset)
    scores = [(index.model.metrics or {})["map_at_r"] for index in indexes]
    assert len(indexes) == 2 and scores == sorted(scores, reverse=True)
