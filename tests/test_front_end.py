"""Rules of templates and styles that no single page shows: motion, room for pictures, themes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STYLES = sorted((ROOT / "static" / "kindred").glob("*.css"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MOVES = re.compile(r"(?<![\w-])(?:animation(?!-name)|transition|scroll-behavior)\s*:\s*(?!none|auto)")
CALM = "prefers-reduced-motion: no-preference"


def rules(css: str) -> Iterator[tuple[str, str]]:
    """Yield each declaration block with the heads around it, such as `@media (...) .moved`."""
    heads: list[str] = []
    text = ""
    for part in re.split(r"([{}])", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)):
        if part == "{":
            before, _, head = text.rpartition(";")
            yield " ".join(heads), before
            heads.append(head.strip())
            text = ""
        elif part == "}":
            yield " ".join(heads), text
            heads.pop()
            text = ""
        else:
            text = part


@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.name)
def test_nothing_moves_for_who_wants_no_motion(style: Path) -> None:
    moving = [(heads, text.strip()) for heads, text in rules(style.read_text()) if MOVES.search(text)]
    assert [(heads, text) for heads, text in moving if CALM not in heads] == []


def test_what_moves_is_found() -> None:
    css = f".a {{ color: red; transition: color 1s }} @media ({CALM}) {{ .b {{ animation: b 1s; }} }}"
    moving = [heads for heads, text in rules(css) if MOVES.search(text)]
    assert moving == [".a", f"@media ({CALM}) .b"]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_every_picture_has_its_room_before_it_comes(template: Path) -> None:
    text = re.sub(r"{%.*?%}|{{.*?}}", "x", template.read_text())
    pictures = re.findall(r"<img\b[^>]*>", text)
    assert [picture for picture in pictures if not re.search(r'\bwidth="', picture)] == []
    assert [picture for picture in pictures if not re.search(r'\bheight="', picture)] == []


def test_the_night_has_a_value_for_every_colour() -> None:
    day, night = ((ROOT / "static" / "kindred" / name).read_text() for name in ("tokens.css", "dark.css"))
    coloured = {name for name, _ in re.findall(r"(--[\w-]+):\s*(#\w+)", day)}
    assert coloured and coloured == {name for name, _ in re.findall(r"(--[\w-]+):\s*(#\w+)", night)}


def test_no_style_asks_for_the_systems_theme() -> None:
    """The page's link does: otherwise the choice of a theme would change a part of the page only."""
    asking = [path.name for path in STYLES if "prefers-color-scheme" in path.read_text()]
    assert asking == []
