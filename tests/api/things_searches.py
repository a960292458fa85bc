"""Requests about searching."""

from retrieval.models import Search
from retrieval.search.services.access import delete_search
from retrieval.search.services.sharing import set_shared
from tests.api.things import Ask, Scene, listed, thing

listed("GET /searches/", "GET /share-links/")


def wish(scene: Scene) -> dict[str, object]:
    return {"datasets": [scene.world.dataset.pk], "image_id": scene.world.test_images[0].pk, "k": 3}


def own(scene: Scene) -> Search:
    search: Search = scene.world.ask(scene.member)
    return search


@thing("GET /share-links/{id}/")
@thing("DELETE /share-links/{id}/")
def anybodys_link(scene: Scene) -> Ask:
    search = own(scene)
    set_shared(search, True)
    return Ask(f"/share-links/{search.pk}/")


@thing("POST /searches/")
def new_search(scene: Scene) -> Ask:
    return Ask("/searches/", wish(scene))


@thing("POST /searches/batch/")
def two_searches(scene: Scene) -> Ask:
    return Ask("/searches/batch/", {"searches": [wish(scene), wish(scene)]})


@thing("GET /searches/{id}/")
@thing("DELETE /searches/{id}/")
def own_search(scene: Scene) -> Ask:
    return Ask(f"/searches/{own(scene).pk}/")


@thing("POST /searches/{id}/restore/")
def deleted_search(scene: Scene) -> Ask:
    search = own(scene)
    delete_search(search)
    return Ask(f"/searches/{search.pk}/restore/")


@thing("PATCH /searches/{id}/")
def saved_search(scene: Scene) -> Ask:
    return Ask(f"/searches/{own(scene).pk}/", {"name": "Owls at dusk"})


@thing("POST /searches/{id}/refine/")
def refined_search(scene: Scene) -> Ask:
    return Ask(f"/searches/{own(scene).pk}/refine/", {"more_like": [scene.world.test_images[1].pk]})


@thing("GET /searches/{id}/prediction/")
def prediction(scene: Scene) -> Ask:
    return Ask(f"/searches/{own(scene).pk}/prediction/")


@thing("GET /searches/{id}/explanation/{ranking}/{image}/")
def explanation(scene: Scene) -> Ask:
    search = own(scene)
    ranking = search.rankings.all()[0]
    return Ask(f"/searches/{search.pk}/explanation/{ranking.pk}/{ranking.image_ids[0]}/")


@thing("GET /searches/{id}/results/{suffix}/")
def kept_answers(scene: Scene) -> Ask:
    return Ask(f"/searches/{own(scene).pk}/results/csv/")


@thing("POST /searches/{id}/share/")
@thing("DELETE /searches/{id}/share/")
def shared_search(scene: Scene) -> Ask:
    return Ask(f"/searches/{own(scene).pk}/share/")
