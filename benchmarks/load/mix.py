"""Who does what, how often, and with what pauses: the mix of the load."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.load import browsing, calling
from benchmarks.load.judging import Busy, Journal, Unsuccessful
from benchmarks.load.site import LoadSite
from benchmarks.load.visiting import Visitor

MOST_PAUSE = 30.0  # seconds after a 503, whatever it says
BROWSER, PROGRAM = "browser", "program"
PROGRAMS = 0.3  # share of clients that use the API


@dataclass(frozen=True)
class Pace:
    """When clients come, over how many seconds, and how many seconds they pause between two deeds: evenly spread."""

    arrivals: float
    think: tuple[float, float] = (1.0, 10.0)


Deed = Callable[[Visitor], Awaitable[None]]


@dataclass(frozen=True)
class Share:
    """One of the things that a kind of client does. weight: against the others of that kind."""

    client: str
    weight: int
    do: Deed


MIX: tuple[Share, ...] = (
    Share(BROWSER, 20, browsing.search_by_upload),
    Share(BROWSER, 15, browsing.search_by_click),
    Share(BROWSER, 20, browsing.mark),
    Share(BROWSER, 12, browsing.rate),
    Share(BROWSER, 8, browsing.see_leaderboard),
    Share(BROWSER, 8, browsing.see_dataset),
    Share(BROWSER, 8, browsing.see_history),
    Share(BROWSER, 7, browsing.explain),
    Share(BROWSER, 2, browsing.sign_in_again),
    Share(PROGRAM, 30, calling.search_by_upload),
    Share(PROGRAM, 15, calling.search_by_image),
    Share(PROGRAM, 15, calling.see_again),
    Share(PROGRAM, 10, calling.mark),
    Share(PROGRAM, 8, calling.export),
    Share(PROGRAM, 8, calling.rate),
    Share(PROGRAM, 8, calling.list_things),
    Share(PROGRAM, 6, calling.search_batch),
)


def shares_of(client: str) -> tuple[Sequence[Deed], Sequence[int]]:
    """Return what a kind of client does, and the weights."""
    own = [share for share in MIX if share.client == client]
    return [share.do for share in own], [share.weight for share in own]


async def run_clients(site: LoadSite, journal: Journal, pace: Pace, over: asyncio.Event) -> None:
    """Let every member use the site until it is over."""
    members = site.people[1:]
    every = round(1 / PROGRAMS)
    async with asyncio.TaskGroup() as group:
        for place, person in enumerate(members):
            client = PROGRAM if place % every == every - 1 else BROWSER
            headers = {"Authorization": f"Token {person.token}"} if client == PROGRAM else {}
            visitor = Visitor(site, person, journal, headers)
            delay = pace.arrivals * place / len(members)
            group.create_task(_use(visitor, client, delay, pace.think, over))


async def _use(visitor: Visitor, client: str, delay: float, think: tuple[float, float], over: asyncio.Event) -> None:
    deeds, weights = shares_of(client)
    async with visitor.client:
        await _pause(delay, over)
        while not over.is_set():
            (deed,) = visitor.random.choices(deeds, weights)
            await _do(visitor, deed if client == PROGRAM or visitor.signed_in else browsing.sign_in, over)
            await _pause(visitor.random.uniform(*think), over)


async def _do(visitor: Visitor, deed: Deed, over: asyncio.Event) -> None:
    """Do something. What failed is in the journal already, but for pages that lack what they should have."""
    try:
        await deed(visitor)
    except Busy as busy:
        await _pause(min(busy.seconds, MOST_PAUSE), over)
    except (LookupError, ValueError) as error:
        with contextlib.suppress(Unsuccessful):
            visitor.journal.fail("not as expected", f"{deed.__module__}.{deed.__name__}", None, repr(error))
    except Unsuccessful:
        return


async def _pause(seconds: float, over: asyncio.Event) -> None:
    """Wait so long, or until it is over."""
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return
