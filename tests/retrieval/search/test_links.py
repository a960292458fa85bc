import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
from retrieval.models import Search
from retrieval.search.services.sharing import set_shared
from tests.conftest import signed_in
from tests.retrieval.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(world: World, member: User) -> Search:
    search: Search = world.ask(member)
    set_shared(search, True)
    return search


def test_a_curator_sees_a_members_link_and_revokes_it(
    shared: Search, curator: User, curator_client: Client, member: User
) -> None:
    link = f"/shared/{shared.share_token}/"
    page = curator_client.get("/lab/share-links/?dataset=wings")
    assert link in page.content.decode() and "Mia" in page.content.decode()
    assert curator_client.post(f"/lab/share-links/{shared.pk}/revoke").status_code == 302
    assert [Client().get(where).status_code for where in (link, f"{link}query")] == [404, 404]
    assert signed_in(member).get(f"/searches/{shared.pk}/").status_code == 200
    [entry] = AuditEntry.objects.filter(action="revoke-share-link")
    assert entry.who == curator and entry.details == {"owner": member.pk, "datasets": ["Wings"]}
    assert curator_client.post(f"/lab/share-links/{shared.pk}/revoke").status_code == 404
    assert link not in curator_client.get("/lab/share-links/").content.decode()


def test_members_see_no_list_of_links(shared: Search, member_client: Client) -> None:
    assert member_client.get("/lab/share-links/").status_code == 403
    assert member_client.post(f"/lab/share-links/{shared.pk}/revoke").status_code == 403


def test_links_over_the_api(shared: Search, curator_api: APIClient, world: World, member: User) -> None:
    world.ask(member)  # not shared
    rows = curator_api.get(f"/api/v1/share-links/?dataset={world.dataset.pk}").json()["results"]
    assert [row["id"] for row in rows] == [str(shared.pk)] and rows[0]["owner_name"] == "Mia"
    assert curator_api.get("/api/v1/share-links/?dataset=999").json()["results"] == []
    for code in (204, 404):
        assert curator_api.delete(f"/api/v1/share-links/{shared.pk}/").status_code == code
    shared.refresh_from_db()
    assert shared.share_token is None and AuditEntry.objects.filter(action="revoke-share-link").count() == 1
