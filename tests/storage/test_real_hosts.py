"""Two web hosts and two workers as real processes: four folders, one database, one broker, one object storage."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as current
from django.test import override_settings

from accounts.models import User
from jobs.models import Job
from retrieval.models import Dataset, Model, Run, Search
from storage.store import store
from tests.conftest import PASSWORD
from tests.jobs.live import Live, wait_until
from tests.kindred_client.site import Site
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import LOSSES, SMALL, WINGS
from tests.storage.server import KEY

pytestmark = [pytest.mark.queue, pytest.mark.services_only]

PATIENCE = 180  # seconds: torch alone may take a while to load on a busy machine
EPOCHS = 40


class Hosts:
    """Processes of hosts that share nothing but database, broker, cache and storage."""

    def __init__(self, live: Live, url: str, folder: Path) -> None:
        self.live, self.folder = live, folder
        live.app = "config"
        live.env |= {
            **KEY,
            "STORAGE_URL": url,
            "SECRET_KEY": current.SECRET_KEY,
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "CACHE_URL": os.environ.get("CACHE_URL", "redis://127.0.0.1:6379/5"),
        }

    @contextmanager
    def on(self, name: str) -> Iterator[Path]:
        """Start what the block starts on that host; yield its folder."""
        before = self.live.env["KINDRED_VAR"]
        self.live.env["KINDRED_VAR"] = str(self.folder / name)
        yield self.folder / name
        self.live.env["KINDRED_VAR"] = before


@pytest.fixture
def hosts(live: Live, bucket: str, tmp_path: Path) -> Hosts:
    return Hosts(live, current.STORAGE_URL, tmp_path)


def test_hosts_share_one_site(hosts: Hosts, live: Live, curator: User, member: User) -> None:
    with hosts.on("a"):
        first = Site(live)
    with hosts.on("b") as of_b:
        second = Site(live)
    with hosts.on("c"):
        dying = live.start_worker("train")
    with hosts.on("d"):
        live.start_worker("work")
        live.start_beat()

    dataset = imported(live, first, curator)
    trained_by_two(hosts, live, second, curator, dying)
    with second.api(member) as api:
        found = api.post("searches/", files={"file": ("mine.jpg", jpeg())}, data={"datasets": str(dataset.pk)})
        assert found.status_code == 201, found.text
        search = Search.objects.get(owner=member)
        assert [len(column["results"]) for column in found.json()["columns"]] == [12, 12]
        ballot = api.post("ballots/").json()
        ratings = {str(column["ranking"]): 3 for column in ballot["columns"]}
        assert api.post(f"ballots/{ballot['id']}/rate/", json={"ratings": ratings}).status_code == 200
    with first.api(member) as api:
        assert api.get(f"ballots/{ballot['id']}/").json()["rated_at"]
    assert not list(hosts.folder.glob("*/media/searches/*")) and store().has(search.upload_key)

    with signed_in(first, member) as browser:
        for site in (first, second):
            page = browser.get(f"{site.address}/searches/{search.pk}/")
            assert page.status_code == 200 and "SoftTriple" in page.text
            picture = browser.get(f"{site.address}/searches/{search.pk}/picture")
            assert picture.status_code == 200 and picture.content[:2] == b"\xff\xd8"
        ready = browser.get(f"{second.address}/readyz").json()
        assert ready["checks"]["storage"] == "ok"
    assert (of_b / "media/indexes").is_dir()


def trained_by_two(hosts: Hosts, live: Live, site: Site, curator: User, dying: "subprocess.Popen[bytes]") -> None:
    """Train two losses; kill the worker after two epochs, and let another host finish."""
    with site.api(curator) as api:
        body = {"name": "Two", "dataset": Dataset.objects.get().pk, "preset": "demo", "publish": True}
        changes = {**SMALL, "epochs": EPOCHS}
        answer = api.post("experiments/", json={**body, "losses": list(LOSSES), "changes": changes})
        assert answer.status_code == 202, answer.text
    runs = list(Run.objects.order_by("pk"))
    one = runs[0]
    wait_until(lambda: epochs(one) >= 2, PATIENCE, lambda: f"two epochs\n{live.logs()}")
    live.kill9(dying)
    assert 2 <= epochs(one) < EPOCHS, "it was killed in its middle"
    with hosts.on("d"):
        finishing = live.start_worker("train")
    for run in runs:
        assert run.job is not None
        live.wait_for(run.job, "succeeded", PATIENCE)
        live.wait_for(Job.objects.get(pk=run.job.result["index_job"]), "succeeded", PATIENCE)
    said = live.log_of(finishing)
    went_on = re.search(r"goes on from epoch (\d+), which another host stored", said)
    assert went_on is not None and int(went_on[1]) >= 1 and "Traceback" not in said, said
    one.refresh_from_db()
    assert one.job is not None and one.job.attempt == 2
    assert [event["epoch"] for event in one.history] == list(range(1, EPOCHS + 1))
    assert Model.objects.filter(published=True).count() == 2


def imported(live: Live, site: Site, curator: User) -> Dataset:
    with site.api(curator) as api:
        answer = api.post("datasets/", json={"name": "Wings", "source": WINGS})
        assert answer.status_code == 202, answer.text
    dataset = Dataset.objects.get()
    assert dataset.job is not None
    live.wait_for(dataset.job, "succeeded", PATIENCE)
    dataset.refresh_from_db()
    Dataset.objects.update(public=True)
    return dataset


def epochs(run: Run) -> int:
    run.refresh_from_db()
    return len(run.history)


@contextmanager
def signed_in(site: Site, user: User) -> Iterator[httpx.Client]:
    """Sign in on one host, as a browser: to it the ports of a machine are one site."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"]):
        user.set_password(PASSWORD)  # tests know a faster way, which the site refuses
        user.save()
    with httpx.Client(timeout=60, trust_env=False, follow_redirects=True) as browser:
        page = browser.get(f"{site.address}/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        body: dict[str, Any] = {"login": user.email, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        answer = browser.post(f"{site.address}/accounts/login/", data=body)
        assert answer.status_code == 200 and "/accounts/login/" not in str(answer.url), answer.text[:2000]
        yield browser


def test_a_storage_that_stops_for_a_while_loses_nothing(hosts: Hosts, live: Live, curator: User, s3: Any) -> None:
    """Stopped, not killed: its objects are in its memory."""
    with hosts.on("a"):
        site = Site(live)
        live.start_worker("work")
        live.start_beat()
    dataset = imported(live, site, curator)
    with site.api(curator) as api:
        image = api.get(f"datasets/{dataset.pk}/images/").json()["results"][0]["id"]
        assert api.get(f"images/{image}/file/").status_code == 200
    with hosts.on("b"):
        other = Site(live)
    s3.pause()
    try:
        began = time.monotonic()
        with other.api(curator) as api:
            away = api.get(f"images/{image}/file/")
        assert away.status_code == 503 and int(away.headers["Retry-After"]) > 0 and time.monotonic() - began < 60
    finally:
        s3.resume()
    wait_until(lambda: fetched(other, curator, image), PATIENCE, lambda: f"a picture\n{live.logs()}")


def fetched(site: Site, curator: User, image: int) -> bool:
    with site.api(curator) as api:
        return api.get(f"images/{image}/file/").status_code == 200
