import os
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from tests.retrieval.world import World, done

pytestmark = pytest.mark.django_db


def test_storage_is_for_curators(client: Client, member_client: Client, curator_client: Client, world: World) -> None:
    address = reverse("storage")
    assert client.get(address).status_code == 302
    assert member_client.get(address).status_code == 403
    assert member_client.post(address, {"path": "media"}).status_code == 403
    text = curator_client.get(address).content.decode()
    assert "Wings" in text and 'name="path"' not in text and "Measured" in text
    assert curator_client.get("/lab/disk/").headers["Location"] == address
    assert curator_client.get("/lab/disk/").status_code == 301
    assert reverse("storage") in curator_client.get(reverse("lab")).content.decode()


def test_what_is_ticked_goes_and_the_rest_is_refused(curator_client: Client, world: World) -> None:
    left = Path(settings.MEDIA_ROOT) / "runs" / "99"
    left.mkdir(parents=True)
    os.utime(left, (time.time() - 9999,) * 2)
    address = reverse("storage")
    text = curator_client.get(address).content.decode()
    assert "media/runs/99" in text
    for paths, sentence in (([], "select at least one"), (["media/runs/1"], "is needed by now")):
        answer = curator_client.post(address, {"path": paths})
        assert answer.status_code == 400 and sentence in answer.content.decode()
    answer = curator_client.post(address, {"path": ["media/runs/99"]})
    job = Job.objects.get(kind="collect")
    assert answer["Location"] == reverse("job", args=[job.pk])
    done(job)
    assert not left.exists()
