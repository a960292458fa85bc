"""What programs do over the API, with a token."""

from typing import Any

from benchmarks.load.judging import BUSY
from benchmarks.load.visiting import Visitor, choose_results, last, results_of

API = "/api/v1"
CREATED = (201,)
CONFLICT = 409
BATCH = 5


async def search_by_upload(visitor: Visitor) -> None:
    """Search with a file."""
    files = {"file": ("query.jpg", visitor.picture(), "image/jpeg")}
    data = {"datasets": str(visitor.site.dataset)}
    response = await visitor.send(
        "API: search by upload", "POST", f"{API}/searches/", expected=CREATED, data=data, files=files
    )
    _keep(visitor, response.json(), visitor.site.models)


async def search_by_image(visitor: Visitor) -> None:
    """Search with a picture of the data set, by one model."""
    model = visitor.random.choice(visitor.site.models)
    body = {**_by_image(visitor), "models": [model]}
    response = await visitor.send(
        "API: search by gallery picture", "POST", f"{API}/searches/", expected=CREATED, json=body
    )
    _keep(visitor, response.json(), (model,))


def _by_image(visitor: Visitor) -> dict[str, Any]:
    return {"datasets": [visitor.site.dataset], "image_id": visitor.random.choice(visitor.site.images)}


def _keep(visitor: Visitor, search: dict[str, Any], models: tuple[int, ...]) -> None:
    value = {"models": sorted(models), "results": results_of(search)}
    visitor.journal.keep_search(search["id"], visitor.person.email, value)
    visitor.seen.append(search["id"])


async def search_batch(visitor: Visitor) -> None:
    """Search with several pictures at once; what a busy site leaves is counted as a 503."""
    kind = "API: batch of searches"
    body = {"searches": [_by_image(visitor) for _ in range(BATCH)]}
    outcomes = (await visitor.send(kind, "POST", f"{API}/searches/batch/", json=body)).json()["results"]
    for outcome in outcomes:
        if "search" in outcome:
            _keep(visitor, outcome["search"], visitor.site.models)
        elif outcome["problem"]["status"] == BUSY:
            visitor.journal.tally(f"{kind}, a part").busy += 1
        else:
            visitor.journal.fail(kind, "a part of the batch", outcome["problem"]["status"], str(outcome["problem"]))


async def see_again(visitor: Visitor) -> None:
    """Read a search, then ask whether it has changed."""
    key = last(visitor.seen)
    if key is None:
        return await search_by_upload(visitor)
    read = await visitor.send("API: search", "GET", f"{API}/searches/{key}/")
    headers = {"If-None-Match": read.headers["ETag"]}
    await visitor.send("API: search with ETag", "GET", f"{API}/searches/{key}/", expected=(304,), headers=headers)


async def mark(visitor: Visitor) -> None:
    """Mark a result of the newest search."""
    key = last(visitor.seen)
    if key is None:
        return await search_by_image(visitor)
    similarities = results_of((await visitor.send("API: search", "GET", f"{API}/searches/{key}/")).json())
    ranking, image = choose_results(similarities, visitor.random)
    value = visitor.random.randrange(3)
    body = {"ranking": ranking, "image": image, "value": value}
    await visitor.send("API: mark", "POST", f"{API}/marks/", json=body)
    visitor.journal.keep_mark(visitor.person.email, ranking, image, value)


async def export(visitor: Visitor) -> None:
    """Fetch the results of the newest search as a file."""
    key = last(visitor.seen)
    if key is None:
        return await search_by_upload(visitor)
    suffix = visitor.random.choice(("csv", "json", "zip"))
    await visitor.send("API: results as a file", "GET", f"{API}/searches/{key}/results/{suffix}/")


async def rate(visitor: Visitor) -> None:
    """Rate the next ballot, if one is left."""
    opened = await visitor.send("API: next ballot", "POST", f"{API}/ballots/", expected=(*CREATED, CONFLICT))
    if opened.status_code == CONFLICT:  # everything is rated
        return
    ballot = opened.json()
    ratings = {column["ranking"]: visitor.random.randint(1, 5) for column in ballot["columns"]}
    body = {"ratings": {str(key): value for key, value in ratings.items()}}
    await visitor.send("API: rate", "POST", f"{API}/ballots/{ballot['id']}/rate/", json=body)
    visitor.journal.keep_ballot(ballot["id"], visitor.person.email, ratings)


async def list_things(visitor: Visitor) -> None:
    """Read the lists that programs follow."""
    await visitor.send("API: list of jobs", "GET", f"{API}/jobs/")
    await visitor.send("API: list of searches", "GET", f"{API}/searches/?fields=id,created_at")
    await visitor.send("API: leaderboard", "GET", f"{API}/leaderboard/")
