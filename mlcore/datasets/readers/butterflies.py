"""`wings`: butterflies that this project draws, so that a demo needs no network and no licence."""

import functools

from mlcore.datasets.reader_table import NamedReader, Precedence
from mlcore.datasets.source import TEST, TRAIN, Source, SourceItem

NAME = "wings"


def is_wings(text: str) -> bool:
    """Say whether a text is `wings`, or `wings:species=60,seed=0` and the like."""
    return text == NAME or text.startswith(f"{NAME}:")


def draw_wings(text: str) -> Source:
    """Return the source of the butterflies that a text describes. Raises: DatasetError."""
    from mlcore import butterflies  # drawing is not needed to read photographs

    spec = butterflies.WingsSpec.parse(text)
    items = [
        SourceItem(
            path=f"{species:04d}/{picture:04d}.jpg",
            label=species,
            split=TRAIN if species < spec.train_species else TEST,
            read=functools.partial(butterflies.picture_bytes, spec, species, picture),
        )
        for species in range(spec.species)
        for picture in range(spec.per_class)
    ]
    classes = tuple(butterflies.species_name(spec, species) for species in range(spec.species))
    return Source(NAME, "Drawn by this program; free to use", classes, items, text)


READER = NamedReader(
    title="Wings",
    recognised_by="the name `wings`, or `wings:species=60,per_class=24,size=128,seed=0`, in place of a path",
    also_needed="nothing: Kindred draws its butterflies, free to use",
    training="the first half of the species",
    held_out="the rest",
    precedence=Precedence.DRAWN,
    is_named=is_wings,
    make=draw_wings,
)
