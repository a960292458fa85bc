"""The page of `benchmarks.million`: its figures as a table, and a chart of time and memory by count."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

from benchmarks.measuring import Result

Figures = Mapping[int, Mapping[str, Result]]
Laws = Mapping[str, Mapping[str, float]]


def write_page(folder: Path, found: Figures, laws: Laws) -> None:
    """Write million.md and million.svg."""
    draw(folder / "million.svg", found)
    (folder / "million.md").write_text(page_of(found, laws))


def page_of(found: Figures, laws: Laws) -> str:
    """Return the page."""
    counts = list(found)
    head = (
        "| step | " + " | ".join(f"{count:,} pictures" for count in counts) + " | seconds grow as | memory grows as |"
    )
    rows = [row_of(name, [found[count][name] for count in counts], law) for name, law in laws.items()]
    return "\n".join(
        [
            "# A million pictures on one machine",
            "",
            "`python -m benchmarks.million --page` writes this page. Each cell has seconds, and the peak",
            "memory of the step's process above its start. A search is the median of 300, its 95th percentile",
            "beside it. A law is the slope of a straight line through the logarithms.",
            "",
            "No file is read, decoded or hashed: the import has rows and catalogue alone, the models have no",
            "network, and a deletion finds no file. Metrics and near-duplicates run at 100,000 at most.",
            "",
            head,
            "|---|" + "---|" * (len(counts) + 2),
            *rows,
            "",
            "![Time and memory by the number of pictures](million.svg)",
            "",
            f"{processor()}, {os.cpu_count()} cores; load average when done: {os.getloadavg()[0]:.1f}.",
            "",
        ]
    )


def row_of(name: str, rows: list[Result], law: Mapping[str, float]) -> str:
    """Return a row of the table."""
    powers = [f"count^{law[what]:.2f}" if what in law else "" for what in ("time", "memory")]
    return f"| {name} | " + " | ".join([*map(cell_of, rows), *powers]) + " |"


def cell_of(row: Result) -> str:
    """Return seconds and memory of one step at one count."""
    if "p50_ms" in row:
        return f"{row['p50_ms']:.2f} ms, p95 {row['p95_ms']:.2f} ms; {row['above_start_mib']:,.0f} MiB"
    return f"{row['seconds']:.2f} s; {row['above_start_mib']:,.0f} MiB"


def draw(file: Path, found: Figures) -> None:
    """Draw seconds and memory of every step by count, on logarithmic axes."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(12, 6), layout="constrained")
    names = list(next(iter(found.values())))
    for panel, (what, title) in zip(
        axes, (("seconds", "seconds"), ("above_start_mib", "MiB above the start")), strict=True
    ):
        for name in names:
            rows = {rows[name]["count"]: rows[name][what] for rows in found.values()}
            panel.plot(list(rows), list(rows.values()), marker="o", label=name)
        panel.set(xscale="log", yscale="log", xlabel="pictures", ylabel=title)
        panel.grid(visible=True, which="major", alpha=0.3)
    axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def processor() -> str:
    """Return the name of the processor."""
    with Path("/proc/cpuinfo").open() as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
