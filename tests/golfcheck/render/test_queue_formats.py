"""Every format of the queue: right for a reader, valid for a machine, harmless whatever a submission says."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from golfcheck.core import schema
from golfcheck.queue.build import QueueRequest, build_queue
from golfcheck.queue.pulls import Queue, Reason, Triage
from golfcheck.render import queue_data, queue_markdown, queue_text
from golfcheck.render.page import Page
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.repositories import TRACK, Repo, record
from tests.golfcheck.valid_record import Draft

HOSTILE = (
    "@everyone <img src=x onerror=alert(1)> [l](https://evil.example) ![i](//e.example/a.png) #1 `x` | \x1b[31m \u202e"
)


def a_queue(path: Path) -> Queue:
    """Return a queue with every kind of pull request; everything that one of them can choose is hostile."""
    repo = Repo(path / "golf.git")
    base = {"README.md": "the contest"} | record("2026-06-01_First")
    start = repo.commit(base)
    repo.ref("refs/heads/main", start)
    repo.pull(10, base | record("2026-06-02_Better", -0.02), start)
    wrong = Draft(folder="2026-06-03_Wrong", bpb_shift=-0.021)
    wrong.set(val_bpb=0.9, val_loss=None)
    repo.pull(11, base | record("2026-06-03_Wrong", draft=wrong), start)
    hostile = Draft(folder="2026-06-04_Hostile", bpb_shift=-0.022)
    hostile.set(name=HOSTILE, author=HOSTILE, golfcheck={"ignore": {"too-few-seeds": HOSTILE}})
    hostile.files["README.md"] = f"# {HOSTILE}\n\nbuilt on #10 {HOSTILE}\n".encode()
    hostile.files["<b>@who</b> `#1`.txt"] = b"\xff"
    files = record("2026-06-04_Hostile", draft=hostile) | {f"<i>{HOSTILE.replace('/', '')}": "x"}
    files[f"{TRACK}/2026-06-05_@team <img src=x>/README.md"] = "words"
    repo.pull(12, base | files, start)
    repo.pull(13, base | {"README.md": "a typo"}, start)
    return build_queue(QueueRequest(repo.path, jobs=1))


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Queue:
    return a_queue(tmp_path_factory.mktemp("queue"))


def outside_code(markdown: str) -> str:
    """Return what GitHub interprets: all but fenced blocks and code spans."""
    text = re.sub(r"^```.*?^```", "", markdown, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"(?<!`)(`+)(?!`)(?:.*?[^`])\1(?!`)", "", text)


def test_the_list_has_each_part_with_its_pull_requests_and_why(queue: Queue):
    text = queue_text.render(queue, Page(columns=100))
    assert [line.partition(":")[0] for line in text.splitlines() if re.fullmatch(r"\S.*: \d+", line)] == [
        triage.heading for triage in Triage
    ]
    assert re.search(r"#10  record +1\.09474   -0\.02000  Valid", text)
    assert "score-not-in-logs" in text
    assert "4 of 4 pull requests" in text


def test_a_single_pull_request_is_shown_in_full(queue: Queue):
    one = Queue(queue.repository, queue.base, queue.ruleset, (queue.pulls[0],), 4, 1, 0)
    text = queue_text.render(one, Page(columns=100))
    assert "pull request 10: ready" in text
    assert "to beat 1.11474" in text


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_none_acts_in_it(queue: Queue, columns: int):
    for page in (Page(columns=columns), Page(columns=columns, verbose=True)):
        text = queue_text.render(queue, page)
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_the_document_and_each_line_match_the_schema(queue: Queue):
    document = json.loads(queue_data.render_json(queue))
    assert schema.violations("queue", document) == []
    assert document["counts"] == {"ready": 1, "review": 1, "refuted": 1, "none": 1}
    assert [json.loads(line) for line in queue_data.render_jsonl(queue).splitlines()] == document["pulls"]
    verdicts = [one["verdict"] for pull in document["pulls"] for one in pull["submissions"] if one["verdict"]]
    summary = {"records": 0, "outcomes": {}, "counts": {"error": 0, "warning": 0, "info": 0}, "rules": {}}
    whole = {"golfcheck": "0", "verdicts": verdicts, "summary": summary}
    assert schema.violations("verdict", whole) == []


def test_csv_has_a_line_for_each_and_no_formula(queue: Queue):
    rows = list(csv.DictReader(io.StringIO(queue_data.render_csv(queue))))
    assert [int(row["number"]) for row in rows] == [pull.number for pull in queue.pulls]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "@", "+"))]
    assert {row["number"]: row["builds_on"] for row in rows}["12"] == "10"


@pytest.mark.parametrize("number", [10, 11, 12, 13])
def test_nothing_of_a_submission_acts_in_a_comment(queue: Queue, number: int):
    pull = next(pull for pull in queue.pulls if pull.number == number)
    text = queue_markdown.comment(queue, pull)
    assert text.startswith(queue_markdown.MARKER)
    left = outside_code(text.replace(queue_markdown.MARKER, ""))
    assert not re.search(r"[@<]|\]\(|#\d|https?:|www\.", left), left
    assert f"golfcheck queue . --only {number}" in text
    assert "Contest a finding" in text


def test_a_comment_says_what_to_do_about_each_reason(queue: Queue):
    pull = next(pull for pull in queue.pulls if pull.number == 11)
    text = queue_markdown.comment(queue, pull)
    assert "refuted by arithmetic" in text
    assert "`submission.json:" in text
    for reason in pull.reasons:
        assert not reason.hint or f"- `{reason.kind}`: {reason.hint}" in text


def test_nothing_of_a_submission_acts_in_the_table(queue: Queue):
    left = outside_code(queue_markdown.render(queue))
    assert not re.search(r"[@<]|\]\(|https?:|www\.", left), left


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_reaches_a_terminal_or_a_comment_unescaped(queue: Queue, payload: str):
    reasons = (Reason("outside-files", 50, payload, payload, 3, "fix it"),)
    pull = replace(queue.pulls[0], reasons=reasons)
    changed = Queue(payload, "main", "written", (pull,), 1, 1, 0)
    controls = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
    for text in (queue_text.render(changed, Page()), queue_markdown.comment(changed, pull)):
        assert not controls.search(text)
