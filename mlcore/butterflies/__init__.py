"""`wings`: a drawn data set, so that a demo needs no network and no licence.

Every picture shows one butterfly of an invented species. It is a function of (seed, species,
picture, size) alone: no order of drawing, no clock and no global random state has a part in it.
"""

from dataclasses import dataclass, fields

from PIL import Image

from mlcore.butterflies.scene import render
from mlcore.butterflies.species import MAX_SPECIES, forms_of, name_of
from mlcore.errors import DatasetError
from mlcore.images.image_io import encode_jpeg

PREFIX = "wings"
JPEG_QUALITY = 90
_BOUNDS = {"species": (2, MAX_SPECIES), "per_class": (2, 1000), "size": (16, 512), "seed": (0, 2**32 - 1)}


@dataclass(frozen=True)
class WingsSpec:
    """Which pictures `wings` holds.

    Args:
        species: classes; the first half, rounded up, is for training, the rest for testing.
        per_class: pictures of each species.
        size: side of a picture in pixels.
        seed: another seed is another fauna.

    Raises:
        DatasetError: a field is out of range.
    """

    species: int = 60
    per_class: int = 24
    size: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        for field, (low, high) in _BOUNDS.items():
            value = getattr(self, field)
            if type(value) is not int or not low <= value <= high:
                raise DatasetError(f"wings: {field} must be a whole number from {low} to {high}, got {value!r}")

    @classmethod
    def parse(cls, text: str) -> "WingsSpec":
        """Return the spec written as `wings` or `wings:species=60,size=96`.

        Raises: DatasetError for another prefix, an unknown or doubled key, or a value out of range.
        """
        prefix, colon, settings = text.strip().partition(":")
        if prefix != PREFIX or (colon and not settings):
            raise DatasetError(f"wings are written like wings:species=60,size=96, got {text!r}")
        chosen: dict[str, int] = {}
        known = [field.name for field in fields(cls)]
        for setting in settings.split(",") if settings else []:
            key, _, value = (part.strip() for part in setting.partition("="))
            if key not in known:
                raise DatasetError(f"wings have no setting {key!r}; known: {', '.join(known)}")
            if key in chosen:
                raise DatasetError(f"wings: {key} is set twice in {text!r}")
            chosen[key] = _whole_number(key, value)
        return cls(**chosen)

    @property
    def train_species(self) -> int:
        """How many species, from number 0 on, are for training."""
        return (self.species + 1) // 2


def species_name(spec: WingsSpec, species: int) -> str:
    """Return the name of a species, "Vanora lucida" say; no two species of a spec share one."""
    _check(spec, species)
    return name_of(spec.seed, species)


def form_name(spec: WingsSpec, species: int, picture: int) -> str:
    """Return which form of its species a picture shows: upper, male, female or under-side."""
    _check(spec, species, picture)
    return forms_of(spec.seed, species)[_form(spec, species, picture)].name


def draw(spec: WingsSpec, species: int, picture: int) -> Image.Image:
    """Return a picture, RGB, `spec.size` square, the same at every call.

    Raises: DatasetError when the spec holds no such species or picture.
    """
    _check(spec, species, picture)
    return render(spec.seed, species, _form(spec, species, picture), picture, spec.size)


def picture_bytes(spec: WingsSpec, species: int, picture: int) -> bytes:
    """Return what `draw` returns as JPEG bytes, the same at every call."""
    return encode_jpeg(draw(spec, species, picture), JPEG_QUALITY)


def _form(spec: WingsSpec, species: int, picture: int) -> int:
    """Return the number of a picture's form; they take turns, so a small class shows them all."""
    return picture % len(forms_of(spec.seed, species))


def _check(spec: WingsSpec, species: int, picture: int = 0) -> None:
    if not 0 <= species < spec.species:
        raise DatasetError(f"wings: species must be 0 to {spec.species - 1}, got {species}")
    if not 0 <= picture < spec.per_class:
        raise DatasetError(f"wings: picture must be 0 to {spec.per_class - 1}, got {picture}")


def _whole_number(key: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise DatasetError(f"wings: {key} must be a whole number, got {value!r}") from None
