"""Requests about marks, ballots and the leaderboard."""

from ratings.models import Ballot
from ratings.services import ballots
from retrieval.search.services import marks
from tests.api.things import Ask, Scene, listed, thing

listed("GET /marks/", "GET /ballots/", "POST /ballots/", "GET /ballots/progress/", "GET /ballots/consistency/")
listed("GET /leaderboard/", "GET /leaderboard/audit/")


@thing("GET /leaderboard/{suffix}/")
def leaderboard_file(scene: Scene) -> Ask:
    return Ask("/leaderboard/csv/", headers={"Accept": "text/csv"})


@thing("GET /datasets/{id}/ratings/{part}/")
def exported_ratings(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/ratings/ratings.csv/", headers={"Accept": "text/csv"})


@thing("GET /datasets/{id}/judged-metrics/")
def judged_metrics(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/judged-metrics/")


@thing("GET /datasets/{id}/consistency/")
def consistency(scene: Scene) -> Ask:
    return Ask(f"/datasets/{scene.world.dataset.pk}/consistency/")


@thing("POST /marks/")
def mark(scene: Scene) -> Ask:
    ranking = scene.world.ask(scene.member).rankings.all()[0]
    return Ask("/marks/", {"ranking": ranking.pk, "image": ranking.image_ids[0], "value": 2})


@thing("DELETE /marks/{id}/")
def own_mark(scene: Scene) -> Ask:
    ranking = scene.world.ask(scene.member).rankings.all()[0]
    return Ask(f"/marks/{marks.mark(scene.member, ranking, ranking.image_ids[0], 2).pk}/")


def open_ballot(scene: Scene) -> Ballot:
    return ballots.next_ballot(scene.member)


@thing("GET /ballots/{id}/")
def own_ballot(scene: Scene) -> Ask:
    return Ask(f"/ballots/{open_ballot(scene).pk}/")


@thing("POST /ballots/{id}/rate/")
def cast_ballot(scene: Scene) -> Ask:
    ballot = open_ballot(scene)
    return Ask(f"/ballots/{ballot.pk}/rate/", {"ratings": {str(key): 4 for key in ballot.order}})


@thing("POST /ballots/{id}/show-names/")
def drafted_ballot(scene: Scene) -> Ask:
    ballot = open_ballot(scene)
    ballots.save_draft(ballot, ballots.all_ones(ballot))
    return Ask(f"/ballots/{ballot.pk}/show-names/")


@thing("POST /ballots/{id}/skip/")
def skipped_ballot(scene: Scene) -> Ask:
    return Ask(f"/ballots/{open_ballot(scene).pk}/skip/")


@thing("POST /ballots/{id}/withdraw/")
def withdrawn_ballot(scene: Scene) -> Ask:
    ballot = open_ballot(scene)
    ballots.rate(ballot, ballots.all_ones(ballot), all_bad=True)
    return Ask(f"/ballots/{ballot.pk}/withdraw/")
