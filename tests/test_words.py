"""No private language where a user or a client reads.

The pages, the help and the description of the API are read as `tests/snapshots` stores them. A page says more than
any test brings about, so the templates and the sentences in the code are read too, and the documents.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.snapshots.reading import text_of

ROOT = Path(__file__).parents[1]

BANNED = (
    "asked for",
    "asked_at",
    "at work",
    "brought",
    "can be taken along",
    "from outside",
    "kin",
    "light up",
    "lonely",
    "none is any good",
    "opens nothing",
    "pressed into two",
    "redraw",
    "said to take",
    "stranger",
    "sureness",
    "take out of searches",
    "this class goes",
    "to keep:",
    "verdict",
    "what answers",
    "what nothing needs",
    "what searches",
    "what was asked",
)
SPOKEN = ("accounts", "backups", "config", "jobs", "kindred_client", "mlcore", "operations", "ratings", "retrieval")
"""Packages whose sentences are shown to somebody: errors, messages, labels."""


def pattern(word: str) -> re.Pattern[str]:
    """Return what finds a word or phrase: also its plural, across line breaks, and in a name such as VerdictOfColumn.

    The prefix of tokens, `kin_`, is none, nor is the name of the site.
    """
    words = r"[\s_-]+".join(map(re.escape, word.split()))
    start = r"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))"
    end = r"(?![a-z])(?!(?<=[A-Z])[A-Z])" + "(?!_)" * (word == "kin")
    return re.compile(rf"{start}(?i:{words})s?{end}")


PATTERNS = {word: pattern(word) for word in BANNED}


def texts() -> Iterator[tuple[str, str]]:
    """Yield everything that is read, by the path of its file."""
    stored = sorted((ROOT / "tests" / "snapshots").rglob("*.txt")) + [ROOT / "tests" / "snapshots" / "openapi.yaml"]
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for file in stored + documents:
        yield str(file.relative_to(ROOT)), file.read_text()
    for file in sorted((ROOT / "templates").rglob("*.*")):
        yield str(file.relative_to(ROOT)), words_of_template(file.read_text())
    for file in sorted((ROOT / "static").rglob("*.js")):
        yield str(file.relative_to(ROOT)), "\n\n".join(re.findall(r'"[^"\n]* [^"\n]*"|`[^`]* [^`]*`', file.read_text()))
    for package in SPOKEN:  # as one text, so that modules may move
        files = (file for file in sorted((ROOT / package).rglob("*.py")) if "migrations" not in file.parts)
        yield f"{package}/**/*.py", "\n\n".join(line for file in files for line in sentences(file.read_text()))


def words_of_template(text: str) -> str:
    """Return what a template says in any state: its text, and the quoted phrases of its tags."""
    text = re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}", "", text, flags=re.DOTALL)
    return "\n".join(text_of(re.sub(r"{%.*?%}|{{.*?}}", phrases, text), whole=True))


def phrases(tag: re.Match[str]) -> str:
    return " ".join(phrase for phrase in re.findall(r'"([^"]*)"', tag[0]) if " " in phrase.strip())


def sentences(code: str) -> Iterator[str]:
    """Yield the texts of several words in Python code, but for docstrings."""
    tree = ast.parse(code)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and " " in node.value.strip()
            and id(node) not in docstrings
        ):
            yield node.value


def test_nothing_that_is_read_has_a_banned_word() -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for path, text in texts():
        lower = text.lower()  # most texts hold none, which is faster seen than searched
        for word, banned in PATTERNS.items():
            if re.split(r"[ _]", word)[0] in lower:
                counts[path, word] += len(banned.findall(text))
    if +counts:
        rows = "\n".join(f"{path}\t{word}\t{count}" for (path, word), count in sorted((+counts).items()))
        pytest.fail(f"words that no page, help or document may use (file, word, how often):\n{rows}", False)


@pytest.mark.parametrize(
    ("word", "text", "count"),
    [
        ("kin", "its kin, Kin and\nkin.", 3),
        ("kin", "kin_0123 of Kindred is of a kind, akin, KINDRED", 0),
        ("verdict", "verdict, verdicts, class_verdict, VerdictOfColumn, SearchVerdict", 5),
        ("verdict", "verdictum", 0),
        ("asked for", "asked\n   for, asked forty", 1),
        ("asked_at", "asked_at: ", 1),
        ("to keep:", "To keep: CSV", 1),
    ],
)
def test_words_are_found_whole(word: str, text: str, count: int) -> None:
    assert len(PATTERNS[word].findall(text)) == count


def test_a_template_says_its_text_and_quoted_phrases() -> None:
    tags = '{% comment %}kin{% endcomment %}{% include "a.html" with title="Such a title" name="kin" %}{{ kin }}'
    assert words_of_template(f'<p class="kin" title="So">{tags}</p>').split("\n") == ["Such a title", "title: So"]


def test_code_says_its_sentences_but_no_docstring() -> None:
    code = 'def f():\n    """Of kin."""\n    raise Refused(f"no kin of {name}", field="kin")'
    assert list(sentences(code)) == ["no kin of "]
