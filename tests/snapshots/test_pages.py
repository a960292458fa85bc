"""The text of every page, of what its buttons answer, and of the mails that are sent on the way."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.urls import get_resolver

from tests.snapshots import accounts, states
from tests.snapshots.pages import OF_THIS_MACHINE, PLACES, record_page
from tests.snapshots.record import Record
from tests.snapshots.site import Site, site, unpacked  # noqa: F401  # fixtures
from tests.snapshots.stored import HERE, RENEWING, compare, compare_names
from tests.test_pages import names

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="the texts do not hang on the database")
WITHOUT_TEXT = {
    # pictures, files, data for scripts, an address that leads to another
    "audit_export", "ballot-query", "dataset-map-points", "download-model", "download-ratings", "download-report",
    "export_my_data", "leaderboard-file", "mfa_download_recovery_codes", "mfa_index", "picture", "report-drawing",
    "report-file", "robots", "run-curves", "search-results", "search-picture", "shared-picture", "shared-query",
    "thumbnail",
    # options of a list, and what a button answers that stands on a page only after another was pressed
    "class-suggestions", "experiment-restore", "model-restore", "my-mark-restore", "notice-open", "notices-read",
    "search-restore", "show-names",
    OF_THIS_MACHINE,
}  # fmt: skip

SCENES: dict[str, Callable[[Record], None]] = {
    f"{prefix}-{scene.__name__.replace('_', '-')}": scene
    for prefix, scenes in (
        (
            "account",
            (
                accounts.sign_up,
                accounts.sign_in,
                accounts.passwords,
                accounts.addresses,
                accounts.second_factors,
                accounts.own_account,
                accounts.invitations,
            ),
        ),
        (
            "state",
            (
                states.wrong_input,
                states.conflicts,
                states.searching,
                states.empty_site,
                states.nothing_to_search,
                states.work_in_progress,
                states.measuring,
                states.models_and_indexes,
                states.other_buttons,
                states.frame,
                states.refusals,
                states.about_the_api,
            ),
        ),
    )
    for scene in scenes
}


@pytest.fixture
def record(site: Site) -> Record:  # noqa: F811
    return Record(site)


@pytest.mark.parametrize("name", PLACES)
def test_page(record: Record, name: str) -> None:
    record_page(record, name)
    compare(f"pages/{name}.txt", str(record))


@pytest.mark.parametrize("name", SCENES)
def test_state(record: Record, name: str) -> None:
    SCENES[name](record)
    compare(f"pages/{name}.txt", str(record))


def test_faults(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    states.faults(record, monkeypatch)
    compare("pages/state-faults.txt", str(record))


def met_routes() -> set[str]:
    """Return the names of all addresses that the stored texts have an answer of."""
    heading = re.compile(r"^(?:visitor|member|curator|admin): (?:GET|POST|<.+>) ([\w-]+) /", re.MULTILINE)
    return {name for file in (HERE / "pages").iterdir() for name in heading.findall(file.read_text())}


@pytest.mark.skipif(RENEWING, reason="the texts are being written")
def test_every_address_has_a_stored_text_or_gives_no_text() -> None:
    met, known = met_routes(), set(names(get_resolver()))
    assert known - met - WITHOUT_TEXT == set()
    assert WITHOUT_TEXT & met == set(), "these give text after all"
    assert known >= WITHOUT_TEXT


def test_every_stored_text_is_of_a_page() -> None:
    compare_names("pages", [*PLACES, *SCENES, "state-faults"])
