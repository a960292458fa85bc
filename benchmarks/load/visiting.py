"""A client of the site: one person with connections, cookies and a cache of their own, as a browser has."""

import asyncio
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import httpx

from benchmarks.load.judging import Journal, Unsuccessful
from benchmarks.load.site import LoadSite, Person

TIMEOUT = 120.0  # seconds: who waits longer has gone
AT_ONCE = 6  # connections of a browser to one host
IN_VIEW = 18  # pictures of a page that are loaded: the others are below the window, and lazy
OK = (200,)


@dataclass
class Form:
    """A form as it would be sent. fields: what it has when the page opens, files and buttons left out."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    radios: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)

    def data(self, **changes: Any) -> dict[str, Any]:
        """Return the fields with these changes."""
        return {**self.fields, **changes}


class Page(HTMLParser):
    """The forms of a page, where its links lead, and what a browser loads with it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.files: list[str] = []
        self.pictures: list[str] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._open: Form | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element says."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""))
            self.forms.append(self._open)
        elif tag in ("input", "button") and self._open is not None and given.get("name"):
            _add(self._open, tag, given)
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon"):
            self.files.append(given["href"])
        elif tag == "script" and "src" in given:
            self.files.append(given["src"])
        elif tag == "img" and given.get("src", "").startswith("/"):
            self.pictures.append(given["src"])
        elif tag == "a" and given.get("href", "").startswith("/"):
            self.links.append(given["href"])

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a form."""
        if tag == "form":
            self._open = None

    def forms_to(self, start: str) -> list[Form]:
        """Return the forms that are sent to such a path."""
        return [form for form in self.forms if form.action.startswith(start)]


def _add(form: Form, tag: str, given: dict[str, str]) -> None:
    kind = given.get("type", "")
    if tag == "button":
        form.buttons.append((given["name"], given.get("value", "")))
    elif kind == "radio":
        form.radios.add(given["name"])
    elif kind not in ("file", "checkbox") or (kind == "checkbox" and "checked" in given):
        form.fields.setdefault(given["name"], []).append(given.get("value", ""))


class Visitor:
    """One person at the site.

    seen: keys of a program's searches, newest last. last_page: a browser's newest page of results. drafts: ratings
    by ballot.
    """

    def __init__(self, site: LoadSite, person: Person, journal: Journal, headers: dict[str, str]) -> None:
        self.site, self.person, self.journal = site, person, journal
        self.random = random.Random(person.number)  # noqa: S311  # each run does alike
        self.seen: list[str] = []
        self.last_page: Page | None = None
        self.drafts: dict[str, dict[int, int]] = {}
        self.signed_in = False
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{site.stack.port}",
            headers={"X-Forwarded-For": person.ip, **headers},
            timeout=TIMEOUT,
            trust_env=False,
            limits=httpx.Limits(max_connections=AT_ONCE),
        )
        self._cached: dict[str, str] = {}  # by URL the ETag; "" where nothing is to be sent again

    def picture(self) -> bytes:
        """Return a picture to search with."""
        return self.random.choice(self.site.queries)

    async def send(
        self, kind: str, method: str, url: str, *, expected: Collection[int] = OK, **content: Any
    ) -> httpx.Response:
        """Send a request and count what came of it. Raises Unsuccessful unless the status is an expected one."""
        began = time.perf_counter()
        try:
            response = await self.client.request(method, url, **content)
        except httpx.HTTPError as error:
            self.journal.fail(kind, f"{method} {url}", None, repr(error))
            raise
        self.journal.judge(kind, response, expected, 1000 * (time.perf_counter() - began))
        return response

    async def open(self, kind: str, url: str) -> Page:
        """Open a page with all that a browser loads for it."""
        page = Page((await self.send(kind, "GET", url)).text)
        wanted = [*dict.fromkeys(page.files), *dict.fromkeys(page.pictures[:IN_VIEW])]
        await asyncio.gather(*(self._load(urljoin(url, part), part in page.files) for part in wanted))
        return page

    async def _load(self, url: str, is_static: bool) -> None:
        """Load a part of a page, unless the browser has it; a failure is counted and leaves the others."""
        tag = self._cached.get(url)
        if tag == "":
            return
        headers = {"If-None-Match": tag} if tag else {}
        try:
            response = await self.send(
                "browser: static file" if is_static else "browser: picture",
                "GET",
                url,
                expected=(200, 304),
                headers=headers,
            )
        except Unsuccessful:
            return
        self._remember(url, response)

    def _remember(self, url: str, response: httpx.Response) -> None:
        rules = response.headers.get("Cache-Control", "")
        if "no-store" in rules:
            return
        if "max-age=" in rules and "max-age=0" not in rules:
            self._cached[url] = ""
        elif tag := response.headers.get("ETag", ""):
            self._cached[url] = tag


def results_of(search: dict[str, Any]) -> dict[int, dict[int, float]]:
    """Return the similarities that the API shows of a search, by ranking and image."""
    similarities: dict[int, dict[int, float]] = {}
    for column in search["columns"]:
        for result in column["results"]:
            similarities.setdefault(result["ranking"], {})[result["image"]] = result["similarity"]
    return similarities


def choose_results(similarities: dict[int, dict[int, float]], dice: random.Random) -> tuple[int, int]:
    """Return the ranking and the image of one result."""
    ranking = dice.choice(list(similarities))
    return ranking, dice.choice(list(similarities[ranking]))


def last(seen: Sequence[str]) -> str | None:
    """Return the newest of them; None where there is none."""
    return seen[-1] if seen else None
