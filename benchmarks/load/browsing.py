"""What people do in a browser: each function is one of it, with every page, picture and file that it loads."""

import re

import httpx

from benchmarks.load.site import PASSWORD
from benchmarks.load.visiting import Form, Page, Visitor

MOVED = (302,)
HTMX = {"HX-Request": "true"}
SEARCH = re.compile(r"^/searches/([0-9a-f-]{36})/$")


async def sign_in(visitor: Visitor) -> None:
    """Sign in by the form."""
    page = await visitor.open("browser: sign-in page", "/accounts/login/")
    (form,) = page.forms_to("/accounts/login/")
    content = form.data(login=visitor.person.email, password=PASSWORD)
    await visitor.send("browser: sign in", "POST", form.action, expected=MOVED, data=content)
    visitor.signed_in = True


async def sign_in_again(visitor: Visitor) -> None:
    """Sign out and in again."""
    page = await visitor.open("browser: search form", "/")
    (form,) = page.forms_to("/accounts/logout/")
    await visitor.send("browser: sign out", "POST", form.action, expected=MOVED, data=form.data())
    visitor.signed_in, visitor.last_page = False, None  # its forms belong to the session that has ended
    await sign_in(visitor)


async def search_by_upload(visitor: Visitor) -> None:
    """Search with a picture of one's own, and see the results."""
    page = await visitor.open("browser: search form", "/")
    form = _search_form(page)
    files = {"picture": ("mine.jpg", visitor.picture(), "image/jpeg")}
    kind = "browser: search by upload"
    response = await visitor.send(kind, "POST", form.action, expected=MOVED, data=form.data(), files=files)
    await _see_results(visitor, response, form.fields["models"])


async def search_by_click(visitor: Visitor) -> None:
    """Search with a picture of the data set that the page offers."""
    page = await visitor.open("browser: search form", "/")
    form = _search_form(page)
    image = visitor.random.choice([value for name, value in form.buttons if name == "image"])
    kind = "browser: search by gallery picture"
    response = await visitor.send(kind, "POST", form.action, expected=MOVED, data=form.data(image=image))
    await _see_results(visitor, response, form.fields["models"])


def _search_form(page: Page) -> Form:
    return [form for form in page.forms_to("/") if "datasets" in form.fields][0]


async def _see_results(visitor: Visitor, response: httpx.Response, models: list[str]) -> None:
    where = response.headers["Location"]
    match = SEARCH.match(where)
    if match is None:
        visitor.journal.fail("browser: result page", f"redirect to {where}", None, "it leads to no search")
        return
    keys = sorted(int(model) for model in models)
    visitor.journal.keep_search(match[1], visitor.person.email, {"models": keys, "results": {}})
    visitor.last_page = await visitor.open("browser: result page", where)


async def mark(visitor: Visitor) -> None:
    """Mark a result of the page that is open."""
    if visitor.last_page is None:
        return await search_by_click(visitor)
    form = visitor.random.choice(visitor.last_page.forms_to("/rankings/"))
    value = visitor.random.randrange(3)
    await visitor.send("browser: mark", "POST", form.action, data=form.data(value=str(value)), headers=HTMX)
    ranking, image = int(form.action.split("/")[2]), int(form.fields["image"][0])
    visitor.journal.keep_mark(visitor.person.email, ranking, image, value)


async def explain(visitor: Visitor) -> None:
    """Ask why a result of the page that is open was found."""
    if visitor.last_page is None:
        return await search_by_upload(visitor)
    links = [link for link in visitor.last_page.links if "/explanation/" in link]
    await visitor.open("browser: explanation", visitor.random.choice(links))


async def rate(visitor: Visitor) -> None:
    """Rate the next ballot, and show the names."""
    page = await visitor.open("browser: ballot", "/rate/")
    forms = [form for form in page.forms_to("/rate/") if form.action == "/rate/"]
    if not forms:  # a draft that waits for its names, or everything is rated
        return await _show_names(visitor, page)
    (form,) = forms
    ratings = {int(name.removeprefix("rating-")): visitor.random.randint(1, 5) for name in form.radios}
    visitor.drafts[form.fields["ballot"][0]] = ratings
    sent = {f"rating-{key}": str(value) for key, value in ratings.items()}
    await visitor.send("browser: rate", "POST", form.action, expected=MOVED, data=form.data(**sent))
    await _show_names(visitor, await visitor.open("browser: ballot", "/rate/"))


async def _show_names(visitor: Visitor, page: Page) -> None:
    form = next((form for form in page.forms_to("/rate/") if form.action.endswith("/names")), None)
    if form is None:
        return
    shown = await visitor.send("browser: show names", "POST", form.action, expected=MOVED, data=form.data())
    key = form.action.split("/")[2]
    visitor.journal.keep_ballot(key, visitor.person.email, visitor.drafts[key])
    await visitor.open("browser: rated ballot", shown.headers["Location"])


async def see_leaderboard(visitor: Visitor) -> None:
    """Open the leaderboard, and let it look for new ratings as its script does."""
    await visitor.open("browser: leaderboard", "/leaderboard/")
    await visitor.send("browser: leaderboard's poll", "GET", "/leaderboard/leaderboard.json")
    await visitor.send("browser: leaderboard's poll", "GET", "/leaderboard/rows", headers=HTMX)


async def see_dataset(visitor: Visitor) -> None:
    """Open the list of data sets and one of them."""
    await visitor.open("browser: data sets", "/datasets/")
    await visitor.open("browser: data set", f"/datasets/{visitor.site.slug}/")


async def see_history(visitor: Visitor) -> None:
    """Open the history, and one search of it."""
    page = await visitor.open("browser: history", "/searches/")
    searches = [link for link in page.links if SEARCH.match(link)]
    if searches:
        visitor.last_page = await visitor.open("browser: result page", visitor.random.choice(searches))
