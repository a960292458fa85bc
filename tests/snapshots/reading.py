"""HTML as somebody reads it: one heading, label, paragraph or table row a line."""

import re
from html.parser import HTMLParser

PREFIXES = {
    **{f"h{level}": "#" * level + " " for level in range(1, 7)},
    **{name: f"{name}: " for name in ("title", "label", "legend", "summary", "option", "caption", "dt", "dd")},
    "li": "- ",
}
_BLOCKS = (
    "address article aside blockquote body details div dl fieldset figcaption figure footer form head header html "
    "main nav ol p pre section select table tbody tfoot thead tr ul"
)
BLOCKS = PREFIXES.keys() | set(_BLOCKS.split())
SILENT = {"script", "style", "math"}
MARKS = {"a": ("[", "]"), "button": ("<", ">"), "td": (" | ", ""), "th": (" | ", "")}
SPACED = {"br", "img", "input"}
READ_ALOUD = ("title", "alt", "placeholder", "aria-label", "hx-confirm", "hx-prompt")

MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
VOLATILE = [
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"(?<=\bkin_)[0-9a-f]{64}\b", "TOKEN"),
    (r"\b[0-9a-f]{40,}\b", "HASH"),
    (r"(?<=/accounts/confirm-email/)\w+:[\w:-]+", "KEY"),
    (r"(?<=/accounts/password/reset/key/)\w+-\w+-\w+", "KEY"),
    (r"(?<=/shared/)[\w-]{43}\b", "TOKEN"),
    (r"\b[A-Z2-7]{32}\b", "SECRET"),
    (r"\b\d{8}\b", "CODE"),
    (rf"\b\d{{1,2}} ({MONTHS})\w*( \d{{4}})?(, \d\d:\d\d(:\d\d)?)?\b", "DATE"),
    (r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)?)?", "DATE"),
    (r"\b\d\d:\d\d:\d\d\b", "TIME"),
    (r"\b\d[\d,]*(\.\d+)?\s?([kKMGT]i?B|bytes)\b", "SIZE"),
    (r"\b\d[\d,]*(\.\d+)?\s?(ms|s|min|h|seconds?|minutes?|hours?)\b", "DURATION"),
    (r"\bRank \d+(×\d+, in \d+ of \d+ columns)?", "Rank N"),
    (r"\b(rank|CLASS, picture) \d+", r"\1 N"),
    (r"\b[Ii]n \d+ of \d+ columns", "in N of N columns"),
    (r"\b(?!(95|50|5) )\d+(\.\d+)? %", "N %"),
    (r"(?<![\d.])[-−+]?\d+\.\d\d+\b(?!\.\d)", "0.00"),
]
"""What differs between machines, or from one making of the data to the next."""


def text_of(html: str, *, whole: bool = False) -> list[str]:
    """Return the lines of a page's title and main part; the whole of a page that has none, or where it is wanted."""
    reader = _Reader(whole or "<main" not in html)
    reader.feed(html)
    reader.close()
    reader.end_line()
    return reader.lines


def lasting(text: str) -> str:
    """Return a line without what is volatile."""
    for pattern, name in VOLATILE:
        text = re.sub(pattern, name, text)
    return text


class _Reader(HTMLParser):
    """Collects lines. A link is [so], a button <so>, a cell | so; what only attributes say has lines of its own."""

    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._depth = int(whole)  # above 0 within what is read
        self._silent = 0
        self._prefix, self._words = "", ""
        self._notes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self._depth += tag in ("main", "title")
        if tag in BLOCKS:
            self.end_line()
            self._prefix = PREFIXES.get(tag, "")
        if not self._is_read():
            return
        self._words += MARKS[tag][0] if tag in MARKS else " " * (tag in SPACED)
        said = dict(attrs)
        if tag == "input" and said.get("type") in ("submit", "button"):
            self._words += f"<{said.get('value')}>"
        self._notes += [f"{name}: {said[name]}" for name in READ_ALOUD if said.get(name)]

    def handle_endtag(self, tag: str) -> None:
        if tag in MARKS and self._is_read():
            self._words += MARKS[tag][1]
        if tag in BLOCKS:
            self.end_line()
            self._prefix = ""
        self._silent -= tag in SILENT
        self._depth -= tag in ("main", "title")

    def handle_data(self, data: str) -> None:
        if self._is_read():
            self._words += data

    def _is_read(self) -> bool:
        return self._depth > 0 and not self._silent

    def end_line(self) -> None:
        """Add what has been read of a line, and what its attributes say."""
        words = " ".join(self._words.split())
        self.lines += [self._prefix + words] if words.strip("[]<>| ") else []
        self.lines += [" ".join(note.split()) for note in self._notes]
        self._words, self._notes = "", []
