"""People who use the site while something goes wrong: they search and rate, and remember every answer."""

import itertools
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx

from tests.retrieval.pictures import jpeg

PAUSE = 0.4  # seconds between two requests
BALLOT_EVERY = 5  # requests
LONGEST = 90  # seconds in which any answer has to come

Rankings = dict[int, list[int]]
"""Of a search: the pictures by model."""


class People:
    """A thread that searches with pictures of the site and of its own, and rates.

    allowed: statuses that are right answers beside 201, 200 and a 503 that says when to come again.
    """

    def __init__(self, address: str, token: str, pictures: Sequence[int], dataset: int) -> None:
        self.http = httpx.Client(
            base_url=f"{address}/api/v1/",
            headers={"Authorization": f"Token {token}"},
            timeout=LONGEST,
            trust_env=False,
        )
        self.pictures, self.dataset = pictures, dataset
        self.allowed = set[int]()
        self.server_is_down = threading.Event()
        self.statuses: Counter[str] = Counter()
        self.searches = dict[str, Rankings]()
        self.unanswered = 0  # requests whose connection broke: whether they were stored nobody was told
        self.ballots = dict[str, dict[str, int]]()
        self.troubles = list[str]()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, name="people")

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Let the last request end."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(2 * LONGEST)
        self.http.close()

    def _live(self) -> None:
        for number in itertools.count():
            if self._over.wait(PAUSE):
                return
            try:
                if number % BALLOT_EVERY == BALLOT_EVERY - 1:
                    self._rate()
                else:
                    self._search(number)
            except Exception as error:  # noqa: BLE001  # told by the test: a thread that ends quietly finds nothing wrong
                self.troubles.append(f"request {number}: {error!r}")

    def _search(self, number: int) -> None:
        values = {"datasets": str(self.dataset), "k": "3"}
        if number % 2:
            answer = self._asked("searches/", data=values, files={"file": ("mine.jpg", jpeg(number), "image/jpeg")})
        else:
            picture = self.pictures[number % len(self.pictures)]
            answer = self._asked("searches/", json={"datasets": [self.dataset], "k": 3, "image_id": picture})
        if answer is not None and answer.status_code == 201:
            found = answer.json()
            self.searches[found["id"]] = {
                column["model"]: [result["image"] for result in column["results"]]
                for column in found["columns"]
                if column["results"]
            }

    def _rate(self) -> None:
        """Rate what is shown, again and again until the site has it: a ballot is stored once."""
        ballot = self._asked("ballots/", also={409})
        if ballot is None or ballot.status_code != 201:
            return
        number, columns = ballot.json()["id"], ballot.json()["columns"]
        ratings = {str(column["ranking"]): 1 + place % 5 for place, column in enumerate(columns)}
        while not self._over.is_set():
            answer = self._asked(f"ballots/{number}/rate/", json={"ratings": ratings}, also={409})
            if answer is not None and answer.status_code in (200, 409):  # 409: the first time was stored
                self.ballots[number] = ratings
                return
            self._over.wait(PAUSE)

    def _asked(self, path: str, *, also: set[int] | None = None, **body: Any) -> httpx.Response | None:
        """Return the answer to a request; None where the connection broke, which only a dead server explains."""
        was_down = self.server_is_down.is_set()
        try:
            answer = self.http.post(path, **body)
        except httpx.TransportError as error:
            self.statuses["no connection"] += 1
            self.unanswered += 1
            if not (was_down or self.server_is_down.is_set()):
                self.troubles.append(f"{path}: {error!r} while the server was up")
            return None
        status = answer.status_code
        self.statuses[str(status)] += 1
        if status == 503 and not answer.headers.get("Retry-After", "").isdecimal():
            self.troubles.append(f"{path}: 503 without Retry-After: {answer.text[:300]}")
        elif status not in {200, 201, 503} | self.allowed | (also or set()):
            self.troubles.append(f"{path}: {status}: {answer.text[:300]}")
        return answer

    def said(self) -> str:
        """Return how requests were answered, in a few words."""
        return ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()))
