"""docs/settings.md lists every environment variable that the site reads, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(
    r"(?:env\.\w+|positive|positive_or_none|count|megabytes|url_prefix|contact_address|service_url|long_secret|one_of)"
    r'\(\s*"([A-Z][A-Z0-9_]+)"'
)
LISTED = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \|", re.MULTILINE)


def test_the_page_lists_every_variable_once() -> None:
    read = {name for path in (ROOT / "config").glob("*.py") for name in READ.findall(path.read_text())}
    read |= set(re.findall(r"\$\{([A-Z_]+):-", (ROOT / "Procfile").read_text()))
    listed = LISTED.findall((ROOT / "docs" / "settings.md").read_text())
    assert len(read) > 30 and sorted(listed) == sorted(read)
