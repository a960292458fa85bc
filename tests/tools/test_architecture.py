"""The picture in docs/README.md shows the imports as they are."""

from graphlib import CycleError

import pytest

from tools.architecture import PAGE, drawn, package_imports, picture, table, without_shortcuts


def test_the_stored_picture_shows_the_imports_as_they_are() -> None:
    page = PAGE.read_text()
    assert page == drawn(page, package_imports()), "run: python -m tools.architecture"


def test_an_import_that_is_new_changes_the_page() -> None:
    imports, page = package_imports(), PAGE.read_text()
    changed = {**imports, "mlcore.losses": {"mlcore.images"}}
    assert drawn(page, changed) != drawn(page, imports)


def test_packages_of_apps_and_of_mlcore_are_found_and_single_modules_are_not() -> None:
    imports = package_imports()
    assert {"accounts", "mlcore.losses", "retrieval.search"} <= imports.keys()
    assert not {"mlcore.errors", "mlcore", "retrieval", "retrieval.migrations"} & imports.keys()
    assert "accounts" in imports["jobs"] and "mlcore.images" in imports["mlcore.datasets"]


def test_an_arrow_is_left_out_where_a_longer_way_leads_there() -> None:
    imports = {"a": {"b", "c", "d"}, "b": {"c"}, "c": set(), "d": set()}
    assert without_shortcuts(imports) == {"a": {"b", "d"}, "b": {"c"}, "c": set(), "d": set()}


def test_a_circle_of_imports_cannot_be_drawn() -> None:
    with pytest.raises(CycleError):
        without_shortcuts({"a": {"b"}, "b": {"a"}})


def test_the_table_has_every_import_and_the_picture_no_shortcut() -> None:
    imports = {"backups": {"jobs", "accounts"}, "jobs": {"accounts"}, "accounts": set(), "mlcore.cli": set()}
    assert "| `backups` | `accounts`, `jobs` |" in table(imports) and "| `accounts` | – |" in table(imports)
    lines = [line.strip() for line in picture(imports).splitlines()]
    assert 'mlcore_cli["cli"]' in lines and "backups --> jobs" in lines and "backups --> accounts" not in lines


def test_a_page_without_the_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        drawn("# Documents\n", {})
