"""Every format of a verdict: right for a reader, valid for a machine, and harmless whatever a submission says."""

import csv
import io
import json
import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator

from golfcheck.core import schema
from golfcheck.core.outcome import MEANINGS, Outcome, fails, outcome
from golfcheck.core.ruleset import RULESETS
from golfcheck.core.text import width
from golfcheck.core.verdict import Finding, LedgerRow, Severity, Verdict
from golfcheck.judging.config import FORMATS
from golfcheck.render.page import Page
from golfcheck.render.verdict_markdown import code
from golfcheck.rules import RULES
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.verdicts import BYTES, RECORD, SEEDS, TIME, WAIVED, a_verdict

SARIF = json.loads((Path(__file__).parents[2] / "data" / "sarif-2.1.0-rtm.5.json").read_text())
SEVERAL = [
    RECORD,
    a_verdict(path="records/a", findings=(BYTES, SEEDS, TIME)),
    a_verdict(path="records/b", findings=(WAIVED, TIME)),
    a_verdict(path="records/c", findings=(SEEDS,), score=None, size=None, time=None, to_beat=None, ledger=()),
]
WIDE = Page(columns=120)


def render(name: str, verdicts: list[Verdict], page: Page = WIDE) -> str:
    return str(import_module(f"golfcheck.render.verdict_{name}").render(verdicts, page))


def replaced(value: Any, payload: str) -> Any:
    """Return a verdict in which every string that a submission could choose is `payload`."""
    ours = {"rule", "hint", "ruleset", "track", "part", "passed"}
    if is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: replaced(getattr(value, f.name), payload) for f in fields(value) if f.name not in ours}
        return replace(value, **changes)
    if isinstance(value, tuple):
        return tuple(replaced(item, payload) for item in value)
    return payload if isinstance(value, str) else value


# What each format says.


def test_one_record_reads_as_the_design_shows_it():
    text = render("text", [RECORD])
    for expected in (
        r"AR Self-Gen GPTQ \+ XSA-all \+ BigramHash 3072x112 +abaybektursun +2026-03-25",
        r"score   1\.11474 bpb   1\.88218 nats/tok   3 seeds \(314 42 999\)   sd 0\.00035",
        r"size    15,984,850 / 16,000,000   \[█{31}░\]   15,150 left   \(worst seed 42\)",
        r"time    train 600\.06 s / 600 \(\+0\.06: within one step\)   eval 77\.2 s / 600",
        r"bytes   2\.4359 per token = sp1024   ok",
        r"to beat 1\.11938   \(frontier on 2026-03-25",
        r"-0\.00464 bpb   -0\.00784 nats/tok   Welch t -11\.83   df 3\.3",
        r"gain > 0 +p 4.0e-04   ok   \(audit-2026-05: < 0\.25\)",
        r"gain > 0\.005 nats +p 0\.0096   ok   \(written: < 0\.01; 95% CI -0\.0098\d \.\. -0\.0058\d\)",
        r"train_seed42\.log:66\n    info\[train-time-over-cap\]  600,058 ms: 58 ms over the cap, within one step",
        r"fix: lower MAX_WALLCLOCK_SECONDS",
        r"VERDICT  record   0 errors, 0 warnings, 1 info   5 checks, 1 skipped \(golfcheck verify -v says why\)",
        r"next     golfcheck rescore records/track_10min_16mb/2026-03-25_ValCalib_GPTQ",
    ):
        assert re.search(expected, text), expected


def test_the_ledger_shows_three_accountings_and_what_is_left():
    text = render("text", [RECORD])
    assert re.search(r"code  train_gpt\.py +26,420 +104,721 +26,420\n +lzma\+base85 -> 104,721 raw", text)
    assert "cap 16,000,000 -> 71,265 over" in text  # of the largest: the log's


def test_the_ledger_is_left_out_where_all_sources_agree():
    row = LedgerRow("total", None, 15_000_000, 15_000_000, 15_000_000)
    assert "file on disk" not in render("text", [a_verdict(ledger=(row,))])
    assert "file on disk" in render("text", [a_verdict(ledger=(row,))], replace(WIDE, verbose=True))


@pytest.mark.parametrize(
    ("train_ms", "step_ms", "said"),
    [
        (599_000.0, 80.0, r"\(1\.0 left\)"),
        (600_137.0, 80.0, r"\(\+0\.14: within two steps\)"),
        (600_161.0, 80.0, r"\(\+0\.16: over the cap\)"),
        (600_050.0, None, r"\(\+0\.05: over the cap\)"),
    ],
)
def test_a_time_says_how_far_from_its_cap_it_is(train_ms: float, step_ms: float | None, said: str):
    time = replace(RECORD.time, train_ms=train_ms, step_ms=step_ms)
    assert re.search(said, render("text", [a_verdict(time=time)]))


def test_the_runs_left_out_are_counted_and_named_when_asked():
    line = "baseline.log:46 final_exact 1.2144"
    verdict = a_verdict(score=replace(RECORD.score, chosen="the runs whose mean is the claim", left_out=(line,)))
    assert "1 run left out; judged: the runs whose mean is the claim" in render("text", [verdict])
    assert line not in render("text", [verdict])
    assert f"runs left out\n    {line}\n" in render("text", [verdict], replace(WIDE, verbose=True))


def test_a_count_of_no_records_has_no_list_of_outcomes():
    assert render("github", []) == "golfcheck: 0 records; 0 errors, 0 warnings, 0 info\n"


def test_what_was_skipped_is_named_when_asked():
    assert "script-missing: the folder lists" not in render("text", [RECORD])
    assert "script-missing: the folder lists" in render("text", [RECORD], replace(WIDE, verbose=True))


def test_an_unchecked_number_is_not_called_ok():
    assert "sp1024   not checked" in render("text", [a_verdict(passed=("bytes-over-cap",))])


def test_many_records_are_shown_in_short_and_summed_up_by_rule():
    text = render("text", SEVERAL)
    assert "records in records/" in text
    assert re.search(r"^invalid  1\.11474  a  abaybektursun  2026-03-25$", text, re.MULTILINE)
    assert re.search(r"^total-drift +1 +1$", text, re.MULTILINE)
    assert "waived[seed-repeated]" in text
    assert "VERDICT  4 records: 1 invalid, 2 review, 1 record   1 error, 2 warnings, 3 info, 1 waived" in text
    assert text.endswith("next     golfcheck explain total-drift\n")


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_time_next_to_the_verdict_is_the_runs_and_is_shown_once(count: int):
    """A cached verdict states the seconds of the run that reached it, which this run did not take."""
    verdicts = [replace(RECORD, path=f"records/{number}", seconds=112.34) for number in range(count)]
    text = render("text", verdicts, replace(WIDE, run_seconds=1.9))
    last = next(line for line in reversed(text.splitlines()) if line.startswith("VERDICT"))
    assert text.count("1.90 s") == 1 and "112.34" not in text
    assert last.endswith("1.90 s")
    assert "1.90 s" not in render("text", verdicts)


def test_concise_lines_are_path_line_severity_rule_message():
    lines = render("concise", SEVERAL).splitlines()
    assert "records/a/submission.json:9: error[total-drift] " + BYTES.message in lines
    assert "records/c: warning[seed-repeated] " + SEEDS.message in lines
    assert lines[-1].startswith("4 records: 1 invalid")


def test_color_never_carries_meaning_alone():
    colored = render("text", SEVERAL, replace(WIDE, color=True))
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render("text", SEVERAL)


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("verdicts", [[RECORD], SEVERAL], ids=["one", "several"])
def test_no_line_is_wider_than_the_page(columns: int, verdicts: list[Verdict]):
    lines = render("text", verdicts, Page(columns=columns)).splitlines()
    typed = ("next ",)  # a command must stay whole
    table = r" +file on disk|  (code|model|total)|rule +records|[a-z-]+( +[0-9]+)+$"  # a table keeps its columns
    wide = [x for x in lines if width(x) > columns and not x.startswith(typed) and not re.match(table, x)]
    assert wide == []


def test_a_page_without_unicode_gets_ascii_bars():
    text = render("text", [replace(RECORD, name="Renée 李")], replace(WIDE, ascii=True))
    assert text.isascii()
    assert "[###############################.]" in text


# What machines read.


@pytest.mark.parametrize("verdicts", [[], [RECORD], SEVERAL], ids=["none", "one", "several"])
def test_json_validates_against_its_schema(verdicts: list[Verdict]):
    document = json.loads(render("json", verdicts))
    assert schema.violations("verdict", document) == []
    assert document["summary"]["records"] == len(verdicts)


def test_each_line_of_jsonl_is_a_verdict_of_the_schema():
    whole = schema.load("verdict")
    validator = Draft202012Validator({"$ref": "#/$defs/verdict", "$defs": whole["$defs"]})
    lines = render("jsonl", SEVERAL).splitlines()
    assert [json.loads(line)["path"] for line in lines] == [verdict.path for verdict in SEVERAL]
    for line in lines:
        validator.validate(json.loads(line))


def test_the_schema_knows_every_field_and_no_other():
    properties = schema.load("verdict")["$defs"]["verdict"]["properties"]
    assert {field.name for field in fields(Verdict)} | {"outcome", "counts"} == set(properties)


def test_a_number_that_is_not_finite_is_null_in_json():
    broken = a_verdict(score=replace(RECORD.score, mean_bpb=float("nan"), sd_bpb=float("inf")))
    score = json.loads(render("json", [broken]))["verdicts"][0]["score"]
    assert score["mean_bpb"] is None
    assert score["sd_bpb"] is None


@pytest.mark.parametrize("verdicts", [[], [RECORD], SEVERAL], ids=["none", "one", "several"])
def test_sarif_validates_against_the_published_schema(verdicts: list[Verdict]):
    document = json.loads(render("sarif", verdicts))
    assert [error.message for error in Draft4Validator(SARIF).iter_errors(document)] == []


def test_sarif_declares_every_rule_with_its_explanation():
    run = json.loads(render("sarif", SEVERAL))["runs"][0]
    declared = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert set(declared) == {rule.name for rule in RULES}
    for rule in RULES:
        assert rule.hint in declared[rule.name]["help"]["text"]
        assert declared[rule.name]["shortDescription"]["text"] == rule.doc.partition("\n")[0]


def test_sarif_of_more_findings_than_github_takes_keeps_the_most_severe_and_counts_the_rest(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("golfcheck.render.verdict_sarif.MAX_RESULTS", 2)
    findings = [finding for verdict in SEVERAL for finding in verdict.findings]
    assert len(findings) > 2
    run = json.loads(render("sarif", SEVERAL))["runs"][0]
    levels = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    worst = sorted((finding.severity for finding in findings), reverse=True)[:2]
    assert [result["level"] for result in run["results"]] == [levels[severity] for severity in worst]
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert f"{len(findings) - 2} of {len(findings)} findings are left out" in notification["message"]["text"]


def test_csv_has_a_row_for_every_finding_and_for_every_record_without_one():
    rows = list(csv.DictReader(io.StringIO(render("csv", SEVERAL))))
    assert len(rows) == sum(max(1, len(verdict.findings)) for verdict in SEVERAL)
    assert {row["record"] for row in rows} == {verdict.path for verdict in SEVERAL}
    assert {row["rule"] for row in rows} - {""} == {finding.rule for verdict in SEVERAL for finding in verdict.findings}


def test_sarif_results_point_to_their_rule_file_and_line():
    run = json.loads(render("sarif", SEVERAL))["runs"][0]
    result = next(result for result in run["results"] if result["ruleId"] == "total-drift")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "total-drift"
    index = result["locations"][0]["physicalLocation"]
    assert index == {"artifactLocation": {"uri": "records/a/submission.json"}, "region": {"startLine": 9}}
    assert [r["suppressions"][0]["justification"] for r in run["results"] if "suppressions" in r] == [WAIVED.waived]


def test_junit_has_a_case_per_rule_and_fails_only_for_errors():
    suites = ElementTree.fromstring(render("junit", SEVERAL)).findall("testsuite")
    assert [suite.get("name") for suite in suites] == [verdict.path for verdict in SEVERAL]
    assert [suite.get("failures") for suite in suites] == ["0", "1", "0", "0"]
    drift = next(case for case in suites[1] if case.get("name") == "total-drift")
    assert BYTES.message in (drift.find("failure").text or "")
    assert suites[0].get("tests") == str(len(suites[0].findall("testcase")))
    assert len(suites[0].findall("testcase/skipped")) == int(suites[0].get("skipped", 0)) == 1


def test_github_annotates_errors_first_with_file_and_line():
    lines = render("github", SEVERAL).splitlines()
    assert lines[0].startswith("::error file=records/a/submission.json,line=9,title=golfcheck%3A total-drift::")
    assert [line.split(" ")[0] for line in lines[:-1]] == ["::error"] + ["::warning"] * 2 + ["::notice"] * 4
    assert "(waived)" in lines[-2]
    assert lines[-1].startswith("golfcheck: 4 records")


def test_the_tenth_annotation_says_how_many_more_there_are():
    many = a_verdict(findings=(TIME,) * 20 + (BYTES,))
    lines = [line for line in render("github", [many]).splitlines() if line.startswith("::")]
    assert len(lines) == 10
    assert lines[0].startswith("::error")
    assert "12 more findings" in lines[9]
    assert len([x for x in render("github", [a_verdict(findings=(TIME,) * 10)]).splitlines() if x[:2] == "::"]) == 10


def test_markdown_tables_hold_the_numbers_and_the_findings():
    text = render("markdown", SEVERAL)
    assert "| size | 15,984,850 bytes | 15,150 left of 16,000,000 |" in text
    assert f"| **error** `total-drift` | `submission.json:9` | `{BYTES.message}`<br>{BYTES.hint} |" in text
    assert "reason given: `the second run was resumed from the first`" in text


def test_markdown_begins_with_a_table_of_many_records_and_fits_a_comment():
    text = render("markdown", SEVERAL * 50)
    assert "| ❌ invalid | `records/a` | 1.11474 | 1 | 1 |" in text
    assert len(text) <= 65_536
    assert text.endswith("_The rest does not fit here: run_ `golfcheck verify`\n")
    assert "does not fit" not in render("markdown", SEVERAL)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=80))
def test_a_code_span_is_closed_by_its_own_fence_only(text: str):
    span = code(text)
    fence = re.match("`+", span)[0]
    assert span.endswith(fence)
    assert fence not in span[len(fence) : -len(fence)]
    assert re.search(rf"(?<!`){fence}(?!`)", span[len(fence) : -len(fence)]) is None


# What a hostile submission cannot do.


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_no_payload_leaves_a_control_character_in_any_format(name: str, payload: str):
    for verdicts in ([replaced(RECORD, payload)], [replaced(verdict, payload) for verdict in SEVERAL]):
        out = render(name, verdicts, Page(columns=80, verbose=True))
        assert all(c == "\n" or unicodedata.category(c)[0] != "C" for c in out)
        assert out.encode("utf-8")
        if name in ("json", "sarif"):
            json.loads(out)
        if name == "junit":
            ElementTree.fromstring(out)
        if name == "github":
            assert sum(line.startswith("::") for line in out.splitlines()) <= 10
            assert all(line.startswith(("::", "golfcheck: ")) for line in out.splitlines())
            assert "##[" not in out


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=100)
@given(payload=st.text(st.characters(codec=None, exclude_categories=()), max_size=60))
def test_no_string_puts_a_control_character_into_the_output(name: str, payload: str):
    out = render(name, [replaced(a_verdict(findings=(BYTES, WAIVED)), payload)], Page(columns=80, verbose=True))
    assert all(c == "\n" or unicodedata.category(c)[0] != "C" for c in out)


def test_a_payload_cannot_forge_a_verdict_line():
    text = render("text", [replaced(RECORD, "x\nVERDICT  record")])
    assert sum(line.startswith("VERDICT") for line in text.splitlines()) == 1


def test_a_payload_cannot_break_out_of_a_markdown_cell():
    out = render("markdown", [replaced(a_verdict(findings=(BYTES,)), PAYLOADS["markdown"])])
    rows = [line for line in out.splitlines() if line.startswith("|") and "total-drift" in line]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 4


# What a verdict comes to.


def finding(severity: Severity, waived: str | None = None) -> Finding:
    return replace(TIME, severity=severity, waived=waived)


def test_the_outcome_is_the_worst_finding_and_a_waived_one_is_for_a_person_to_judge():
    assert outcome(a_verdict(findings=(finding(Severity.ERROR), finding(Severity.WARNING)))) is Outcome.INVALID
    assert outcome(a_verdict(findings=(finding(Severity.WARNING),))) is Outcome.REVIEW
    assert outcome(a_verdict(findings=(finding(Severity.ERROR, waived="why"),))) is Outcome.REVIEW
    assert outcome(a_verdict(findings=(finding(Severity.INFO, waived="why"),))) is Outcome.RECORD


def test_a_record_needs_its_track_and_a_gain_that_was_tested():
    assert outcome(RECORD) is Outcome.RECORD
    assert outcome(a_verdict(track="non_record_16mb")) is Outcome.VALID
    assert outcome(a_verdict(passed=("bytes-over-cap",))) is Outcome.VALID
    assert outcome(a_verdict(to_beat=None)) is Outcome.VALID


@pytest.mark.parametrize("worst", [*Severity, None])
@pytest.mark.parametrize("at", [*Severity, None])
def test_a_verdict_fails_at_or_above_the_threshold(worst: Severity | None, at: Severity | None):
    verdict = a_verdict(findings=() if worst is None else (finding(worst),))
    assert fails(verdict, at) == (at is not None and worst is not None and worst >= at)


def test_requiring_a_record_fails_a_submission_that_is_only_valid():
    assert not fails(RECORD, None, require_record=True)
    assert fails(a_verdict(to_beat=None), None, require_record=True)


def test_the_chosen_ruleset_is_one_that_exists():
    assert RECORD.ruleset in RULESETS


def test_every_word_of_a_verdict_has_a_meaning_that_its_report_shows():
    assert set(MEANINGS) == set(Outcome)
    assert MEANINGS[Outcome.RECORD] in " ".join(render("text", [RECORD]).split())
