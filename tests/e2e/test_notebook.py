"""The notebook on a real site, in a real kernel: a comparison trained, measured and searched."""

from pathlib import Path

import httpx
import nbformat
import pytest
from nbclient import NotebookClient

from tests.e2e.conftest import ROOT, Site

# On every change its cells run on a made-up site, and what they call on a real one (tests.kindred_client).
pytestmark = [pytest.mark.e2e, pytest.mark.full]
PATIENCE = 900  # seconds of a cell: it waits for trainings, on a busy machine


def token_of(site: Site, role: str) -> str:
    """Sign in as the demo's admin or member and make a token, as the account page would."""
    email, password = site.people[role]
    with httpx.Client(base_url=site.address, follow_redirects=True, timeout=120) as browser:
        browser.get("/accounts/login/")
        form = {"login": email, "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        browser.post("/accounts/login/", data=form).raise_for_status()
        proof = {"password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        browser.post("/accounts/reauthenticate/", data=proof).raise_for_status()
        made = browser.post(
            "/api/v1/tokens/",
            json={"name": "notebook", "expires_in_days": 1},
            headers={"X-CSRFToken": browser.cookies["csrftoken"]},
        )
        made.raise_for_status()
        return str(made.json()["secret"])


def test_the_notebook_runs_from_the_first_cell_to_the_last(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINDRED_URL", site.address)
    monkeypatch.setenv("KINDRED_TOKEN", token_of(site, "admin"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the client as it is here
    notebook = nbformat.read(ROOT / "docs/notebooks/compare.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=PATIENCE, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    said = "".join(output.get("text", "") for output in outputs)
    assert "by hand" in said and "is trained and can search" in said
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert "<h1" in (tmp_path / "two-losses.html").read_text()
