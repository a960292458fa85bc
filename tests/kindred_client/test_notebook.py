"""The notebook: kept without what it once said, of few imports, and run here on a site that is made up."""

import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from PIL import Image

from kindred_client import Kindred
from tests.kindred_client.scripted import JOB, gives
from tests.kindred_client.shell import WINGS, Routes, page
from tests.test_architecture import roots

FILE = Path(__file__).parents[2] / "docs" / "notebooks" / "compare.ipynb"
ALLOWED = {"io", "os", "kindred_client", "matplotlib", "numpy", "PIL"}
HELD_OUT = [{"id": number, "class_name": "ab"[number % 2]} for number in range(12)]
WRONG = {0, 1, 2}  # of the twelve, those whose first answer is of the other class
FIGURE = {"mean": 0.42, "sd": None, "low": 0.38, "high": 0.46}


def notebook() -> Any:
    return nbformat.read(FILE, as_version=4)  # type: ignore[no-untyped-call]


def sources() -> list[str]:
    return [cell.source for cell in notebook().cells if cell.cell_type == "code"]


def test_it_is_kept_without_outputs_and_counts() -> None:
    found = notebook()
    nbformat.validate(found)
    assert found.nbformat == 4
    for cell in found.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None


def test_it_uses_the_client_and_little_else() -> None:
    assert roots("\n".join(sources())) == ALLOWED


def test_its_cells_are_short_and_have_words_between() -> None:
    assert max(len(source.splitlines()) for source in sources()) <= 20
    kinds = [cell.cell_type for cell in notebook().cells]
    assert kinds[0] == "markdown" and ["code"] * 3 not in [kinds[place : place + 3] for place in range(len(kinds))]


def finds(request: httpx.Request) -> httpx.Response:
    rows = []
    for search in json.loads(request.content)["searches"]:
        assert search["filters"] == {"splits": ["test"]} and search["exclude_self"]
        number = search["image_id"]
        answer = {"image": 1, "class_name": "ab"[(number + (number in WRONG)) % 2], "similarity": 0.9, "rank": 1}
        rows.append({"search": {"id": "s", "columns": [{"model": 3, "results": [answer, answer]}]}})
    return gives({"results": rows})


def jpeg() -> httpx.Response:
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "JPEG")
    return httpx.Response(200, content=content.getvalue())


def made_up_site(recall: float) -> Routes:
    metrics = {"map_at_r": 0.42, "recall_at": {"1": recall}}
    run = {"id": 1, "loss": "soft_triple", "seed": 0, "job": 7, "model": 3, "metrics": metrics}
    pair = {
        "first": "soft_triple", "second": "multi_similarity", "difference": 0.01, "low": -0.02, "high": 0.04,
        "p": None, "p_adjusted": None, "conclusion": "one seed",
    }  # fmt: skip
    row = {"title": "SoftTriple", "metrics": {"recall_at_1": FIGURE, "map_at_r": FIGURE}}
    report = {"rows": [row], "pairs": {"map_at_r": [pair]}, "curves": {"soft_triple": [2.0, 1.0]}}
    people = {"model": "SoftTriple", "map_at_r": 0.42, "human_mean": None, "ratings": 0}
    site = Routes()
    site.answers = {
        "GET /me/": {"email": "ada@example.org"},
        "GET /datasets/": page(WINGS),
        "GET /datasets/4/images/": page(*HELD_OUT),
        "POST /experiments/estimate/": [gives(JOB, 202), {"seconds": 9.0, "runs": 2, "source": "measured"}],
        "POST /experiments/": gives({"id": 2, "runs": [run]}, 202),
        "GET /experiments/2/": {"id": 2, "runs": [run]},
        "GET /jobs/7/": {**JOB, "state": "succeeded", "result": {"index_job": 7}},
        "POST /experiments/2/report/": gives(JOB, 202),
        "POST /models/3/publish/": gives({"id": 3, "published": True}),
        "GET /experiments/2/report/": report,
        "GET /experiments/2/report/html/": httpx.Response(200, text="<h1>"),
        "POST /searches/batch/": finds,
        "GET /leaderboard/": {"datasets": [{"dataset": "wings", "rows": [people]}]},
        "GET /datasets/4/ratings/ratings.csv/": httpx.Response(200, text="person,rating\n"),
        **{f"GET /images/{image['id']}/file/": jpeg() for image in HELD_OUT},
    }
    return site


def run_on(site: Routes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KINDRED_URL", "http://kindred.test")
    monkeypatch.setenv("KINDRED_TOKEN", "kin_secret")
    monkeypatch.setattr("kindred_client.Kindred", partial(Kindred, transport=httpx.MockTransport(site)))
    names: dict[str, Any] = {}
    for source in sources():
        exec(source, names)


def test_it_counts_by_hand_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_on(made_up_site(recall=0.75), tmp_path, monkeypatch)
    told = capsys.readouterr().out
    assert "Recall@1 of soft_triple: 0.7500 by hand, 0.7500 measured" in told and "12 of 12 searches" in told
    assert (tmp_path / "two-losses.html").read_text() == "<h1>"


def test_it_fails_where_searching_and_measuring_disagree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError):
        run_on(made_up_site(recall=0.5), tmp_path, monkeypatch)
