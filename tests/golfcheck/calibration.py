"""What the rules find on 28 real records → docs/calibration.md, golfcheck/rules/calibrated.py.

Made by `python -m tests.golfcheck.calibration`.
"""

import json
import re
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

from golfcheck.board.load import load_board
from golfcheck.board.model import Row
from golfcheck.core.numbers import p_text
from golfcheck.core.ruleset import RULESETS, Ruleset
from golfcheck.core.verdict import Severity, Verdict
from golfcheck.judging.config import Settings
from golfcheck.judging.verify import chosen_rules, judge
from golfcheck.rules import RULES
from golfcheck.source.reach import Source
from golfcheck.submission.discover import record_folders
from golfcheck.submission.examined import examine
from golfcheck.submission.record import RecordFile, load
from tests.golfcheck import pulls

ROOT = Path(__file__).parents[2]
RECORDS = ROOT.parent / "shared" / "data" / "records"
PAGE = ROOT / "docs" / "calibration.md"
MODULE = ROOT / "golfcheck" / "rules" / "calibrated.py"
LEFT_OUT = ("script-missing", "readme-missing")  # scripts and READMEs are left out of the data

# What a person must know of the warnings: why each is evidence, and is no error.
WHY = {
    "best-seed-claimed": "The claim is the score of one run while the mean over the seeds is higher. The early records "
    "were made before a mean was asked for.",
    "code-size-drift": "`submission.json` states another code size than any log. Its number does not count.",
    "gain-not-significant": "The gain over the record to beat misses the ruleset's p. The submission may be right and "
    "still be no record.",
    "settings-differ": "Two runs logged different code sizes: the script was edited between the seeds.",
    "too-few-seeds": "Records of the first days were taken with one or two seeds.",
    "total-drift": "`submission.json` states a total that no run has: a round number below the largest run, and for "
    "one seed 28,494 bytes less than its log.",
    "untimed-work": "Hessians were collected after the clock had stopped at 600 s, and the log does not say how long "
    "that took.",
}


def verdicts(folder: Path, ruleset: str) -> list[Verdict]:
    """Judge every record in a tree, each against all."""
    records = [load(path) for path in record_folders([folder])]
    entries = [entry for record in records if (entry := examine(record).entry())]
    rules = chosen_rules((), LEFT_OUT)
    return [judge(examine(record), entries, ruleset=ruleset, rules=rules) for record in records]


def render(folder: Path) -> str:
    """Return the page."""
    judged = {name: verdicts(folder, name) for name in RULESETS}
    written = judged["written"]
    return "\n".join(
        [
            "# Calibration: the rules on 28 real records",
            "",
            f"Every rule was run on {len(written)} record folders of the public contest (their submission files and "
            f"{sum(len(v.score.seeds) for v in written if v.score)} runs' logs). Scripts and READMEs are left out of "
            "that data, so `script-missing` and `readme-missing` are ignored and the rules about code skipped.",
            "This page is made by `python -m tests.golfcheck.calibration`; a test fails when it is not what the rules "
            "find.",
            "",
            "## Errors",
            "",
            *_errors(judged),
            "",
            "## Records that trigger each rule",
            "",
            "Counted by the gravest finding of each record; ruleset `written`. *Passed*: the rule could decide and "
            "found nothing.",
            "",
            *_counts(written),
            "",
            "## Warnings",
            "",
            *_warnings(judged),
            "## Bytes as shipped",
            "",
            "`sources.json` says how long the scripts were that each folder shipped. With stand-ins of those lengths:",
            "",
            *_as_shipped(folder),
            "",
            "## The frontier",
            "",
            "Who was the record to beat: the records of the ranked track replayed in the order of their days, those of "
            "one day each against the record of the day before, for nobody knows their order. A p is of the gain "
            "that the ruleset asks for; where one side has a single seed no test is possible, and the gain alone must "
            "be above the margin. A warning keeps no record from the place; an arithmetic error of score, size or time "
            "would, and so would a ruling in `decisions.json`; there is neither here.",
            "",
            *(line for ruleset in RULESETS.values() for line in _frontier(folder, ruleset)),
            *_pull_requests(),
        ]
    )


def _pull_requests() -> list[str]:
    """Return the counts of one run over the even-numbered pull requests, which are not part of this repository."""
    outcomes = ", ".join(f"{count} {word}" for word, count in pulls.OUTCOMES.items())
    rows = [
        f"| `{rule.name}` | " + " | ".join(str(count or "") for count in pulls.COUNTS[rule.name]) + " |"
        for rule in RULES
        if rule.name in pulls.COUNTS
    ]
    return [
        "## Even-numbered pull requests",
        "",
        f"One run over {pulls.FOLDERS:,} folders of the contest's even-numbered pull requests, each judged alone: "
        f"{outcomes}. A person compared all {pulls.READ} errors in {pulls.READ_PULLS} of these pulls and the 60 "
        "merged records with the lines that they name: none is wrong. In an earlier run "
        f"{pulls.CORRECTED} were: their numbers were right, but proved less than was said. Each was corrected with all "
        f"of its kind; {pulls.FORMAL} more said that a file is missing, which is no error in the contest's own folders "
        "any more. Folders by the gravest finding of each rule:",
        "",
        "| rule | could be run on | error | warning | info |",
        "|---|--:|--:|--:|--:|",
        *rows,
        "",
    ]


def render_module(folder: Path) -> str:
    """Return the module that `golfcheck explain` reads."""
    judged = verdicts(folder, "written")
    triggered = Counter(name for verdict in judged for name in {finding.rule for finding in verdict.findings})
    passed = Counter(name for verdict in judged for name in verdict.passed)
    rows = [
        f'    "{rule.name}": ({passed[rule.name] + triggered[rule.name]}, {triggered[rule.name]}),'
        for rule in RULES
        if passed[rule.name] + triggered[rule.name]
    ]
    head = '"""On how many real records each rule could be run, and in how many it found something; generated."""'
    about = "# A rule that is not here could not be run on any, or is newer than docs/calibration.md."
    return "\n".join([head, "", about, "CALIBRATED = {", *rows, "}", ""])


def _as_shipped(folder: Path) -> list[str]:
    rules = chosen_rules(("bytes-over-cap-as-shipped", "code-size-drift", "lines-over-limit"), ())
    lines = ["| record | rule | finding |", "|---|---|---|"]
    for path in record_folders([folder]):
        listed = json.loads((path / "sources.json").read_text())
        scripts = [item for item in listed if re.fullmatch(r"train[^/]*\.py", item["path"])]
        main = min(scripts, key=lambda item: (item["path"] != "train_gpt.py", -item["bytes"]))
        stand_in = b"\n" * (main["lines"] - 1) + b"#" * (main["bytes"] - main["lines"] + 1)
        source = Source(main["path"], stand_in, True, None, None)
        file = RecordFile(main["path"], main["bytes"])
        record = load(path)
        record = replace(record, sources=(source,), files=(*record.files, file))
        for finding in judge(examine(record), [], rules=rules).findings:
            message = finding.message.partition("; packed without comments")[0]
            lines.append(f"| {path.name} | `{finding.rule}` ({finding.severity.label}) | {_cell(message)} |")
    return lines


def _frontier(folder: Path, ruleset: Ruleset) -> list[str]:
    """Return the hops under one ruleset, and why the other records of the ranked track were none."""
    board = load_board([folder], Settings(ruleset=ruleset.name, ignore=LEFT_OUT, cache=False, jobs=1))
    asked = f"a gain above {ruleset.margin_nats:g} nats per token" if ruleset.margin_nats else "a gain above 0 bpb"
    lines = [f"### Ruleset `{ruleset.name}`: {asked}, p < {ruleset.alpha:g}", ""]
    lines += ["| day | record | val_bpb | Δ bpb | Δ nats per token | p |", "|---|---|--:|--:|--:|---|"]
    for row in board.frontier:
        p = "" if row.p is None else p_text(row.p)
        numbers = [f"{row.score_bpb:.5f}", *("" if d is None else f"{d:+.5f}" for d in (row.delta_bpb, row.delta_nats))]
        lines.append(f"| {_day(row)} | {_name(row.verdict)} | {' | '.join(numbers)} | {p or _cell(row.reason)} |")
    lines += ["", "Not the record:", "", "| day | record | val_bpb | why |", "|---|---|--:|---|"]
    others = [row for row in board.rows if not row.held and row.rank is not None]
    for row in sorted(others, key=lambda row: (_day(row), row.score_bpb)):
        lines.append(f"| {_day(row)} | {_name(row.verdict)} | {row.score_bpb:.5f} | {_cell(row.reason)} |")
    return [*lines, ""]


def _day(row: Row) -> str:
    return str(row.created.date()) if row.created else ""


def _errors(judged: dict[str, list[Verdict]]) -> list[str]:
    rows = [
        f"| {_name(verdict)} | `{finding.rule}` | {_place(finding.path, finding.line)} | {_cell(finding.message)} |"
        for verdict in judged["written"]
        for finding in verdict.findings
        if finding.severity is Severity.ERROR
    ]
    if not rows:
        return [
            "None, under either ruleset. An error is arithmetic proof; no record here contradicts its own numbers, the "
            "caps or the validation text's bytes."
        ]
    return ["| record | rule | place | arithmetic |", "|---|---|---|---|", *rows]


def _counts(found: list[Verdict]) -> list[str]:
    gravest: dict[str, Counter[str]] = defaultdict(Counter)
    for verdict in found:
        worst: dict[str, Severity] = {}
        for finding in verdict.findings:
            worst[finding.rule] = max(worst.get(finding.rule, Severity.INFO), finding.severity)
        for name, severity in worst.items():
            gravest[name][severity.label] += 1
        for name in verdict.passed:
            gravest[name]["passed"] += 1
        for skipped in verdict.skipped:
            gravest[skipped.rule]["skipped"] += 1
    columns = ("error", "warning", "info", "passed", "skipped")
    rows = [
        f"| `{rule.name}` | " + " | ".join(str(gravest[rule.name][column] or "") for column in columns) + " |"
        for rule in RULES
        if rule.name not in LEFT_OUT
    ]
    return [f"| rule | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns), *rows]


def _warnings(judged: dict[str, list[Verdict]]) -> list[str]:
    lines = []
    for rule in RULES:
        rows = {
            ruleset: [
                f"| {_name(verdict)} | {_place(finding.path, finding.line)} | {_cell(finding.message)} |"
                for verdict in found
                for finding in verdict.findings
                if finding.rule == rule.name and finding.severity is Severity.WARNING
            ]
            for ruleset, found in judged.items()
        }
        if not any(rows.values()):
            continue
        lines += [f"### `{rule.name}`", "", WHY.get(rule.name, ""), ""]
        same = rows["written"] == rows["audit-2026-05"]
        for ruleset, found in rows.items() if not same else [("", rows["written"])]:
            lines += [f"Ruleset `{ruleset}`:", ""] if ruleset else []
            lines += ["| record | place | finding |", "|---|---|---|", *found, ""]
    return lines


def _name(verdict: Verdict) -> str:
    return Path(verdict.path).name


def _place(path: str | None, line: int | None) -> str:
    return "" if path is None else path if line is None else f"{path}:{line}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(RECORDS))
    MODULE.write_text(render_module(RECORDS))
