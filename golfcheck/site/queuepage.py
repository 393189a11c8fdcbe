"""The page of the queue, and a page for each pull request."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from golfcheck.core.numbers import (
    bpb_text,
    bytes_text,
    counted,
    delta_text,
    headroom_text,
    p_text,
    percent_text,
    seconds_text,
)
from golfcheck.core.text import safe
from golfcheck.queue.pullrows import KEYS, lineage_of, row_of
from golfcheck.queue.pulls import JudgedFolder, Pull, Queue, Reason, Triage
from golfcheck.queue.reasons import ERROR, NOTE, REFUTED, location_in
from golfcheck.render.queue_data import render_json
from golfcheck.render.queue_text import lineage_lines
from golfcheck.site.boardpage import MISSING, number, search_data
from golfcheck.site.template import page

_REASONS = 200  # shown for a pull request
_OUTSIDE = 200  # files
_WHY_CHARS = 300


@dataclass(frozen=True, slots=True)
class QueueColumn:
    """A column: its sort key, its heading, and an explanation."""

    key: str
    heading: str
    meaning: str
    number: bool = False


COLUMNS = (
    QueueColumn("pull", "#", "number of the pull request", number=True),
    QueueColumn("triage", "what to do", "its part of the queue"),
    QueueColumn("verdict", "verdict", "verdict of golfcheck verify on its own folder"),
    QueueColumn("bpb", "val_bpb", "as logged, otherwise as claimed", number=True),
    QueueColumn("delta", "Δ bpb", "difference from the record to beat at its number; negative is better", number=True),
    QueueColumn("name", "pull request", "its name, and the most serious reason"),
    QueueColumn("author", "author", "from submission.json"),
    QueueColumn("base", "builds on", "the pull request that it says it is based on", number=True),
    QueueColumn("nearest", "nearest", "the earlier pull request with the most similar code", number=True),
)


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A pull request's row."""

    pull: Pull
    bpb: str
    delta: str
    why: str
    base: int | None
    nearest: str


def queue_pages(queue: Queue) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each file and its contents: a page for each pull request, the data, and the queue's page."""
    lines = [_line(pull) for pull in queue.pulls]
    for line in lines:
        yield f"pulls/{line.pull.number}.html", _pull_page(queue, line)
    yield "queue.json", render_json(queue).encode()
    yield (
        "queue.html",
        page(
            "queue.html",
            extra=("queue",),
            root="",
            title="Parameter Golf queue",
            queue=queue,
            counts=[(triage, len(queue.of(triage))) for triage in Triage],
            columns=COLUMNS,
            keys=KEYS,
            search=search_data([row_of(pull) for pull in queue.pulls], KEYS),
            lines=lines,
        ),
    )


def _line(pull: Pull) -> QueueRow:
    row = row_of(pull)
    lineage = lineage_of(row)
    other = lineage.nearest if lineage else None
    reason = pull.reasons[0] if pull.reasons and pull.reasons[0].weight > NOTE else None
    return QueueRow(
        pull,
        number(row.score_bpb, bpb_text).text,
        number(row.delta_bpb, delta_text).text,
        safe(f"{reason.kind}: {reason.text}", _WHY_CHARS) if reason else "",
        KEYS["base"].value(row),
        f"{other.number} ({percent_text(other.share)})" if other else "",
    )


def _pull_page(queue: Queue, line: QueueRow) -> bytes:
    pull = line.pull
    outside = pull.head.changes.outside
    return page(
        "pull.html",
        extra=("queue",),
        root="../",
        title=f"#{pull.number} {pull.name}",
        pull=pull,
        line=line,
        ruleset=queue.ruleset,
        reasons=[_reason(pull, reason) for reason in pull.reasons[:_REASONS]],
        more_reasons=max(len(pull.reasons) - _REASONS, 0),
        folders=[_folder(submission) for submission in pull.submissions],
        outside=outside[:_OUTSIDE],
        more_outside=max(len(outside) - _OUTSIDE, 0),
    )


def _reason(pull: Pull, reason: Reason) -> dict[str, str]:
    grade = (
        "refuted"
        if reason.weight >= REFUTED or reason.weight == ERROR
        else "note"
        if reason.weight <= NOTE
        else "review"
    )
    return {
        "kind": reason.kind,
        "text": reason.text,
        "hint": reason.hint,
        "location": location_in(pull, reason),
        "grade": grade,
    }


def _folder(submission: JudgedFolder) -> dict[str, Any]:
    verdict, content = submission.verdict, submission.content
    lines = lineage_lines(submission)
    return {
        "title": verdict.name if verdict and verdict.name else submission.own.path.rsplit("/", 1)[-1],
        "path": submission.own.path,
        "files": content.num_files,
        "bytes": content.size_bytes,
        "lines": [content.failure, *lines] if content.failure else lines,
        "facts": list(_facts(submission)),
        "verdict": verdict,
    }


def _facts(submission: JudgedFolder) -> Iterator[tuple[str, str, str]]:
    """Yield the facts about a folder: heading, value, and a short comment."""
    verdict = submission.verdict
    if verdict is None:
        return
    if verdict.score:
        yield (
            "val_bpb, logged",
            number(verdict.score.mean_bpb, bpb_text).text,
            counted(len(verdict.score.seeds), "seed"),
        )
        yield "val_bpb, claimed", number(verdict.score.claimed_bpb, bpb_text).text, "submission.json"
    if verdict.size:
        left = verdict.size.cap_bytes - verdict.size.total_bytes
        yield "bytes", bytes_text(verdict.size.total_bytes), headroom_text(left)
    if verdict.time:
        for name, spent in (("training", verdict.time.train_ms), ("evaluation", verdict.time.eval_ms)):
            if spent is not None:
                yield name, f"{seconds_text(spent)} s", ""
    if verdict.to_beat:
        rival = verdict.to_beat
        yield "to beat", bpb_text(rival.bpb), safe(rival.name, 80)
        p = rival.p_zero if rival.p_margin is None else rival.p_margin
        yield "Δ bpb", number(rival.delta_bpb, delta_text).text, "" if p is None else f"p {p_text(p)}"
    if not verdict.score:
        yield "val_bpb", MISSING, "neither claimed nor logged"
