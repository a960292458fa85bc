import pytest
from rest_framework.test import APIClient

from accounts.models import User
from jobs.models import Job
from retrieval.models import Dataset
from tests.conftest import api_of
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db

ROOT = "/api/v1/datasets/"


def test_a_member_reads_sets_and_their_pictures(member_api: APIClient, world: World) -> None:
    [row] = member_api.get(ROOT).json()["results"]
    assert row["slug"] == "wings" and row["report"]["images"] == 48
    assert member_api.get(f"{ROOT}{row['id']}/").json() == row
    pictures = member_api.get(f"{ROOT}{row['id']}/images/", {"limit": 5}).json()
    assert len(pictures["results"]) == 5 and "cursor=" in pictures["next"]
    first = pictures["results"][0]
    assert first["class_name"] in row["classes"] and first["url"].endswith(f"/pictures/{first['id']}")


def test_a_program_without_a_token_is_refused(world: World) -> None:
    assert APIClient().get(ROOT).status_code == 401


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 30])
def test_an_unknown_set_is_not_found(member_api: APIClient, pk: str) -> None:
    answer = member_api.get(f"{ROOT}{pk}/")
    assert answer.status_code == 404 and answer["Content-Type"] == "application/problem+json"


def test_a_curator_imports_and_follows_the_job(curator_api: APIClient) -> None:
    answer = curator_api.post(ROOT, {"name": "Wings", "source": "wings:species=4,per_class=2,size=32"})
    assert answer.status_code == 202
    assert curator_api.get(answer["Location"]).json()["kind"] == "import"
    assert Dataset.objects.get().job == Job.objects.get()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"name": "Birds"}, "give either source or archive"),
        ({"name": "Birds", "source": "/etc"}, "outside the import folders"),
        ({"source": "wings"}, "This field is required"),
        ({"name": "a\0b", "source": "wings"}, "Null characters are not allowed"),
    ],
)
def test_a_wrong_import_is_a_problem(curator_api: APIClient, body: dict[str, str], sentence: str) -> None:
    answer = curator_api.post(ROOT, body, format="json")
    assert answer.status_code == 400 and sentence in answer.json()["detail"]
    assert not Dataset.objects.exists()


def test_importing_is_for_curators_whose_token_may_write(member_api: APIClient, curator: User) -> None:
    body = {"name": "Wings", "source": "wings"}
    assert member_api.post(ROOT, body).status_code == 403
    answer = api_of(curator, read_only=True).post(ROOT, body)
    assert answer.status_code == 403 and "read-only" in answer.json()["detail"]
    assert not Dataset.objects.exists()
