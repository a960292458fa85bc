import numpy as np
import pytest

from accounts.models import User
from config.errors import Busy, Rejected
from mlcore.images.image_io import open_picture
from retrieval.models import Model, Search
from retrieval.search.services.explanations import explain_result
from retrieval.search.services.options import SearchOptions
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World, full_queue, replaced

pytestmark = pytest.mark.django_db


def first_answer(search: Search, at: int = 0) -> tuple[int, int]:
    ranking = search.rankings.all()[at]
    return ranking.pk, ranking.image_ids[0]


def test_both_maps_sum_up_to_the_cosine_that_the_search_gave(world: World, member: User) -> None:
    search = world.ask(member)
    for at in range(2):
        found = explain_result(search, *first_answer(search, at), search.owner)
        assert found is not None and found.exact and not found.differs
        assert abs(found.explained_score - found.search_score) < 1e-4
        for side in (found.query, found.result):
            assert abs(sum(region.share for region in side.all_regions) - found.explained_score) < 1e-9
            assert (side.square.width, side.square.height) == (32, 32) and side.cells
            assert max(cell.opacity for cell in side.cells) <= 0.65


def test_an_upload_is_explained_by_the_copy_that_is_kept(world: World, member: User) -> None:
    search = world.ask(member, upload=jpeg(7, (64, 48)))
    found = explain_result(search, *first_answer(search), search.owner)
    kept = open_picture(search.upload.read_bytes())
    assert found is not None and (found.query.square.width, found.query.square.height) == kept.size
    side = min(kept.size)  # the network's crop is its whole short side here
    assert found.query.square.side == side and found.query.square.left == (kept.width - side) / 2


def test_only_the_box_is_explained(world: World, member: User) -> None:
    search = world.ask(member, upload=jpeg(7, (96, 64)), options=SearchOptions(box=(0.5, 0.25, 1, 1)))
    found = explain_result(search, *first_answer(search), search.owner)
    assert found is not None
    assert (found.query.square.left, found.query.square.top, found.query.square.side) == (48, 16, 48)
    assert abs(found.explained_score - found.search_score) < 0.01  # of the kept copy, which is compressed anew
    assert (found.result.square.left, found.result.square.top, found.result.square.side) == (0, 0, 32)


def test_it_gives_the_same_twice(world: World, member: User) -> None:
    search = world.ask(member)
    assert explain_result(search, *first_answer(search), search.owner) == explain_result(
        search, *first_answer(search), search.owner
    )


def test_what_is_no_answer_of_the_search_has_no_reason(world: World, member: User, other_member: User) -> None:
    search, other = world.ask(member), world.ask(other_member)
    ranking, image = first_answer(search)
    assert explain_result(other, ranking, image, other.owner) is None
    unseen = next(picture for picture in world.train_images if picture.pk not in search.rankings.all()[0].image_ids)
    assert explain_result(search, ranking, unseen.pk, search.owner) is None
    world.dataset.images.filter(pk=image).update(hidden=True)
    assert explain_result(search, ranking, image, search.owner) is None


def test_a_model_without_its_network_is_refused(world: World, member: User) -> None:
    search = world.ask(member)
    Model.objects.update(has_network=False)
    with pytest.raises(Rejected, match="no network"):
        explain_result(search, *first_answer(search), search.owner)


def test_a_picture_whose_file_is_gone_or_damaged_is_refused(world: World, member: User) -> None:
    search = world.ask(member)
    ranking, image = first_answer(search)
    file = world.dataset.images.select_related("dataset").get(pk=image).file
    replaced(file, b"no picture")
    with pytest.raises(Rejected, match="cannot explain its results: the file is not a picture"):
        explain_result(search, ranking, image, search.owner)
    file.unlink()
    with pytest.raises(Rejected, match="a file is gone"):
        explain_result(search, ranking, image, search.owner)


def test_too_many_at_once_are_asked_to_come_again(world: World, member: User) -> None:
    search = world.ask(member)
    with full_queue(), pytest.raises(Busy):
        explain_result(search, *first_answer(search), search.owner)


def test_the_regions_that_bring_most_are_named_in_order(world: World, member: User) -> None:
    search = world.ask(member)
    found = explain_result(search, *first_answer(search), search.owner)
    assert found is not None
    shares = [region.share for region in found.query.adds]
    assert shares == sorted(shares, reverse=True) and len(shares) <= 3
    assert np.isclose(shares[0], max(region.share for region in found.query.all_regions))
