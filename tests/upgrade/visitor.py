"""A visit of a site by the code of any release: it imports Django, and of Kindred only how a job is run.

    cd CHECKOUT && python visitor.py KEYS.json NAME NOTES.json            leaves things, and notes which
    cd CHECKOUT && python visitor.py KEYS.json NAME READ.json NOTES.json  goes on with them, and reads everything

The second finishes what the first, of another release, has begun, and opens every page and operation of the API.
Any answer but the expected one ends it.
"""

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path[0] = str(Path.cwd())  # the code of the release, not this folder
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import resolve  # noqa: E402

from jobs.models import Job  # noqa: E402
from jobs.services import run_job  # noqa: E402

API = "/api/v1"
WINGS, MOTHS = 1, 2  # data sets of every release's data
BEETLES = "wings:species=4,per_class=3,size=32,seed=5"
NETWORK = {"short_side": 32, "crop": 32, "batch_size": 16, "dim": 8, "samples_per_class": 2, "backbone": "resnet10t"}
MOST_OF_A_ROUTE = 2
LINK = re.compile(r'(?:href|hx-get|src)="(/[^"#]*)"')
LEFT_OUT = re.compile(r"/(static|accounts/logout|admin/logout|admin/jsi18n)\b")


class Visit:
    """People of a release's data, with the tokens and the password that open it."""

    def __init__(self, keys: dict[str, Any]) -> None:
        settings.ALLOWED_HOSTS = ["testserver"]
        self._password = keys["password"]
        self._api = {
            name: Client(headers={"Authorization": f"Token {keys['tokens'][f'{name} writing']}"})
            for name in ("cora", "mia")
        }
        self._browsers = {name: self._signed_in(name) for name in ("cora", "mia")}

    def _signed_in(self, name: str) -> Client:
        browser = Client()
        browser.post("/accounts/login/", {"login": f"{name}@example.org", "password": self._password})
        _expect(browser.get("/me/data/"), 200)
        return browser

    def _get(self, name: str, path: str) -> Any:
        return _expect(self._api[name].get(f"{API}{path}"), 200).json()

    def _post(self, name: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._api[name].post(f"{API}{path}", body or {}, content_type="application/json")
        return _expect(answer, 200, 201, 202).json()

    def leave(self, name: str) -> dict[str, Any]:
        """Write things of every kind; return what names them."""
        left = self._search(name, [WINGS, MOTHS])
        self._search_with_own_picture()
        self._rate()
        left |= {"dataset": self._import(f"Done by {name}"), "model": self._train(name)}
        left["job"] = self._post("cora", "/datasets/", {"name": f"Left by {name}", "source": BEETLES})["id"]
        return left | {"ballot": self._post("mia", "/ballots/")["id"]}  # last: a new model may change what is rated

    def take_up(self, left: dict[str, Any]) -> dict[str, int]:
        """Finish what a visit began, and read everything; return how many pages and operations that were."""
        search = self._get("mia", f"/searches/{left['search']}/")
        assert search["name"] == left["name"] and _marks(search) == left["marks"], search
        _expect(self._browsers["mia"].get(f"/searches/{left['search']}/"), 200)
        _expect(Client().get(f"/shared/{left['shared']}/"), 200)
        again = self._post("mia", f"/searches/{left['search']}/refine/", {"more_like": list(map(int, left["marks"]))})
        assert again["columns"], again
        assert self._post("mia", "/ballots/")["id"] == left["ballot"]
        self._rate()
        _run(left["job"])
        picture = self._get("mia", f"/datasets/{WINGS}/images/")["results"][0]["id"]
        wish = {"datasets": [WINGS], "models": [left["model"]], "image_id": picture, "k": 3}
        assert self._post("mia", "/searches/", wish)["columns"][0]["results"]
        _expect(self._browsers["cora"].get(f"/lab/models/{left['model']}/"), 200)
        dataset = self._get("cora", f"/datasets/{left['dataset']}/")
        assert dataset["revision"] == 1, dataset
        _run(self._post("cora", "/indexes/", {"model": left["model"], "dataset": left["dataset"]})["id"])
        pages = sum(_crawl(browser) for browser in (Client(), *self._browsers.values()))
        return {"pages": pages, "operations": sum(self._read_api(name) for name in self._api)}

    def _search(self, name: str, datasets: list[int]) -> dict[str, Any]:
        picture = self._get("mia", f"/datasets/{datasets[0]}/images/")["results"][0]["id"]
        search = self._post("mia", "/searches/", {"datasets": datasets, "image_id": picture, "k": 4})
        results = search["columns"][0]["results"]
        for value, result in zip((2, 1), results, strict=False):
            self._post("mia", "/marks/", {"ranking": result["ranking"], "image": result["image"], "value": value})
        path, title = f"{API}/searches/{search['id']}/", f"Search of {name}"
        _expect(self._api["mia"].patch(path, {"name": title}, content_type="application/json"), 200)
        shared = self._post("mia", f"/searches/{search['id']}/share/")
        marks = {str(result["image"]): value for value, result in zip((2, 1), results, strict=False)}
        token = re.search(r"/shared/([^/]+)/", json.dumps(shared))
        assert token, shared
        return {"search": search["id"], "name": title, "marks": marks, "shared": token[1]}

    def _search_with_own_picture(self) -> None:
        picture = self._get("mia", f"/datasets/{WINGS}/images/")["results"][0]["id"]
        with (Path(settings.VAR_DIR) / "own.jpg").open("wb") as own:
            own.write(b"".join(_expect(self._browsers["mia"].get(f"/pictures/{picture}/thumbnail"), 200)))
        with (Path(settings.VAR_DIR) / "own.jpg").open("rb") as own:
            search = self._api["mia"].post(f"{API}/searches/", {"datasets": [WINGS], "k": 3, "file": own})
        assert _expect(search, 201).json()["columns"]

    def _rate(self) -> None:
        """Rate the ballot that is open, or a new one."""
        ballot = self._post("mia", "/ballots/")
        ratings = {str(column["ranking"]): 1 + place % 5 for place, column in enumerate(ballot["columns"])}
        self._post("mia", f"/ballots/{ballot['id']}/rate/", {"ratings": ratings})

    def _import(self, name: str) -> int:
        job = self._post("cora", "/datasets/", {"name": name, "source": BEETLES})["id"]
        return int(_run(job)["dataset"])

    def _train(self, name: str) -> int:
        """Return the model of a training of an epoch, published and with its index."""
        body = {"name": f"Experiment of {name}", "dataset": WINGS, "preset": "demo", "losses": ["soft_triple"]}
        body |= {"weights": "small.safetensors", "publish": True}
        changes = {**NETWORK, "epochs": 1, "weights": "local"}
        experiment = self._post("cora", "/experiments/", {**body, "changes": changes})
        run = self._get("cora", f"/runs/?experiment={experiment['id']}")["results"][0]
        return int(_run(run["job"] if isinstance(run["job"], int) else run["job"]["id"])["model"])

    def _read_api(self, name: str) -> int:
        """Read every operation without a parameter in its path, and the first object of each list."""
        client, count = self._api[name], 0
        schema = _expect(client.get("/api/schema/?format=json"), 200).json()
        for path, operations in schema["paths"].items():
            if "get" not in operations or "{" in path:
                continue
            answer, count = client.get(path), count + 1  # 400: it needs a query
            found = _expect(answer, 200, 400, 403, 404).json() if "json" in answer.headers["Content-Type"] else {}
            first = found["results"][0] if isinstance(found, dict) and found.get("results") else {}
            if "id" in first and "get" in schema["paths"].get(f"{path}{{id}}/", {}):
                count += 1
                _expect(client.get(f"{path}{first['id']}/"), 200)
        return count


def _expect(answer: Any, *statuses: int) -> Any:
    if answer.status_code not in statuses:
        asked = f"{answer.request['REQUEST_METHOD']} {answer.request['PATH_INFO']}"
        said = b"" if answer.streaming else answer.content[:2000]
        raise SystemExit(f"{asked} is {answer.status_code}, not {statuses}: {said!r}")
    return answer


def _marks(search: dict[str, Any]) -> dict[str, int]:
    results = search["columns"][0]["results"]
    return {str(result["image"]): result["mark"] for result in results if result["mark"] is not None}


def _run(job: int) -> dict[str, Any]:
    """Do a job, and what it queues; return its result."""
    before = Job.objects.order_by("-pk").values_list("pk", flat=True)[0]
    run_job(job)
    row = Job.objects.get(pk=job)
    if row.state != "succeeded":
        raise SystemExit(f"job {job} ({row.kind}) is {row.state}: {row.error}")
    for new in Job.objects.filter(pk__gt=before, state="queued").order_by("pk").values_list("pk", flat=True):
        _run(new)
    return dict(row.result or {})


def _crawl(browser: Client) -> int:
    """Open the pages that links lead to, two of each route; return how many."""
    seen, of_route, waiting = {"/"}, Counter[str](), ["/"]
    while waiting:
        path = waiting.pop()
        route = resolve(path.split("?")[0]).route
        if of_route[route] == MOST_OF_A_ROUTE:
            continue
        of_route[route] += 1
        answer = browser.get(path)
        _expect(answer, 200, 286, 301, 302, 400)  # 286: htmx may stop asking; 400: what a model cannot explain
        text = (
            "" if answer.streaming or "html" not in answer.headers.get("Content-Type", "") else answer.content.decode()
        )
        links = {link.replace("&amp;", "&") for link in [*LINK.findall(text), answer.headers.get("Location", "/")]}
        new = sorted(link for link in links - seen if link.startswith("/") and not LEFT_OUT.match(link))
        seen |= set(new)
        waiting += new
    return of_route.total()


def main(keys: str, name: str, notes: str, before: str = "") -> None:
    """Take up what a visit left and read everything, or leave things; write down which, or how much was read."""
    visit = Visit(json.loads(Path(keys).read_text()))
    found = visit.take_up(json.loads(Path(before).read_text())) if before else visit.leave(name)
    Path(notes).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
