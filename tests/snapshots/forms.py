"""The forms of a page, filled in as a browser sends them when nobody touches them but the button."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Fields = list[tuple[str, str]]


@dataclass
class Form:
    """One that is sent by POST."""

    action: str
    fields: Fields = field(default_factory=list)
    buttons: list[tuple[str, Fields]] = field(default_factory=list)
    """Of each: what it is called, and what it sends of its own."""


def forms_of(html: str) -> list[Form]:
    """Return the forms of a page's main part whose action is a POST."""
    start = html.find("<main")
    reader = _FormReader()
    reader.feed(html[max(start, 0) :])
    reader.close()
    return [form for form in reader.forms if form.buttons]


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._button: str | None = None
        self._select: tuple[str, bool] | None = None
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open_form(said)
        elif self._form is not None:
            handle = getattr(self, f"_start_{tag}", None)
            if handle:
                handle(said)

    def _open_form(self, said: dict[str, str]) -> None:
        self._form = None
        if said.get("method", "").lower() == "post" or "hx-post" in said:
            self._form = Form(said.get("action") or said.get("hx-post", ""))
            self.forms.append(self._form)

    def _start_input(self, said: dict[str, str]) -> None:
        assert self._form is not None
        kind, name = said.get("type", "text"), said.get("name")
        if "disabled" in said or not name or kind in ("file", "button", "reset"):
            return
        if kind == "submit":
            self._form.buttons.append((said.get("value", ""), [(name, said.get("value", ""))]))
        elif kind not in ("checkbox", "radio") or "checked" in said:
            self._form.fields.append((name, said.get("value", "on" if kind in ("checkbox", "radio") else "")))

    def _start_textarea(self, said: dict[str, str]) -> None:
        self._textarea = said.get("name")

    def _start_select(self, said: dict[str, str]) -> None:
        self._select = (said["name"], False) if "name" in said and "multiple" not in said else None

    def _start_option(self, said: dict[str, str]) -> None:
        assert self._form is not None
        if self._select is None:
            return
        name, is_chosen = self._select
        if not is_chosen:
            self._form.fields.append((name, said.get("value", "")))
        elif "selected" in said:
            self._form.fields[-1] = (name, said.get("value", ""))
        self._select = (name, True)

    def _start_button(self, said: dict[str, str]) -> None:
        assert self._form is not None
        if said.get("type", "submit") == "submit" and "disabled" not in said:
            own = [(said["name"], said.get("value", ""))] if "name" in said else []
            self._form.buttons.append((said.get("aria-label", ""), own))
            self._button = ""

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button += data
        elif self._textarea and self._form is not None:
            self._form.fields.append((self._textarea, data))

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None and self._form is not None:
            name, own = self._form.buttons[-1]
            self._form.buttons[-1] = (name or " ".join(self._button.split()), own)
            self._button = None
        elif tag in ("form", "select", "textarea"):
            if tag == "form":
                self._form = None
            self._select = self._textarea = None
