from typing import Any

from tests.kindred_client.scripted import gives
from tests.kindred_client.shell import METRICS, run, told
from tests.kindred_client.test_folders import Site

SHOWN = [{**metric, "shown": [*metric["shown"], "leaderboard"]} for metric in METRICS if metric["name"] == "map_at_r"]


def row(model: str, **values: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "model": model, "metrics": {"map_at_r": {"value": 0.3, "sd": 0.01}}, "seeds": [{"seed": 0}, {"seed": 1}],
        "rank": 1, "rank_low": 1, "rank_high": 2, "level_with_best": True, "not_tested": "", "human_mean": 3.5,
        "human_low": 3.1, "human_high": 3.9, "human_rank_low": 1, "human_rank_high": 3,
    }  # fmt: skip
    return known | values


TABLES = {
    "datasets": [
        {
            "dataset": "wings", "name": "Wings", "protocol": "demo", "protocol_label": "demo", "is_default": True,
            "rows": [
                row("SoftTriple"),
                row("Other", rank=2, rank_low=None, rank_high=None, level_with_best=None, not_tested="one seed",
                    human_mean=None, human_low=None, human_high=None, human_rank_low=None, human_rank_high=None,
                    seeds=[{"seed": 0}], metrics={"map_at_r": {"value": 0.2, "sd": None}}),
            ],
        }
    ]
}  # fmt: skip


def test_the_leaderboard_is_listed_with_ranks_and_seeds(site: Site) -> None:
    site["GET /metrics/"] = gives(SHOWN)
    site["GET /leaderboard/"] = TABLES
    lines = run(site, "leaderboard", "--dataset", "wings").stdout.splitlines()
    assert lines[0].split() == ["rank", "loss", "MAP@R", "seeds", "best", "rating", "people's", "rank", "not", "tested"]
    shown = ["1–2", "SoftTriple", "30.00", "±", "1.00", "2", "●", "3.50", "(3.10–3.90)", "1–3"]
    assert lines[1].split()[:10] == shown
    assert lines[2].split()[:4] == ["(2)", "Other", "20.00", "1"] and "one seed" in lines[2]
    assert told(run(site, "leaderboard", "--json")) == TABLES


def test_it_asks_for_the_default_protocol_unless_told(site: Site) -> None:
    site["GET /metrics/"] = gives(SHOWN)
    site["GET /leaderboard/"] = TABLES
    run(site, "leaderboard")
    run(site, "leaderboard", "--protocol", "demo")
    asked = [request.url.params["protocol"] for request in site.requests if request.url.path.endswith("/leaderboard/")]
    assert asked == ["default", "demo"]
