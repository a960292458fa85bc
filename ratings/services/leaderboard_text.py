"""The leaderboard as text to copy: a Markdown table and a BibTeX entry for each table."""

from collections.abc import Sequence
from datetime import date

from mlcore.comparison.report.formatting import bibtex_entry, markdown_text
from ratings.services import leaderboard
from ratings.services.leaderboard import Section
from ratings.services.leaderboard_rows import LeaderboardRow, MeanFigure
from ratings.services.people_figures import PeopleFigure

LEGEND = (
    "Metrics in percent, mean ± standard deviation over seeds, on held-out classes by exact search. "
    "Rank: the ranks that the paired test leaves open, in brackets where it was not tested. "
    "● no significant difference to the best. Blind rating: ballot-centred mean, 1 to 5, with its 95 % interval."
)


def markdown_of(sections: Sequence[Section]) -> str:
    """Return every table in Markdown, under the name of its data set and protocol."""
    return "\n\n".join([*(_table(section) for section in sections), LEGEND]) + "\n"


def _table(section: Section) -> str:
    titles = ["Rank", "Loss", *(metric.title for metric in leaderboard.columns().values()), "Seeds", "Blind rating"]
    lines = [
        f"**{markdown_text(section.dataset.name)}**, protocol {markdown_text(section.protocol.label)}",
        "",
        f"| {' | '.join(titles)} |",
        "|" + "---|" * len(titles),
        *(f"| {' | '.join(_cells(row))} |" for row in section.rows),
    ]
    return "\n".join(lines)


def _cells(row: LeaderboardRow) -> list[str]:
    rank = row.rank_text if row.rank_low is not None else f"({row.rank})"
    name = markdown_text(row.name) + (" ●" if row.level_with_best else "")
    return [rank, name, *(_value(figure) for figure in row.figures), str(row.seed_count), _rating(row.people)]


def _rating(people: PeopleFigure) -> str:
    if people.mean is None:
        return "–"
    return f"{people.mean:.2f}" if people.low is None else f"{people.mean:.2f} ({people.low:.2f}–{people.high:.2f})"


def _value(figure: MeanFigure) -> str:
    if figure.value is None:
        return "–"
    depth = f" @{figure.k}" if figure.k else ""
    spread = "" if figure.sd is None else f" ± {100 * figure.sd:.2f}"
    text = f"{100 * figure.value:.2f}{spread}{depth}"
    return f"**{text}**" if figure.is_headline else text


def bibtex_of(section: Section, url: str, today: date) -> str:
    """Return a BibTeX entry of a table that is found at an address."""
    losses = len(section.rows)
    return bibtex_entry(
        f"kindred-{section.dataset.slug}-{section.protocol.name}-{today.year}",
        title=f"Leaderboard of {section.dataset.name}, protocol {section.protocol.label}",
        url=url,
        day=today,
        note=f"{losses} row{'' if losses == 1 else 's'}, held-out classes, exact search",
    )
