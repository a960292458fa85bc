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
        "human_win_rate": 0.62, "human_win_low": 0.55, "human_win_high": 0.7,
    }  # fmt: skip
    return known | values


TABLES = {
    "datasets": [
        {
            "dataset": "wings", "name": "Wings", "protocol": "demo", "protocol_label": "demo", "is_default": True,
            "enough": {
                "best": "SoftTriple", "no_interval_text": "",
                "pairs": [{"model": "Other", "text": "undecided: it takes about 120 more ballots"}],
            },
            "rows": [
                row("SoftTriple"),
                row("Other", rank=2, rank_low=None, rank_high=None, level_with_best=None, not_tested="one seed",
                    human_win_rate=None,
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
    assert " ".join(lines[0].split()) == "rank loss MAP@R seeds best rating win rate people's rank not tested"
    shown = [
        "1–2",
        "SoftTriple",
        "30.00",
        "±",
        "1.00",
        "2",
        "●",
        "3.50",
        "(3.10–3.90)",
        "62.00",
        "(55.00–70.00)",
        "1–3",
    ]
    assert lines[1].split()[:12] == shown
    assert lines[2].split()[:4] == ["(2)", "Other", "20.00", "1"] and "one seed" in lines[2]
    assert told(run(site, "leaderboard", "--json")) == TABLES


def test_it_says_whether_the_ratings_decide(site: Site) -> None:
    site["GET /metrics/"] = gives(SHOWN)
    site["GET /leaderboard/"] = TABLES
    assert "SoftTriple against Other: undecided: it takes about 120 more ballots." in run(site, "leaderboard").stderr
    none = {"best": "", "pairs": [], "no_interval_text": "nobody has rated yet"}
    site["GET /leaderboard/"] = {"datasets": [{**TABLES["datasets"][0], "enough": none}]}
    assert "do not decide yet which model leads: nobody has rated yet." in run(site, "leaderboard").stderr


AUDIT: dict[str, Any] = {
    "datasets": [
        {
            "dataset": "wings", "name": "Wings", "protocol": "demo", "protocol_label": "demo", "ballots": 40,
            "warnings": ["SoftTriple: 1 of 3 trained models are shown."],
            "sampling": {
                "ballots": 40, "without_propensity": 0, "ratio": 1.0,
                "models": [{"model": "SoftTriple", "ballots": 40, "share": 1.0, "expected": 39.5},
                           {"model": "Other", "ballots": 40, "share": 1.0, "expected": None}],
            },
            "column_bias": {"columns": [{"column": 1, "mean": 0.12, "low": -0.1, "high": 0.3}]},
            "removal": {"winner": "SoftTriple", "after": "Other", "ballots": 9, "share": 0.225},
            "level_drift": {"change": 0.2, "low": None, "high": None},
            "difference_drift": {"change": None, "low": None, "high": None},
            "variants": [{"loss": "SoftTriple", "trained": 3, "shown": 1, "rated": 1}],
        }
    ]
}  # fmt: skip


def test_the_audit_is_told_with_its_warnings(site: Site) -> None:
    site["GET /leaderboard/audit/"] = AUDIT
    shown = run(site, "audit", "--dataset", "wings")
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[1:] == [["SoftTriple", "40", "100.00", "39.5"], ["Other", "40", "100.00", "–"]]
    for line in (
        "Wings, protocol demo: 40 rated ballots",
        "1: +0.12 (-0.10 to +0.30)",
        "Without 9 ballots (22.50 %) Other is first, not SoftTriple",
        "Drift of the mean rating, in points: +0.20\n",
        "SoftTriple: 1 of 3 trained models shown, 1 rated",
        "Warning: SoftTriple: 1 of 3 trained models are shown.",
    ):
        assert line in shown.stderr
    assert "Drift of the lead" not in shown.stderr
    assert told(run(site, "audit", "--json")) == AUDIT
    asked = [dict(request.url.params) for request in site.requests]
    assert asked == [{"dataset": "wings", "protocol": "default"}, {"protocol": "default"}]


def test_an_audit_before_any_rating_has_no_checks(site: Site) -> None:
    bare = {**AUDIT["datasets"][0], "column_bias": None, "removal": None, "level_drift": None, "difference_drift": None}
    site["GET /leaderboard/audit/"] = {"datasets": [{**bare, "variants": [], "warnings": []}]}
    assert run(site, "audit").stderr.splitlines()[1:] == []


def test_it_asks_for_the_default_protocol_unless_told(site: Site) -> None:
    site["GET /metrics/"] = gives(SHOWN)
    site["GET /leaderboard/"] = TABLES
    run(site, "leaderboard")
    run(site, "leaderboard", "--protocol", "demo")
    asked = [request.url.params["protocol"] for request in site.requests if request.url.path.endswith("/leaderboard/")]
    assert asked == ["default", "demo"]
