"""What docs/api.md says of problems is what there is."""

import re
from pathlib import Path

from config.api.problems import PROBLEMS, TYPES_URL

DOCUMENT = Path(__file__).parents[3] / "docs/api.md"


def test_every_type_of_problem_is_listed_with_its_status() -> None:
    rows = re.findall(rf"^\| `{TYPES_URL}([a-z-]+)` \| (\d+) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert rows == [(name, str(problem.status.value)) for name, problem in PROBLEMS.items()]
