"""The table of invented genera of `wings`: palettes, wing shapes and patterns of each."""

from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Shape:
    """Outlines of one side, in units of about one fore-wing; angles in degrees above the horizon.

    `hind` holds the hind-wing's radii at the angles of `field.HIND_ANGLES`.
    """

    length: float
    apex: float
    bulge: float
    tip: float
    hollow: float
    tornus: float
    hind: tuple[float, ...]
    scallop: float = 0.01
    tail: float = 0.0


@dataclass(frozen=True)
class Palette:
    """Colours, red green blue from 0 to 1."""

    ground: Colour
    outer: Colour
    dark: Colour
    band: Colour
    pale: Colour
    iris: Colour
    female: Colour
    under: Colour
    under_outer: Colour


@dataclass(frozen=True)
class WingPattern:
    """What is painted on one wing; 0 leaves a motif out.

    Widths and sizes are in wing units, `_at` positions are shares of the way to the margin,
    `eyes` are cells between the veins (0 nearest the leading edge, 6 nearest the body).
    """

    margin: float = 0.0
    wave: float = 0.3
    apex: float = 0.0
    dots: int = 0
    dot_size: float = 0.02
    tips: int = 0
    band_at: float = 0.6
    band_width: float = 0.0
    band_slant: float = 0.0
    band_break: float = 0.03
    bars: int = 0
    spots: float = 0.0
    chevrons: float = 0.0
    eyes: tuple[int, ...] = ()
    eye_size: float = 0.0
    basal: float = 0.0
    veins: float = 0.006
    sheen: float = 0.0
    glass: float = 0.0
    mottle: float = 0.0
    jag: int = 1


@dataclass(frozen=True)
class Genus:
    """What the species of one genus have in common."""

    shape: Shape
    palette: Palette
    fore: WingPattern
    hind: WingPattern


def _palette(*hexes: str) -> Palette:
    """Return a palette from `rrggbb` strings, in the order of its fields."""
    channels = [[int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)] for text in hexes]
    return Palette(*[(red, green, blue) for red, green, blue in channels])


_BROAD = (0.66, 0.86, 0.90, 0.86, 0.80, 0.66)
_ROUND = (0.58, 0.74, 0.79, 0.78, 0.74, 0.62)
_NARROW = (0.56, 0.70, 0.70, 0.66, 0.60, 0.48)
_LONG = (0.50, 0.66, 0.76, 0.86, 0.90, 0.80)

GENERA: tuple[Genus, ...] = (
    Genus(  # orange, black-veined, with white-dotted margins
        Shape(1.06, 40.0, 0.165, 0.09, 0.06, 0.70, _ROUND, 0.012),
        _palette("e98a2b", "dd6a1e", "1c1310", "f6b85c", "fdf4e3", "f2c14e", "c9752f", "e3b778", "d9a15c"),
        WingPattern(margin=0.10, apex=0.42, dots=2, dot_size=0.017, tips=3, veins=0.016, wave=0.1),
        WingPattern(margin=0.11, dots=2, dot_size=0.016, veins=0.015, wave=0.1),
    ),
    Genus(  # large and blue, with a metal sheen
        Shape(1.04, 42.0, 0.155, 0.10, 0.04, 0.78, _BROAD, 0.016),
        _palette("1a5fd6", "3fb4f0", "0b0f1f", "9fe0fb", "f4f8ff", "e9b44c", "c08a4e", "7d5f42", "a68860"),
        WingPattern(margin=0.11, apex=0.35, dots=1, dot_size=0.014, tips=3, sheen=1.0, veins=0.004),
        WingPattern(margin=0.11, dots=1, dot_size=0.014, sheen=1.0, veins=0.004, wave=0.5),
    ),
    Genus(  # swallow-tails: cream yellow with black bars and a blue band
        Shape(1.05, 37.0, 0.115, 0.07, 0.05, 0.66, _LONG, 0.03, 0.36),
        _palette("f6dc7a", "f3cf55", "18151b", "4f86d9", "fbeeb8", "d8432f", "f4e7b4", "f3e6b0", "ead58e"),
        WingPattern(margin=0.17, dots=1, dot_size=0.026, bars=3, veins=0.010, wave=0.2),
        WingPattern(
            margin=0.17,
            dots=1,
            dot_size=0.028,
            band_at=0.74,
            band_width=0.10,
            eyes=(6,),
            eye_size=0.075,
            veins=0.008,
            wave=0.4,
        ),
    ),
    Genus(  # russet, an eye on every wing
        Shape(0.98, 43.0, 0.155, 0.06, 0.11, 0.72, _ROUND, 0.034),
        _palette("b23a22", "8f2a1c", "211412", "e7a33e", "f7e3bd", "5b8fd6", "b8642f", "4a3a30", "6b5646"),
        WingPattern(margin=0.06, eyes=(1,), eye_size=0.165, bars=3, tips=2, wave=0.5),
        WingPattern(margin=0.07, eyes=(1,), eye_size=0.175, wave=0.5, basal=0.25),
    ),
    Genus(  # dark, with one bright sash and white tips
        Shape(1.02, 41.0, 0.145, 0.06, 0.12, 0.70, _ROUND, 0.028),
        _palette("35231f", "241817", "140d0d", "e8572b", "fdf6ea", "5f87c9", "5a3a28", "6e5a48", "8d7a64"),
        WingPattern(band_at=0.55, band_width=0.15, band_slant=0.28, apex=0.45, tips=4, margin=0.03, wave=0.3),
        WingPattern(band_at=0.88, band_width=0.12, spots=0.018, margin=0.02, wave=0.3),
    ),
    Genus(  # tawny, chequered with dark spots
        Shape(0.98, 40.0, 0.155, 0.09, 0.03, 0.70, _ROUND, 0.018),
        _palette("eaa040", "df8530", "2a1a12", "f6cf8a", "fbf0d8", "c7d9c0", "a9a06c", "c9b06a", "8f9a62"),
        WingPattern(margin=0.035, dots=1, dot_size=0.016, bars=4, spots=0.032, chevrons=0.9, veins=0.006),
        WingPattern(margin=0.035, dots=1, dot_size=0.016, bars=2, spots=0.032, chevrons=0.9, veins=0.006),
    ),
    Genus(  # whites with a coloured, dark-edged tip
        Shape(0.98, 44.0, 0.175, 0.12, -0.03, 0.74, _ROUND, 0.004),
        _palette("fbf7ea", "fdfaf2", "332b2e", "f59a34", "fffdf6", "f2c14e", "f6e79a", "e9e6b4", "cfd6a0"),
        WingPattern(
            margin=0.03, apex=0.30, band_at=0.80, band_width=0.26, band_slant=-0.5, spots=0.014, basal=0.2, veins=0.003
        ),
        WingPattern(margin=0.018, spots=0.012, basal=0.22, veins=0.003),
    ),
    Genus(  # small blues, lilac, with a fine tail
        Shape(0.90, 42.0, 0.165, 0.09, -0.02, 0.74, _ROUND, 0.010, 0.15),
        _palette("5d86e6", "9a8bea", "221f38", "b9c8fb", "fbfbff", "f28a3a", "8a6a56", "d6d2cc", "c4bdb6"),
        WingPattern(margin=0.055, dots=0, sheen=0.7, veins=0.005, wave=0.2),
        WingPattern(
            margin=0.045, dots=1, dot_size=0.016, sheen=0.7, veins=0.005, chevrons=0.4, eyes=(5,), eye_size=0.055
        ),
    ),
    Genus(  # long-winged, black with red and yellow
        Shape(1.14, 33.0, 0.145, 0.11, 0.00, 0.56, _NARROW, 0.006),
        _palette("211718", "17100f", "0f0a0a", "d93a2b", "f8e6a0", "f3cf4f", "3a2722", "57423a", "6e5648"),
        WingPattern(band_at=0.62, band_width=0.20, band_slant=0.12, margin=0.02, tips=2, basal=0.0),
        WingPattern(band_at=0.52, band_width=0.13, band_slant=-0.2, dots=1, dot_size=0.013, margin=0.03),
    ),
    Genus(  # green and gold on black velvet
        Shape(1.16, 35.0, 0.125, 0.08, 0.04, 0.60, _LONG, 0.02),
        _palette("17a06f", "35c98c", "0e1413", "f2c230", "f7f3c6", "e6d34a", "7c6a4a", "8aa06a", "b7b070"),
        WingPattern(margin=0.09, apex=0.45, veins=0.020, sheen=0.7, band_at=0.42, band_width=0.10, wave=0.2),
        WingPattern(margin=0.09, band_at=0.50, band_width=0.26, spots=0.030, sheen=0.5, veins=0.010, wave=0.5),
    ),
    Genus(  # clear-winged, brown-veined, with a rusty frame
        Shape(1.08, 35.0, 0.145, 0.11, 0.03, 0.60, _NARROW, 0.008),
        _palette("e6ece6", "dfe9ea", "4a2a1c", "fbf6ea", "fffaf0", "d9702e", "e9d9b6", "e9e2cf", "dcd0b4"),
        WingPattern(
            margin=0.075, apex=0.26, band_at=0.68, band_width=0.10, band_slant=0.2, veins=0.014, glass=0.62, tips=2
        ),
        WingPattern(margin=0.085, veins=0.012, glass=0.62, dots=1, dot_size=0.012),
    ),
    Genus(  # wood browns with rows of eyes
        Shape(0.96, 44.0, 0.175, 0.12, -0.04, 0.76, _BROAD, 0.020),
        _palette("8a5a3a", "c08f58", "33221a", "e9bf82", "fbefd6", "efb04a", "a98458", "a58a68", "c8b08a"),
        WingPattern(margin=0.05, eyes=(1, 4), eye_size=0.075, band_at=0.74, band_width=0.20, wave=0.3),
        WingPattern(margin=0.05, eyes=(2, 3, 4), eye_size=0.066, band_at=0.74, band_width=0.20, wave=0.4),
    ),
    Genus(  # wine velvet with a cream hem and blue pearls
        Shape(1.02, 42.0, 0.145, 0.05, 0.13, 0.74, _BROAD, 0.036, 0.07),
        _palette("5a1a28", "471320", "1d0c12", "f3e3b0", "fbf0cc", "6f9be8", "6e3528", "4c3d34", "6a5a4a"),
        WingPattern(band_at=0.97, band_width=0.09, band_break=0.006, dots=1, dot_size=0.020, chevrons=0.3, tips=2),
        WingPattern(band_at=0.96, band_width=0.10, band_break=0.006, dots=1, dot_size=0.022, chevrons=0.3),
    ),
    Genus(  # coral with a lace hem
        Shape(1.00, 41.0, 0.155, 0.09, 0.05, 0.72, _ROUND, 0.030),
        _palette("e2583a", "c93a4a", "241318", "f9d9b8", "fdf3e8", "f2a65a", "b98a7a", "e0a98a", "d8b9a0"),
        WingPattern(
            margin=0.13,
            apex=0.40,
            dots=1,
            dot_size=0.014,
            chevrons=1.0,
            band_at=0.66,
            band_width=0.07,
            band_slant=0.3,
            wave=0.7,
        ),
        WingPattern(margin=0.10, chevrons=1.0, dots=1, dot_size=0.012, spots=0.020, wave=0.8),
    ),
)

GENUS_NAMES: tuple[str, ...] = (
    "Vanora", "Selenara", "Melidora", "Aurelis", "Thalyra", "Orlenia", "Ismenara", "Lysandria",
    "Coralia", "Euphoris", "Pherusina", "Nymphora", "Calanthea", "Idalora", "Zephyrina", "Amaryssa",
)  # fmt: skip

_EPITHETS = """
lucida aurata serena vespera elegans ornata mirabilis fulva nigrita candida rosea caerulea
viridis pallida splendens modesta gracilis nobilis silvana montana riparia littoralis arcana
umbrosa tenella formosa venusta decora insignis lepida laeta amoena blanda clara dulcis
festiva gemmata hyalina ignota iridea jucunda lacteola limpida lunaris marginata memorabilis
micans mitis nebulosa nitida obscura ocellata opalina palustris perlata picta plumosa
pulchella punctata purpurea radiata regalis reticulata rutila sagitta saturata sericea
solaris stellata striata suavis sublimis tessellata tigrina tranquilla undulata vagans
variabilis velutina verna vestalis virgata vitrea vivida volans zonata aestiva alpina
argentea autumnalis brunnea cinerea concolor fragilis
"""
EPITHETS: tuple[str, ...] = tuple(_EPITHETS.split())
