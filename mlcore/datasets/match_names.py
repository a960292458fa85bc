"""The matching of file names with a pattern, as a program: `name_patterns` runs it and ends it when it takes too long.

It reads {"pattern": ..., "names": [...]} and writes {"matches": [[label, split], ...], "of": [...]}: for each name
the number of its match, -1 for none. It needs nothing but the standard library.
"""

import json
import re
import sys


def match_names(pattern: str, names: list[str]) -> tuple[list[tuple[str, str]], list[int]]:
    """Return the different (label, split) that names match, and for each name the number of its match, -1 for none."""
    search = re.compile(pattern).search
    numbers: dict[tuple[str, str], int] = {}
    of = []
    for name in names:
        match = search(name)
        groups = match.groupdict(default="") if match else {}
        label = groups.get("label", "").strip()
        of.append(numbers.setdefault((label, groups.get("split", "")), len(numbers)) if label else -1)
    return list(numbers), of


if __name__ == "__main__":
    matches, of = match_names(**json.load(sys.stdin))
    json.dump({"matches": matches, "of": of}, sys.stdout)
