import hashlib
import re
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from retrieval.experiments.services.reports import FORMATS, submit_report
from retrieval.models import Dataset, Experiment, Model
from retrieval.registry.services import checksums
from retrieval.registry.services import model_files as files
from retrieval.registry.services.visibility import set_published
from tests.retrieval.world import World, done

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("children_here")]


def page(client: Client, **filters: str) -> str:
    answer = client.get(reverse("downloads"), filters)
    assert answer.status_code == 200
    return answer.content.decode()


def body(answer: Any) -> bytes:
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content)


def address(model: Model, part: str) -> str:
    return reverse("download-model", args=[model.pk, part])


def withdraw(model: Model) -> None:
    set_published(model, False)


# --- the files of models


@pytest.mark.parametrize("part", files.PARTS)
def test_a_file_is_kept_as_it_lies_there_and_its_checksum_is_listed(
    member_client: Client, world: World, part: str
) -> None:
    model = world.models[0]
    answer = member_client.get(address(model, part))
    data = body(answer)
    file = files.model_file(model, part)
    assert file is not None and data == file.read_bytes() and int(answer["Content-Length"]) == len(data)
    assert answer["Content-Disposition"] == f'attachment; filename="softtriple-{model.pk}-{file.name}"'
    assert answer["X-Content-Type-Options"] == "nosniff" and answer["Content-Type"] == "application/octet-stream"
    text = page(member_client)
    assert address(model, part) in text and hashlib.sha256(data).hexdigest() in text


def test_embeddings_and_their_pictures_belong_together(member_client: Client, world: World, tmp_path: Any) -> None:
    kept = tmp_path / "embeddings.npy"
    kept.write_bytes(body(member_client.get(address(world.models[0], "embeddings"))))
    rows = body(member_client.get(address(world.models[0], "images"))).decode().splitlines()
    assert np.load(kept, allow_pickle=False).shape == (len(rows) - 1, world.models[0].dim)


def test_what_is_not_published_is_for_curators(member_client: Client, curator_client: Client, world: World) -> None:
    hidden, shown = world.models
    withdraw(hidden)
    text = page(member_client)
    assert address(hidden, "weights") not in text and address(shown, "weights") in text
    assert member_client.get(address(hidden, "weights")).status_code == 404
    assert address(hidden, "weights") in page(curator_client)
    body(curator_client.get(address(hidden, "weights")))


def test_visitors_are_sent_to_sign_in(client: Client, world: World) -> None:
    for where in (
        reverse("downloads"),
        address(world.models[0], "weights"),
        reverse("download-report", args=[1, "csv"]),
    ):
        assert client.get(where).status_code == 302


@pytest.mark.parametrize("part", ["checkpoint", "model-json", "per_query", "0"])
def test_there_are_no_other_parts(curator_client: Client, world: World, part: str) -> None:
    assert curator_client.get(address(world.models[0], part)).status_code == 404


def test_a_model_that_never_was_is_not_found(curator_client: Client, db: None) -> None:
    for key in (99, 10**30):
        assert curator_client.get(f"/downloads/models/{key}/weights").status_code == 404


def test_a_file_that_is_gone_is_neither_listed_nor_given(member_client: Client, world: World) -> None:
    model = world.models[0]
    (model.folder / "metrics.json").unlink()
    assert address(model, "metrics") not in page(member_client)
    assert member_client.get(address(model, "metrics")).status_code == 404


def test_a_large_file_says_when_its_checksum_comes(
    member_client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checksums, "SMALL", 0)
    text = page(member_client, kind="embeddings")
    assert text.count("no checksum until") == 4
    for name in ("embeddings.npy", "images.csv"):
        checksums.keep_checksum(world.models[0].folder / name)
    assert page(member_client, kind="embeddings").count("no checksum until") == 2


# --- the page


def test_the_page_shows_a_data_set_or_a_kind_alone(member_client: Client, world: World) -> None:
    other = Dataset.objects.create(name="Other", slug="other", source="wings", revision=1)
    for name in ("Wings", "Other"):
        assert re.search(rf">\W?{name}\W?</option>", page(member_client))
    assert address(world.models[0], "weights") in page(member_client, dataset="wings")
    assert "No files match" in page(member_client, dataset=other.slug)
    text = page(member_client, kind="embeddings")
    assert address(world.models[0], "embeddings") in text and address(world.models[0], "weights") not in text


@pytest.mark.parametrize("wanted", [{"dataset": "../../etc"}, {"kind": "secrets"}, {"dataset": "nothing", "kind": "x"}])
def test_what_is_not_there_is_said_to_be_missing(member_client: Client, world: World, wanted: dict[str, str]) -> None:
    text = page(member_client, **wanted)
    assert "No files match" in text and "Show all" in text


def test_an_empty_site_says_what_will_be_here(member_client: Client, curator_client: Client) -> None:
    assert "No downloads yet" in page(member_client) and "Go to the lab" not in page(member_client)
    assert "Go to the lab" in page(curator_client)


# --- reports


@pytest.fixture
def reported(world: World) -> Experiment:
    experiment = Experiment.objects.get()
    done(submit_report(experiment, by=None))
    return experiment


def test_the_report_of_published_models_is_for_members(member_client: Client, reported: Experiment) -> None:
    text = page(member_client, kind="reports")
    for suffix in FORMATS:
        where = reverse("download-report", args=[reported.pk, suffix])
        answer = member_client.get(where)
        assert answer["Content-Disposition"] == f'attachment; filename="small.{suffix}"'
        assert where in text and hashlib.sha256(body(answer)).hexdigest() in text


def test_a_report_with_a_model_that_is_not_published_is_for_curators(
    member_client: Client, curator_client: Client, reported: Experiment, world: World
) -> None:
    withdraw(world.models[0])
    where = reverse("download-report", args=[reported.pk, "csv"])
    assert where not in page(member_client) and member_client.get(where).status_code == 404
    assert where in page(curator_client) and curator_client.get(where).status_code == 200


def test_without_a_report_there_is_none_to_keep(member_client: Client, member: User, world: World) -> None:
    assert member_client.get(reverse("download-report", args=[Experiment.objects.get().pk, "csv"])).status_code == 404
    assert "Reports</h3>" not in page(member_client)
