"""A queue → its page, and a page for each pull request."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from golfcheck.core.numbers import bpb_text, bytes_text, counted, delta_text, headroom_text, p_text, seconds_text
from golfcheck.core.outcome import Outcome
from golfcheck.core.text import safe
from golfcheck.queue.model import Pull, Queue, Reason, Submission, Triage, score_of
from golfcheck.queue.reasons import ERROR, NOTE, REFUTED, place_in
from golfcheck.render.queue_data import builds_on, nearest, render_json
from golfcheck.render.queue_text import lineage_lines
from golfcheck.site.boardpage import MISSING, number
from golfcheck.site.template import page

_REASONS = 200  # of one pull request, shown
_OUTSIDE = 200  # files
_WHY_CHARS = 300


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the value of a row that it is sorted by, its heading, and what that means."""

    key: str
    field: str
    heading: str
    meaning: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the filter: as in golfcheck/board/query.py, over the values of a row."""

    name: str
    field: str
    kind: str  # "text", "word", "number", "date"
    example: str
    meaning: str
    words: str = ""


COLUMNS = (
    Column("number", "number", "#", "number of the pull request", number=True),
    Column("triage", "triage", "what to do", "where it stands in the queue"),
    Column("verdict", "verdict", "verdict", "of golfcheck verify, on its own folder"),
    Column("bpb", "bpb", "val_bpb", "as logged, or else as claimed", number=True),
    Column("delta", "delta", "Δ bpb", "to the record to beat at its number; negative is better", number=True),
    Column("name", "name", "pull request", "its name, and the gravest reason"),
    Column("author", "author", "author", "as submission.json has it"),
    Column("base", "base", "builds on", "the pull request that it says it builds on", number=True),
    Column("nearest", "nearest", "nearest", "the pull request before it whose code is nearest", number=True),
)
_YES_NO = "yes no"
KEYS = (
    Key("triage", "triage", "word", "triage:review", "where it stands", " ".join(Triage)),
    Key("verdict", "verdict", "word", "verdict:record", "the verdict in one word", " ".join(map(str, Outcome))),
    Key("rule", "rules", "text", "rule:shared-log", "a rule or a reason that was found"),
    Key("pull", "number", "number", "pull:>=1900", "its number"),
    Key("bpb", "bpb", "number", "bpb:<1.08", "score, as logged or else as claimed"),
    Key("delta", "delta", "number", "delta:<-0.001", "bpb to the record to beat; below 0 is better"),
    Key("claimed", "claimed", "number", "claimed:1.0..1.1", "the score that it claims"),
    Key("seeds", "seeds", "number", "seeds:>=3", "how many seeds the logs have a score of"),
    Key("size", "size", "number", "size:>15.99m", "code and model together, bytes"),
    Key("base", "base", "number", "base:1787", "the pull request that it says it builds on"),
    Key("nearest", "nearest", "number", "nearest:1787", "the one whose code is nearest"),
    Key("folders", "folders", "number", "folders:>1", "how many record folders are its own"),
    Key("contends", "contends", "word", "contends:yes", "its score is better than the record to beat", _YES_NO),
    Key("merged", "merged", "word", "merged:no", "the base has it", _YES_NO),
    Key("name", "name", "text", "name:quant", "of the record"),
    Key("author", "author", "text", "author:ann", "as submission.json has it"),
    Key("path", "path", "text", "path:2026-04", "of its folders"),
    Key("track", "track", "text", "track:10min", "that it is judged on"),
    Key("date", "date", "date", "date:2026-04", "dated on this day, or in this month or year"),
    Key("after", "date", "date", "after:2026-04-09", "dated on this day or later"),
    Key("before", "date", "date", "before:2026-05-01", "dated before this day"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A pull request's row."""

    pull: Pull
    data: dict[str, str]  # what it is filtered and sorted by
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
            lines=lines,
        ),
    )


def _line(pull: Pull) -> Line:
    verdict = pull.verdict
    score = score_of(verdict) if verdict else None
    delta = verdict.to_beat.delta_bpb if verdict and verdict.to_beat else None
    other = nearest(pull)
    reason = pull.reasons[0] if pull.reasons and pull.reasons[0].weight > NOTE else None
    data = {
        "number": pull.number,
        "triage": pull.triage,
        "verdict": pull.outcome or "",
        "bpb": score,
        "delta": delta,
        "claimed": pull.claimed_bpb,
        "seeds": len(verdict.score.seeds) if verdict and verdict.score else None,
        "size": verdict.size.total_bytes if verdict and verdict.size else None,
        "base": builds_on(pull),
        "nearest": other.number if other else None,
        "folders": len(pull.submissions),
        "contends": "yes" if pull.contends else "no",
        "merged": "yes" if pull.head.merged else "no",
        "rules": " ".join(dict.fromkeys(reason.kind for reason in pull.reasons)),
        "name": pull.name[:200],
        "author": (pull.author or "")[:100],
        "path": " ".join(one.own.path for one in pull.submissions)[:1_000],
        "track": (verdict.track or "") if verdict else "",
        "date": (verdict.date or "")[:10] if verdict else "",
    }
    return Line(
        pull,
        {name: "" if value is None else str(value) for name, value in data.items()},
        number(score, bpb_text).text,
        number(delta, delta_text).text,
        safe(f"{reason.kind}: {reason.text}", _WHY_CHARS) if reason else "",
        builds_on(pull),
        f"{other.number} ({other.share:.0%})" if other else "",
    )


def _pull_page(queue: Queue, line: Line) -> bytes:
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
        "place": place_in(pull, reason),
        "grade": grade,
    }


def _folder(submission: Submission) -> dict[str, Any]:
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


def _facts(submission: Submission) -> Iterator[tuple[str, str, str]]:
    """Yield what stands above a folder: heading, value, and a few words beside it."""
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
        yield "val_bpb", MISSING, "none stated, none logged"
