"""docs/calibration.md states exactly what the rules find on the real records."""

from pathlib import Path

from golfcheck.rules import RULES
from golfcheck.rules.calibrated import CALIBRATED
from golfcheck.rules.seen import seen
from tests.golfcheck.calibration import MODULE, PAGE, RECORDS, WHY, render, render_module


def test_the_page_is_what_the_rules_find(shared_data: Path) -> None:
    assert shared_data / "records" == RECORDS
    stale = "docs/calibration.md is stale: python -m tests.golfcheck.calibration"
    assert PAGE.read_text() == render(RECORDS), stale
    assert MODULE.read_text() == render_module(RECORDS), stale


def test_only_warnings_that_occur_are_explained_and_all_of_them() -> None:
    page = PAGE.read_text()
    assert set(WHY) == {rule.name for rule in RULES if f"### `{rule.name}`" in page}


def test_the_page_has_a_row_for_every_rule_that_could_run() -> None:
    page = PAGE.read_text()
    assert CALIBRATED
    assert all(f"| `{name}` |" in page for name in CALIBRATED)
    assert {rule.name for rule in RULES} >= CALIBRATED.keys()  # a rule that is newer than the page is in neither


def test_a_rule_that_could_not_run_on_real_records_is_not_listed_as_finding_nothing() -> None:
    for name in ["newer-than-the-page", *(rule.name for rule in RULES)]:
        assert seen(name).startswith("in " if name in CALIBRATED else "on none of the real records: ")
    assert all(ran > 0 for ran, _ in CALIBRATED.values())
