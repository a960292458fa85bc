"""Every page as everybody sees it, other pages of its kind, and what each of its buttons answers."""

import random
import re

from accounts.models import User
from jobs.services import run_job
from retrieval.datasets.services import random_pictures
from retrieval.datasets.services.previewing import submit_preview
from retrieval.models import Ranking
from tests.e2e.pages import PAGES, VISITORS_PAGES
from tests.snapshots.record import Record
from tests.snapshots.site import undone

OWN_PICTURE = "4891f8f7-b109-403d-9359-5bd58aea375f"  # mia's search with a picture of her own, marked and shared
REFINED = "e6a24829-e340-4b84-b86b-e5e3255ef921"
SITES_PICTURE = "30d3b6fc-99dc-4208-aff0-4eae8fe66c27"
FILTERED = "a9e2d8ed-c0be-481f-a8ee-82511a97f3c5"
VOTED = "18a9c5d6-4003-46c1-ade4-be8427737d19"

DRAWN = "wings:species=4,per_class=3,size=32,seed=5"

PARTS = {
    "experiment-now": "/lab/experiments/3/now",
    "experiment-runs": "/lab/experiments/3/runs",
    "experiment-tunings": "/lab/experiments/2/tunings",
    "job_status": "/jobs/33/status",
    "leaderboard-agreement": "/leaderboard/agreement",
    "leaderboard-metrics": "/leaderboard/metrics",
    "leaderboard-rows": "/leaderboard/rows",
    "report-status": "/lab/experiments/1/report/status",
    "run-log": "/lab/runs/1/log",
    "search-classes": "/searches/classes?datasets=1&class_name=a",
}
"""Parts of pages, which a page fetches by itself."""

OF_THIS_MACHINE = "operations"
"""The page of what a machine does at this moment: free disk, processes, engines."""

PLACES = PARTS | VISITORS_PAGES | {name: path for name, path in PAGES.items() if name != OF_THIS_MACHINE}
OF_MEMBERS = {
    "search-detail",
    "search-result",
    "search-batch",
    "explanation",
    "rate",
    "rated",
    "my-marks",
    "my-ratings",
}
OF_MEMBERS |= {"searches", "searches-saved", "searches-delete"}
"""Pages of what people did themselves: a member has done most."""

MORE = {
    "algorithms": ["/algorithms/?q=nothing-like-it", "/algorithms/?family=proxies"],
    "audit": ["/lab/audit/?page=2", "/lab/audit/?action=nothing", "/lab/audit/?since=yesterday"],
    "class": ["/datasets/wings/classes/4/", "/datasets/wings/classes/7/"],
    "compare": [f"/lab/compare/?run=1{more}" for more in ("", "&run=3&run=5", "&run=4", "&run=7", "&run=6")],
    "dataset": [f"/datasets/{name}/" for name in ("moths", "beetles", "loose", "broken", "unwanted", "sent-once")],
    "dataset-class-list": ["/datasets/wings/classes/?q=nothing-like-it"],
    "dataset-classes": ["/lab/datasets/wings/classes/?name=nothing-like-it"],
    "dataset-delete": ["/lab/datasets/moths/delete/", "/lab/datasets/broken/delete/"],
    "dataset-index": ["/lab/datasets/moths/indexes/", "/lab/datasets/beetles/indexes/"],
    "dataset-labels": ["/lab/datasets/wings/labels/?model=2", "/lab/datasets/beetles/labels/"],
    "dataset-map": ["/datasets/wings/map/?model=2", "/datasets/moths/map/", "/datasets/beetles/map/"],
    "dataset-pictures": ["/lab/datasets/wings/pictures/?shown=hidden", "/lab/datasets/wings/pictures/?class=none"],
    "downloads": ["/downloads/?kind=reports", "/downloads/?dataset=beetles"],
    "experiment": [f"/lab/experiments/{key}/" for key in (2, 3, 4)],
    "experiment-new": ["/lab/experiments/new/?like=2"],
    "job": [f"/jobs/{key}/" for key in (5, 6, 9, 23, 29, 30, 32, *range(33, 53))],
    "jobs": ["/lab/jobs/?state=failed", "/lab/jobs/?state=running", "/lab/jobs/?page=2"],
    "leaderboard": ["/leaderboard/?protocol=nothing", "/leaderboard/?dataset=wings"],
    "model": [f"/lab/models/{key}/" for key in range(2, 9)],
    "people": ["/lab/people/?role=curator", "/lab/people/?text=nobody"],
    "person": [f"/lab/people/{key}/" for key in range(2, 8)],
    "report": [f"/lab/experiments/{key}/report/" for key in (2, 3)],
    "run": [f"/lab/runs/{key}/" for key in range(2, 8)],
    "search": ["/?datasets=2", "/?datasets=1&classes=1:6&splits=test&k=3&threshold=0.5"],
    "search-detail": [f"/searches/{key}/" for key in (REFINED, SITES_PICTURE, FILTERED)],
    "share-links": ["/lab/share-links/?dataset=moths"],
}
"""Pages of the same kind that say something else."""


def record_page(record: Record, name: str) -> None:
    """Record the page of that name; the pictures that it draws at random are the same each time."""
    random.seed(name)
    random_pictures._chance = random.Random(name)  # type: ignore[assignment]  # each record of a page sets it anew
    places = searched(record) | ({"preview": previewed()} if name == "dataset-preview" else {})
    path = PLACES[name].format(**places)
    owner = "member" if name in OF_MEMBERS else "admin"
    for who in ("visitor", "member") if name == "rate" else ("visitor", "member", "curator", "admin"):
        with undone():  # whoever has no open ballot would get one, drawn at random
            record.see(who, path)
    for other in losses(record) if name == "algorithm" else MORE.get(name, []):
        with undone():
            record.see(owner, other)
    record.press_all(owner, path)


def searched(record: Record) -> dict[str, str]:
    """Return the addresses that only what somebody did has, as the browser's tests name them."""
    ranking = Ranking.objects.filter(search=OWN_PICTURE, model=1).get()
    share, image = record.site.keys["share"], ranking.image_ids[0]
    return {
        "search": f"/searches/{OWN_PICTURE}/",
        "explanation": f"/searches/{OWN_PICTURE}/explanation/{ranking.pk}/{image}/",
        "shared": f"/shared/{share}/",
        "shared_explanation": f"/shared/{share}/explanation/{ranking.pk}/{image}/",
        "result": f"/searches/{OWN_PICTURE}/results/{ranking.pk}/{image}/",
        "shared_result": f"/shared/{share}/results/{ranking.pk}/{image}/",
        "batch": f"/searches/batch/?search={OWN_PICTURE}&search={REFINED}",
        "tried": f"/try/{image}/",
        "rated": f"/rate/{VOTED}/",
    }


def previewed() -> str:
    """Return the address of a preview that the curator has had made."""
    cora = User.objects.get(email__startswith="cora")
    job = submit_preview(source=DRAWN, about={"name": "Drawn"}, by=cora)
    run_job(job.pk)
    return f"/lab/import/{job.pk}/"


def losses(record: Record) -> list[str]:
    """Return the addresses of all losses."""
    page = record.site.browser("visitor").get("/algorithms/").content.decode()
    return sorted(set(re.findall(r'href="(/algorithms/\w+/)"', page)))
