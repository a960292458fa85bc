"""How plain text with a little markup is written on pages."""

import re

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def code(text: str) -> SafeString:
    """Write what stands in backticks as code, all of it escaped."""
    parts = re.split("`([^`]+)`", text)  # every other one stood in backticks
    written = [format_html("<code>{}</code>", part) if place % 2 else part for place, part in enumerate(parts)]
    return format_html("{}" * len(written), *written)
