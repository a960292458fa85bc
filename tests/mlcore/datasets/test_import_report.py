"""Reports of imports, cut for storing and brought up to date."""

from mlcore.datasets.import_report import LISTED, shortened, updated


def test_lists_are_cut_and_counted() -> None:
    report = shortened({"name": "set", "broken": [["a", "b"]] * (LISTED + 5), "remarks": ["odd"]})
    assert len(report["broken"]) == LISTED
    assert report["totals"] == {"broken": LISTED + 5, "remarks": 1}


def test_another_report_replaces_its_own_fields_and_their_totals_only() -> None:
    old = shortened({"images": 1, "broken": [["a", "b"]], "singleton_classes": ["dodo", "auk"]})
    new = updated(old, {**shortened({"images": 2, "singleton_classes": []}), "reimport": 3})
    assert (new["images"], new["broken"], new["singleton_classes"], new["reimport"]) == (2, [["a", "b"]], [], 3)
    assert new["totals"] == {"broken": 1, "singleton_classes": 0}


def test_totals_of_fields_that_were_left_away_are_not_taken() -> None:
    part = {"broken": [], "totals": {"broken": 0, "singleton_classes": 9}}
    assert updated({"totals": {"singleton_classes": 2}}, part)["totals"] == {"broken": 0, "singleton_classes": 2}
