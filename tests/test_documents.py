"""The documents hold together: links lead somewhere, pages begin alike, sentences are short and plain."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs/results/README.md", *PAGES]
LINKING = [*WRITTEN, ROOT / "CHANGELOG.md", ROOT / "benchmarks/README.md", ROOT / "tests/fixtures/README.md"]
WIDEST, LONGEST_SENTENCE = 100, 25
BANNED = (
    "kin", "verdict", "stranger", "strangers", "lonely", "sureness", "asked_at", "asked for", "what was asked",
    "light up", "at work", "said to take", "to keep:", "what nothing needs", "none is any good", "from outside",
    "take out of searches", "brought", "can be taken along", "opens nothing", "what searches", "what answers",
    "this class goes", "redraw", "redraws", "pressed into two",
)  # fmt: skip

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (?! *(?:[-*]|\d+\.) ).*$", re.MULTILINE)
TABLE_OR_COMMENT = re.compile(r"^(?:\||<!--).*$", re.MULTILINE)
INLINE_CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")


def prose(text: str) -> str:
    """Return the text without code blocks, tables and headings, code in a line as one word, a link as its text."""
    text = TABLE_OR_COMMENT.sub("", INDENTED.sub("", FENCED.sub("", text)))
    text = re.sub(r"^#.*$", "\n", text, flags=re.MULTILINE)
    return LINK.sub(r"\1", INLINE_CODE.sub("CODE", text))


def sentences(text: str) -> list[str]:
    """Return the sentences of the prose: a paragraph, and an item of a list, ends one."""
    blocks = re.split(r"\n\s*\n|^\s*(?:[-*]|\d+\.) ", prose(text), flags=re.MULTILINE)
    return [
        part.strip() for block in blocks for part in re.split(r"(?<=[.!?:])[*)”]*\s", " ".join(block.split())) if part
    ]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(page: Path, text: str) -> list[str]:
    """Return the relative links that lead to no file, or to no heading of it."""
    dead = []
    for _, target in LINK.findall(INLINE_CODE.sub("", FENCED.sub("", text))):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if re.match(r"[a-z]+:", target):
            continue
        if not file.exists() or (anchor and anchor not in anchors(text if file == page else file.read_text())):
            dead.append(target)
    return dead


def too_wide(text: str) -> list[str]:
    """Return the lines of prose above the width; a picture's line cannot be broken."""
    lines = TABLE_OR_COMMENT.sub("", INDENTED.sub("", FENCED.sub("", text))).splitlines()
    return [line for line in lines if len(line) > WIDEST and not line.startswith("![")]


def too_long(text: str) -> list[str]:
    return [sentence for sentence in sentences(text) if len(sentence.split()) > LONGEST_SENTENCE]


def banned(text: str) -> list[str]:
    """Return the banned words; `kin_` of tokens is none."""
    return [word for word in BANNED if re.search(rf"\b{re.escape(word)}(?!\w)", text, re.IGNORECASE)]


def begins_with_an_example(text: str) -> bool:
    """Whether a title, prose and then a block of code or a picture come before the first section."""
    title, _, start = text.partition("\n## ")[0].partition("\n")
    example = re.search(r"^(?:    \S|```|!\[)", start, re.MULTILINE)
    return title.startswith("# ") and example is not None and bool(sentences(start[: example.start()]))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", LINKING, ids=named)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    assert dead_links(document, document.read_text()) == []


@pytest.mark.parametrize("document", WRITTEN, ids=named)
def test_words_are_those_of_the_field(document: Path) -> None:
    assert banned(document.read_text()) == []


@pytest.mark.parametrize("document", WRITTEN, ids=named)
def test_lines_and_sentences_are_short(document: Path) -> None:
    text = document.read_text()
    assert too_wide(text) == [] and too_long(text) == []


@pytest.mark.parametrize("document", PAGES, ids=named)
def test_a_page_begins_with_its_use_and_an_example(document: Path) -> None:
    assert begins_with_an_example(document.read_text())


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    assert [page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in index] == []


def test_faults_are_found() -> None:
    page = ROOT / "docs/README.md"
    assert dead_links(page, "[a](nowhere.md) [b](#none) [c](#a) [d](https://example.org)\n# A") == [
        "nowhere.md",
        "#none",
    ]
    assert anchors("## API `tokens` (1)\n") == {"api-tokens-1"}
    assert too_wide("word " * 25) and not too_wide("| " + "cell " * 25) and not too_wide("    " + "code " * 25)
    assert too_long("word " * 26 + "end.") and not too_long("word " * 20 + "`a b c d e f g`. " + "word " * 20)
    assert banned("its kin") == ["kin"] and not banned("Kindred kin_abc")
    assert begins_with_an_example("# A\n\nDo this:\n\n    make\n") and not begins_with_an_example(
        "# A\n\nDo.\n\n## B\n\n    make\n"
    )
