"""Draw which package imports which into docs/README.md, as a Mermaid picture and a table.

python -m tools.architecture    in the root of the checkout, after imports between packages have changed
"""

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

PAGE = Path(__file__).resolve().parents[1] / "docs" / "README.md"
BEGIN, END = "<!-- Drawn by `python -m tools.architecture`: not to be edited. -->\n", "<!-- End of the drawing. -->"
APPS = ("accounts", "jobs", "ratings", "backups", "operations")
DIVIDED = ("retrieval", "mlcore")  # drawn by their packages
DJANGOS = {"migrations", "management", "templatetags"}  # its folders in an app, which are no subject of it

Imports = Mapping[str, set[str]]


def package_imports() -> Imports:
    """Return for each package, `accounts` or `mlcore.losses`, the other packages that it imports.

    Modules beside the packages of `retrieval` and `mlcore`, such as `mlcore/errors.py`, are left out.
    """
    graph = grimp.build_graph(*APPS, *DIVIDED, cache_dir=None)
    packages = {*APPS, *(child for root in DIVIDED for child in _subpackages(graph, root))}
    imports: dict[str, set[str]] = {package: set() for package in packages}
    for module in graph.modules:
        if (importer := _package_of(module, packages)) is not None:
            found = {_package_of(name, packages) for name in graph.find_modules_directly_imported_by(module)}
            imports[importer] |= {package for package in found if package is not None and package != importer}
    return imports


def _subpackages(graph: grimp.ImportGraph, root: str) -> Iterator[str]:
    for child in graph.find_children(root):
        if graph.find_children(child) and child.rpartition(".")[2] not in DJANGOS:
            yield child


def _package_of(module: str, packages: set[str]) -> str | None:
    return next((name for name in packages if module == name or module.startswith(f"{name}.")), None)


def without_shortcuts(imports: Imports) -> Imports:
    """Return the imports without those that lead where a longer way of imports leads as well.

    Raises: graphlib.CycleError when packages import each other in a circle.
    """
    reached: dict[str, set[str]] = {}
    for package in TopologicalSorter(imports).static_order():
        reached[package] = imports[package].union(*(reached[name] for name in imports[package]))
    return {
        package: names - set().union(*(reached[name] for name in names))
        for package, names in imports.items()
    }  # fmt: skip


def picture(imports: Imports) -> str:
    """Return a Mermaid flowchart: an arrow from each package to those it imports, shortcuts left out."""
    lines = ["flowchart TB", *(f"    {app}" for app in sorted(APPS))]
    for root in sorted(DIVIDED):
        inside = sorted(name for name in imports if name.startswith(f"{root}."))
        lines += [f"    subgraph {root}", *(f'        {_node(name)}["{name.rpartition(".")[2]}"]' for name in inside)]
        lines.append("    end")
    arrows = without_shortcuts(imports)
    lines += [f"    {_node(name)} --> {_node(other)}" for name in sorted(arrows) for other in sorted(arrows[name])]
    return "\n".join(lines)


def _node(package: str) -> str:
    return package.replace(".", "_")


def table(imports: Imports) -> str:
    """Return a Markdown table of every package with all that it imports."""
    rows = (
        f"| `{name}` | {', '.join(f'`{other}`' for other in sorted(imports[name])) or '–'} |"
        for name in sorted(imports)
    )
    return "\n".join(["| package | imports |", "|---|---|", *rows])


def drawn(page: str, imports: Imports) -> str:
    """Return the page with the drawing between its two marks replaced.

    Raises: ValueError when a mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the lines {BEGIN.strip()!r} and {END!r}")
    return f"{before}{BEGIN}\n```mermaid\n{picture(imports)}\n```\n\n{table(imports)}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(), package_imports()))
