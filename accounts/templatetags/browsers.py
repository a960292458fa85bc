"""Names of browsers and systems, read from the user agent."""

from django import template

register = template.Library()

# The first that is found counts: each of them also names those after it.
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {"Android": "Android", "iPhone": "an iPhone", "iPad": "an iPad", "Windows": "Windows", "Mac OS": "a Mac"}
SYSTEMS |= {"Linux": "Linux"}


@register.filter
def known_browser(user_agent: str) -> str:
    """Return `Firefox on Windows` and the like, empty if it is none of these: no text that the sender chose."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser


@register.filter
def browser_name(user_agent: str) -> str:
    """Return the browser as people call it; what is not known, as it calls itself."""
    return known_browser(user_agent) or user_agent or "unknown"
