"""A web process that cannot load PyTorch searches and explains by the process of an encoder, which dies meanwhile."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from accounts import services
from accounts.models import User
from operations.models import Process
from tests.jobs.live import START_SECONDS, Live, wait_until
from tests.kindred_client.site import Site
from tests.ports import free_port
from tests.retrieval.pictures import jpeg
from tests.retrieval.world import World

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("fresh_engine")]

OF_NETWORKS = ("torch", "torchvision", "timm", "onnxruntime", "onnx")


@pytest.fixture
def without_networks(tmp_path: Path) -> Path:
    """A folder on the path of imports in which every library of networks is one that cannot be imported."""
    for name in OF_NETWORKS:
        (tmp_path / "path" / name).mkdir(parents=True)
        (tmp_path / "path" / name / "__init__.py").write_text(f"raise ImportError('{name} is not installed here')\n")
    return tmp_path / "path"


class EncoderProcess:
    """`manage.py encoder`, which may die and come back at the same address."""

    def __init__(self, live: Live) -> None:
        self.live, self.port = live, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "encoder", "--port", str(self.port)]
        self.process = self.live.start(command, leads=True)
        wait_until(self.is_ready, START_SECONDS, lambda: f"an encoder\n{self.live.logs()}")
        return self.process

    def is_ready(self) -> bool:
        assert self.process.poll() is None, f"it ended at once\n{self.live.logs()}"
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False


def test_a_web_process_without_networks_searches_by_an_encoder(
    live: Live, world: World, member: User, without_networks: Path
) -> None:
    encoder = EncoderProcess(live)
    path = f"{without_networks}:{live.env['PYTHONPATH']}"
    site = Site(live, {"ENCODER_URL": encoder.url, "PYTHONPATH": path, "KINDRED_VAR": live.env["KINDRED_VAR"]})
    headers = {"Authorization": f"Token {services.create_token(member, 'encoder')[1]}"}
    http = httpx.Client(base_url=site.address, trust_env=False, timeout=60, headers=headers)

    def search() -> httpx.Response:
        form = {"datasets": str(world.dataset.pk), "k": "3"}
        return http.post("/api/v1/searches/", data=form, files={"file": ("bird.jpg", jpeg(4), "image/jpeg")})

    answer = search()
    assert answer.status_code == 201, f"{answer.text}\n{live.logs()}"
    local = world.ask(member, upload=jpeg(4))
    here = {row.model_id: row.image_ids for row in local.rankings.all()}
    columns = answer.json()["columns"]
    assert {column["model"]: [result["image"] for result in column["results"]] for column in columns} == here

    result = columns[0]["results"][0]
    where = f"/api/v1/searches/{answer.json()['id']}/explanation/{result['ranking']}/{result['image']}/"
    explained = http.get(where)
    assert explained.status_code == 200, f"{explained.text}\n{live.logs()}"

    assert sorted(Process.objects.values_list("role", flat=True)) == ["encoder", "web"]
    checks = http.get("/readyz").json()
    assert checks["ready"] and checks["checks"]["encoder"] == "ok"

    live.kill9(encoder.process)
    refused = search()
    assert refused.status_code == 503 and int(refused.headers["Retry-After"]) >= 1
    assert "the encoder does not answer" in refused.json()["detail"]
    wait_until(lambda: http.get("/readyz").json()["checks"]["encoder"] == "failed", 10, live.logs)
    assert http.get("/readyz").status_code == 200, "a host stays in service: pages go on"
    encoder.start()
    wait_until(lambda: search().status_code == 201, 30, live.logs)
