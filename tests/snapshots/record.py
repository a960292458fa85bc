"""What somebody reads who asks for pages and presses buttons, as the text of one stored file."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import Resolver404, resolve

from tests.snapshots.forms import Form, forms_of
from tests.snapshots.reading import lasting, text_of
from tests.snapshots.site import Site, undone

REGION = "((top|bottom) (left|right)|top|bottom|left|right|centre)"
"""Of a picture whose similarity is explained."""


class Record:
    """Sections, one an answer. A line stands where it is met first, and nowhere again.

    Of a page that an answer leads to, and that no section is about, only the messages: it has a file of its own.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self._lines: list[str] = []
        self._met: set[str] = set()
        self._about: set[str] = set()
        self._known: set[tuple[str, str]] = set()
        self._pressed: set[tuple[str, str]] = set()
        self._class = re.compile("|".join(map(re.escape, site.classes)))

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"

    def know(self, who: str, *paths: str) -> None:
        """Take what pages say as said: what follows is only how they differ from it."""
        for path in paths:
            if (who, path) not in self._known:
                self._known.add((who, path))
                with undone():
                    answer = self.site.browser(who).get(path)
                if answer.status_code == 200:
                    self._met |= {self.lasting(line) for line in lines_of(answer)}

    def see(self, who: str, path: str, browser: Client | None = None, **kwargs: Any) -> Any:
        """Get an address, as whoever has that role."""
        answer = (browser or self.site.browser(who)).get(path, **kwargs)
        self.add(f"{who}: GET {named(path)}", answer)
        return answer

    def send(self, who: str, path: str, fields: Any = None, browser: Client | None = None, **kwargs: Any) -> Any:
        """Post to an address; go on to where it leads."""
        answer = (browser or self.site.browser(who)).post(path, fields or {}, follow=True, **kwargs)
        self.add(f"{who}: POST {named(path)}", answer)
        return answer

    def press_all(self, who: str, path: str) -> None:
        """Press every button of a page, each on a site where nothing else was done, filling in nothing."""
        with undone():
            page = self.site.browser(who).get(path)
        for form in forms_of(page.content.decode()):
            address = form.action or path
            for button, own in form.buttons:
                if (kind := (route_of(address), self.lasting(button))) not in self._pressed:
                    self._pressed.add(kind)
                    with undone():
                        self._press(who, address, form, button, own)

    def _press(self, who: str, address: str, form: Form, button: str, own: list[tuple[str, str]]) -> None:
        fields: dict[str, list[str]] = {}
        for name, value in form.fields + own:
            fields.setdefault(name, []).append(value)
        answer = self.site.proven(who).post(address, fields, follow=True)
        self.add(f"{who}: <{button}> {named(address)}", answer)

    def add(self, heading: str, answer: Any, *, whole: bool = False) -> None:
        """Add a section: the way to the answer, the lines that are new, the mails that were sent."""
        way = [f"{status} {place}" for place, status in getattr(answer, "redirect_chain", [])]
        place = f" {answer['Location']}" if "Location" in answer else ""
        if self._lines:
            self._lines.append("")
        self._lines.append(self.lasting(" → ".join([heading, *way, f"{answer.status_code}{place}"])))
        route = route_of(answer.request["PATH_INFO"])
        if not way:
            self._about.add(route)
        for line in lines_of(answer, whole=whole) if route in self._about else messages_of(answer):
            self.say(line)
        for sent in mail.outbox:
            self._lines.append(self.lasting(f"Mail to {', '.join(sent.to)}: {sent.subject}"))
            for line in str(sent.body).splitlines():
                self.say(line)
        mail.outbox.clear()

    def say(self, line: str) -> None:
        """Add a line, unless it stands there already."""
        line = self.lasting(line)
        if line and line not in self._met:
            self._met.add(line)
            self._lines.append(line)

    def lasting(self, text: str) -> str:
        """Return a line without what is volatile, and without classes and regions: their order hangs on rounding."""
        text = lasting(self._class.sub("CLASS", text.replace(str(settings.VAR_DIR), "VAR")))
        text = re.sub(rf"the {REGION}(?= (adds|reduces|0\.00))", "the REGION", text, flags=re.IGNORECASE)
        text = re.sub(r"\d+ predicts? CLASS((,| and) \d+ predicts? CLASS)*", "N predict CLASS", text)
        return re.sub(r"CLASS (\d+|N) %(, CLASS (\d+|N) %)*", "CLASS N %", text)


def lines_of(answer: Any, *, whole: bool = False) -> list[str]:
    """Return what is read of an answer; of a file, only of what kind it is."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if answer.streaming or not answer.content:
        return [kind] if kind != "text/html" else []
    if kind == "text/html":
        return text_of(answer.content.decode(), whole=whole)
    if kind.endswith("json"):
        return json.dumps(answer.json(), indent=1, ensure_ascii=False).splitlines()
    return [kind]


def messages_of(answer: Any) -> list[str]:
    """Return what a page says at its top of what was just done."""
    return text_of("".join(re.findall(r'<p class="message.*?</p>', answer.content.decode(), re.DOTALL)))


def named(address: str) -> str:
    """Return an address with its name before it."""
    return f"{route_of(address)} {address}"


def route_of(address: str) -> str:
    """Return the name of an address."""
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return address
