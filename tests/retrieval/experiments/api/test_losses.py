import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/losses/"


def test_everybody_may_list_the_losses_and_what_is_not_trained(client: APIClient) -> None:
    rows = {row["name"]: row for row in client.get(ROOT).json()}
    assert rows["soft_triple"]["family"] == "proxies" and rows["untrained"]["family"] == "not trained"
    assert rows["soft_triple"]["parameters"]["centers"] == {
        "default": 10,
        "meaning": "centres of each class (K)",
        "letter": "K",
        "range": "from 1 up to 1000",
    }


def test_one_loss_is_explained_and_has_a_version(client: APIClient) -> None:
    answer = client.get(f"{ROOT}arc_face/")
    assert answer.status_code == 200 and answer.json()["title"] == "ArcFace"
    again = client.get(f"{ROOT}arc_face/", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    assert client.get(f"{ROOT}arc_face/", {"fields": "name,family"}).json() == {
        "name": "arc_face",
        "family": "classification",
    }


def test_a_parameter_that_narrows_nothing_is_refused(client: APIClient) -> None:
    answer = client.get(ROOT, {"family": "proxies"})
    assert answer.status_code == 400 and answer.json()["errors"][0]["field"] == "family"


@pytest.mark.parametrize("name", ["nothing", "arc-face", "x" * 61])
def test_a_loss_that_is_not_there_is_a_problem(client: APIClient, name: str) -> None:
    answer = client.get(f"{ROOT}{name}/")
    assert answer.status_code == 404 and answer["Content-Type"] == "application/problem+json"
