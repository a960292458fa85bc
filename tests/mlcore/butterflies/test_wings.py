"""The drawn butterflies: repeatable, distinct, and hard to tell apart by colour alone."""

import io

import numpy as np
import pytest
from PIL import Image

from mlcore.butterflies import WingsSpec, draw, form_name, picture_bytes, scene, species_name
from mlcore.butterflies.species import GENUS_COUNT, MAX_SPECIES
from mlcore.errors import DatasetError

SMALL = WingsSpec(species=24, per_class=12, size=32)


def pixels(spec: WingsSpec, species: int, picture: int) -> np.ndarray:
    return np.asarray(draw(spec, species, picture), np.float32)


def painted(species: int, form: int) -> np.ndarray:
    """Return a form's hind-wing before pose and light."""
    return np.asarray(scene.parts_of(0, species, form, 32).hind.convert("RGB"), np.float32)


def colour_histogram(spec: WingsSpec, species: int, picture: int) -> np.ndarray:
    """Return the shares of 64 colours, square-rooted (Hellinger)."""
    coarse = np.asarray(draw(spec, species, picture), np.int64) // 64
    counts = np.bincount((coarse @ (16, 4, 1)).ravel(), minlength=64)
    return np.sqrt(counts / counts.sum())


def test_a_picture_has_the_same_bytes_at_every_call() -> None:
    first = picture_bytes(SMALL, 3, 5)
    scene.parts_of.cache_clear()
    assert picture_bytes(SMALL, 3, 5) == first


def test_a_picture_does_not_depend_on_the_order_of_drawing() -> None:
    places = [(0, 0), (7, 1), (13, 2), (0, 3)]
    forwards = {place: picture_bytes(SMALL, *place) for place in places}
    scene.parts_of.cache_clear()
    np.random.seed(1)
    backwards = {place: picture_bytes(SMALL, *place) for place in reversed(places)}
    assert forwards == backwards


def test_a_species_looks_the_same_in_a_larger_data_set() -> None:
    larger = WingsSpec(species=200, per_class=50, size=32)
    assert picture_bytes(SMALL, 11, 4) == picture_bytes(larger, 11, 4)


def test_another_seed_draws_other_pictures_and_names() -> None:
    other = WingsSpec(species=24, per_class=12, size=32, seed=1)
    assert picture_bytes(SMALL, 2, 2) != picture_bytes(other, 2, 2)
    assert [species_name(SMALL, s) for s in range(24)] != [species_name(other, s) for s in range(24)]


@pytest.mark.parametrize("size", [16, 33, 128])
def test_bytes_are_a_jpeg_of_the_size_asked_for(size: int) -> None:
    spec = WingsSpec(species=4, per_class=4, size=size)
    with Image.open(io.BytesIO(picture_bytes(spec, 1, 1))) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (size, size))
        assert not image.getexif()


def test_every_two_species_are_painted_differently() -> None:
    wings = [painted(species, 0) for species in range(24)]
    for species, wing in enumerate(wings):
        for other in wings[:species]:
            assert np.abs(wing - other).mean() > 1.0, species


def test_pictures_of_one_form_differ() -> None:
    forms = len({form_name(SMALL, 3, picture) for picture in range(12)})
    assert np.abs(pixels(SMALL, 3, 0) - pixels(SMALL, 3, forms)).mean() > 5


@pytest.mark.parametrize("species", range(0, 24, 4))
def test_forms_of_a_species_look_clearly_different(species: int) -> None:
    names = [form_name(SMALL, species, picture) for picture in range(3)]
    assert names in (["male", "female", "under-side"], ["upper", "under-side", "upper"])
    wings = [painted(species, form) for form in range(len(set(names)))]
    for form, wing in enumerate(wings):
        for other in wings[:form]:
            assert np.abs(wing - other).mean() > 4


def test_the_butterfly_stands_out_from_its_background() -> None:
    contrasts = [pixels(SMALL, species, 0)[8:24, 8:24].std() for species in range(12)]
    assert np.median(contrasts) > 30


def test_colours_alone_beat_chance_but_do_not_tell_species_apart() -> None:
    places = [(species, picture) for species in range(24) for picture in range(12)]
    found = np.array([colour_histogram(SMALL, *place) for place in places])
    labels = np.array([species for species, _ in places])
    likeness = found @ found.T
    np.fill_diagonal(likeness, -1)
    recall = float((labels[likeness.argmax(1)] == labels).mean())
    chance = 11 / (len(places) - 1)
    assert 2 * chance < recall < 0.5


def test_names_are_unique_and_in_two_words() -> None:
    spec = WingsSpec(species=MAX_SPECIES)
    names = [species_name(spec, species) for species in range(spec.species)]
    assert MAX_SPECIES >= 200
    assert len(set(names)) == len(names)
    assert all(len(name.split()) == 2 and name[0].isupper() for name in names)


def test_look_alikes_of_a_genus_are_in_both_halves() -> None:
    spec = WingsSpec()
    genus = [species_name(spec, species).split()[0] for species in range(spec.species)]
    train, test = set(genus[: spec.train_species]), set(genus[spec.train_species :])
    assert train == test
    assert len(train) == GENUS_COUNT


def test_an_odd_number_of_species_gives_training_one_more() -> None:
    assert WingsSpec(species=7).train_species == 4


def test_the_plain_word_is_the_default_spec() -> None:
    assert WingsSpec.parse("wings") == WingsSpec(species=60, per_class=24, size=128, seed=0)


def test_settings_are_read_and_the_rest_keep_their_defaults() -> None:
    assert WingsSpec.parse("wings:species=10, size=96,seed=3") == WingsSpec(species=10, size=96, seed=3)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("wings:wingspan=3", "wingspan"),
        ("wings:species=many", "many"),
        ("wings:species=1", "got 1"),
        ("wings:size=9999", "9999"),
        ("wings:seed=-1", "-1"),
        ("wings:size=32,size=64", "twice"),
        ("wings:species", "species"),
        ("wings:", "wings:"),
        ("birds:species=3", "birds"),
    ],
)
def test_a_bad_text_is_refused_and_named(text: str, named: str) -> None:
    with pytest.raises(DatasetError, match=named):
        WingsSpec.parse(text)


@pytest.mark.parametrize("field", ["species", "per_class", "size", "seed"])
@pytest.mark.parametrize("value", [-1, 10**12, 2.5, True, "12"])
def test_a_bad_field_is_refused_and_named(field: str, value: object) -> None:
    with pytest.raises(DatasetError, match=f"{field} must be"):
        WingsSpec(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(("species", "picture"), [(24, 0), (-1, 0), (0, 12), (0, -1)])
def test_a_picture_outside_the_spec_is_refused(species: int, picture: int) -> None:
    with pytest.raises(DatasetError, match="must be 0 to"):
        draw(SMALL, species, picture)
