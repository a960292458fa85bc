"""The species of `wings`: their genera, forms, names and genes.

A species is a shape, a palette and two wing patterns. A genus fixes all three and its species
vary them, so that members of a genus look alike; every other species of a genus is a mimic: it
wears the colours and pattern of another genus on wings shaped like its own genus.
"""

import colorsys
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from mlcore.butterflies.genera import EPITHETS, GENERA, GENUS_NAMES, Colour, Genus, Palette, Shape, WingPattern

# Species number i is in genus i % 14, whatever the size of the data set, so each half of it
# (train and test) holds members of every genus and a species never changes its looks.
GENUS_COUNT = len(GENERA)
MAX_SPECIES = GENUS_COUNT * len(EPITHETS)
MIMIC_RANK = 1
MIMIC_EVERY = 2
_GREAT_EYE = 0.10
_ROW_EYES = (0.050, 0.064)  # least and largest eye-spot that fits a row, one in every cell


@dataclass(frozen=True)
class Form:
    """One way a species looks: a sex, or the under-side with the wings folded."""

    name: str
    shape: Shape
    palette: Palette
    fore: WingPattern
    hind: WingPattern
    folded: bool = False


@lru_cache(maxsize=256)
def forms_of(seed: int, species: int) -> tuple[Form, ...]:
    """Return the two or three forms of a species; the under-side comes last."""
    rank, place = divmod(species, GENUS_COUNT)
    rng = np.random.default_rng((seed, 1, species))
    own = _genus(seed, place)
    worn = own
    if rank % MIMIC_EVERY == MIMIC_RANK:
        worn = _genus(seed, (place + 1 + rank // MIMIC_EVERY) % GENUS_COUNT)
    upper = Form(
        "upper",
        _vary_shape(own.shape, rng),
        _vary_palette(worn.palette, rng),
        _vary_pattern(worn.fore, rng),
        _vary_pattern(worn.hind, rng),
    )
    under = _underside(upper, rng)
    if rng.random() < 0.3:  # the sexes look alike
        return upper, under
    return replace(upper, name="male"), _female(upper, rng), under


def name_of(seed: int, species: int) -> str:
    """Return the invented Latin name of a species, unique within a seed."""
    rank, place = divmod(species, GENUS_COUNT)
    genera = np.random.default_rng((seed, 2)).permutation(len(GENUS_NAMES))
    epithets = np.random.default_rng((seed, 3, place)).permutation(len(EPITHETS))
    return f"{GENUS_NAMES[int(genera[place])]} {EPITHETS[int(epithets[rank])]}"


def _genus(seed: int, place: int) -> Genus:
    order = np.random.default_rng((seed, 4)).permutation(len(GENERA))
    return GENERA[int(order[place])]


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour `share` of the way (0 to 1) from one to the other."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue


def shift(colour: Colour, hue: float, saturation: float = 1.0, value: float = 1.0) -> Colour:
    """Return the colour turned by `hue` (in turns), its saturation and value multiplied."""
    h, s, v = colorsys.rgb_to_hsv(*colour)
    return colorsys.hsv_to_rgb((h + hue) % 1.0, min(1.0, s * saturation), min(1.0, v * value))


def _vary_shape(shape: Shape, rng: np.random.Generator) -> Shape:
    def near(value: float, spread: float) -> float:
        return value + float(rng.uniform(-spread, spread))

    return replace(
        shape,
        length=near(shape.length, 0.05),
        apex=near(shape.apex, 3.0),
        bulge=near(shape.bulge, 0.02),
        tip=near(shape.tip, 0.02),
        hollow=near(shape.hollow, 0.03),
        tornus=near(shape.tornus, 0.04),
        hind=tuple(near(radius, 0.03) for radius in shape.hind),
        scallop=max(0.0, near(shape.scallop, 0.008)),
        tail=max(0.0, near(shape.tail, 0.09)) if shape.tail else 0.0,
    )


def _vary_palette(palette: Palette, rng: np.random.Generator) -> Palette:
    hue, value = float(rng.uniform(-0.022, 0.022)), float(rng.uniform(0.9, 1.06))
    accent = float(rng.uniform(-0.03, 0.03))
    swap = rng.random() < 0.25  # the band and the iris trade colours
    band, iris = (palette.iris, palette.band) if swap else (palette.band, palette.iris)
    return replace(
        palette,
        ground=shift(palette.ground, hue, 1.0, value),
        outer=shift(palette.outer, hue * 1.5, 1.0, value),
        band=shift(band, accent),
        iris=shift(iris, accent),
    )


def _vary_pattern(pattern: WingPattern, rng: np.random.Generator) -> WingPattern:
    def scaled(value: float, spread: float) -> float:
        return value * float(rng.uniform(1.0 - spread, 1.0 + spread))

    def flip(value: int, choices: int, chance: float) -> int:
        return int(rng.integers(choices)) if rng.random() < chance else value

    return replace(
        pattern,
        margin=scaled(pattern.margin, 0.35),
        wave=scaled(pattern.wave, 0.6),
        apex=scaled(pattern.apex, 0.2),
        dots=flip(pattern.dots, 3, 0.3),
        dot_size=scaled(pattern.dot_size, 0.3),
        tips=flip(pattern.tips, 5, 0.4) if pattern.tips else 0,
        band_at=scaled(pattern.band_at, 0.14),
        band_width=scaled(pattern.band_width, 0.45),
        band_slant=pattern.band_slant + float(rng.uniform(-0.16, 0.16)),
        band_break=scaled(pattern.band_break, 0.8),
        bars=flip(pattern.bars, 4, 0.35) if pattern.bars else 0,
        spots=scaled(pattern.spots, 0.3),
        chevrons=scaled(pattern.chevrons, 0.4),
        eyes=_vary_eyes(pattern, rng),
        eye_size=scaled(pattern.eye_size, 0.25),
        basal=scaled(pattern.basal, 0.4),
        veins=scaled(pattern.veins, 0.3),
        jag=int(rng.integers(1, 1 << 30)),
    )


def _vary_eyes(pattern: WingPattern, rng: np.random.Generator) -> tuple[int, ...]:
    """Gain or lose one eye-spot, sometimes; a wing with none or with one great eye stays so."""
    keep, cell = rng.random() < 0.4, int(rng.integers(1, 6))
    if keep or not pattern.eyes or pattern.eye_size > _GREAT_EYE:
        return pattern.eyes
    return tuple(sorted(set(pattern.eyes) ^ {cell})) or pattern.eyes


def _female(form: Form, rng: np.random.Generator) -> Form:
    """Return the other sex: another ground, broader margins, less sheen, one more row of dots."""
    palette, paler = form.palette, float(rng.uniform(0.88, 1.0))
    barred, spotted = rng.random(2) < 0.45

    def pattern(wing: WingPattern) -> WingPattern:
        return replace(
            wing,
            margin=wing.margin * 1.35 + 0.012,
            apex=wing.apex * 1.12,
            dots=min(2, wing.dots + 1),
            bars=max(wing.bars, 2) if barred else wing.bars,
            sheen=wing.sheen * 0.25,
            spots=max(wing.spots, 0.020) if spotted else wing.spots,
            band_width=wing.band_width * 0.8,
        )

    female = replace(
        palette,
        ground=mix(palette.ground, palette.female, paler),
        outer=mix(palette.outer, shift(palette.female, 0.01, 0.85, 1.12), paler),
        band=mix(palette.band, palette.pale, 0.4),
    )
    shape = replace(form.shape, hollow=form.shape.hollow - 0.03, tip=form.shape.tip + 0.02)
    return Form("female", shape, female, pattern(form.fore), pattern(form.hind))


def _underside(form: Form, rng: np.random.Generator) -> Form:
    """Return the under-side: duller, mottled, with more eye-spots; the wings are folded."""
    palette = form.palette
    more = tuple(range(1, 6)) if form.hind.eyes or rng.random() < 0.4 else ()

    def pattern(wing: WingPattern, eyes: tuple[int, ...]) -> WingPattern:
        return replace(
            wing,
            margin=wing.margin * 0.45,
            apex=wing.apex * 0.5,
            wave=max(wing.wave, 0.3),
            mottle=max(wing.mottle, 0.55),
            eyes=eyes,
            eye_size=float(np.clip(wing.eye_size * 0.75, *_ROW_EYES)),
            spots=max(wing.spots, 0.016),
            bars=max(wing.bars, 2),
            chevrons=max(wing.chevrons, 0.45),
            sheen=0.0,
            veins=wing.veins * 0.8,
        )

    under = replace(
        palette,
        ground=palette.under,
        outer=mix(palette.under_outer, palette.under, 0.25),
        dark=mix(palette.dark, palette.under, 0.38),
        band=mix(palette.band, palette.pale, 0.45),
    )
    fore = pattern(form.fore, form.fore.eyes or more[:2])
    return Form("under-side", form.shape, under, fore, pattern(form.hind, more), folded=True)
