"""The queue as Markdown: a table of all, or the comment on one pull request.

All text from a submission is in code spans, and so are the numbers of other pull requests, so no mention, link, image
or reference of theirs is active in our comment.
"""

from collections import Counter
from collections.abc import Iterator

from golfcheck.core.numbers import bpb_text, counted
from golfcheck.core.text import shell_word
from golfcheck.queue.pulls import JudgedFolder, Pull, Queue, Triage
from golfcheck.queue.reasons import NOTE, location_in
from golfcheck.render.queue_text import named_text, relative_text
from golfcheck.render.verdict_markdown import code, numbers, table_cell

MARKER = "<!-- golfcheck queue: this comment is updated -->"
_SIGN = {Triage.READY: "✅", Triage.REVIEW: "⚠️", Triage.REFUTED: "❌", Triage.NONE: "➖"}
_MAX_CHARS = 60_000  # a comment on GitHub holds 65,536
_MAX_REASONS = 60
_MAX_OF_A_KIND = 4
_CONTEST = (
    "Reply here with the rule's name and the line that shows that it is wrong; `golfcheck explain RULE` says what it "
    "checks and why. A maintainer decides. Decisions are written to `records/decisions.json`, with the reason, "
    "and apply to every board from then on."
)


def render(queue: Queue) -> str:
    """Return the table, part by part; rows that a file on GitHub has no room for are left out."""
    lines = [
        f"**{len(queue.pulls)} pull requests:** " + ", ".join(f"{len(queue.of(t))} {t.heading}" for t in Triage),
        "",
    ]
    for triage in Triage:
        pulls = queue.of(triage)
        if pulls:
            lines += [f"## {_SIGN[triage]} {triage.heading}: {len(pulls)}", "", f"{triage.meaning}.", ""]
            lines += ["| # | verdict | val_bpb | name | author | why |", "|---|---|---|---|---|---|"]
            lines += [*map(_line, pulls), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _line(pull: Pull) -> str:
    bpb = pull.logged_bpb if pull.logged_bpb is not None else pull.claimed_bpb
    reason = pull.reasons[0] if pull.reasons and pull.reasons[0].weight > NOTE else None
    why = f"`{reason.kind}` {code(reason.text)}" if reason else ""
    cells = (
        str(pull.number),
        f"{pull.outcome or ''}{' (merged)' if pull.head.merged else ''}",
        "" if bpb is None else bpb_text(bpb),
        code(pull.name),
        code(pull.author) if pull.author else "",
        why,
    )
    return f"| {' | '.join(map(table_cell, cells))} |"


def comment(queue: Queue, pull: Pull, repository: str = ".") -> str:
    """Return the comment on one pull request: what was found, what to do, and how to check or contest it."""
    lines = [MARKER, f"## {_SIGN[pull.triage]} {pull.triage.heading}", "", f"{_summary(pull)}", ""]
    for submission in pull.submissions:
        lines += _submission(submission)
    lines += _reasons(pull)
    lines += _hints(pull)
    end = [
        "### Run the same check",
        "",
        "```sh",
        f"git fetch origin '+refs/pull/{pull.number}/head:refs/pull/{pull.number}/head'",
        f"golfcheck queue {shell_word(repository)} --only {pull.number}",
        "```",
        "",
        "### Contest a finding",
        "",
        _CONTEST,
    ]
    room = _MAX_CHARS - sum(len(line) + 1 for line in end)
    for count, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            lines[count:] = ["", "_The rest does not fit here._", ""]
            break
    return "\n".join([*lines, *end]) + "\n"


def _summary(pull: Pull) -> str:
    grave = sum(reason.weight > NOTE for reason in pull.reasons)
    if pull.triage is Triage.NONE:
        return "This pull request adds no record folder of its own, so there is nothing to judge."
    if pull.triage is Triage.READY:
        return "golfcheck has no objections. A maintainer reviews pull requests in the order of their numbers."
    if pull.triage is Triage.REFUTED:
        return f"{counted(grave, 'reason')}, the first of them proven by arithmetic on its own files."
    return f"{counted(grave, 'reason')} for a maintainer to look at. None of them is a proof."


def _submission(submission: JudgedFolder) -> Iterator[str]:
    verdict = submission.verdict
    yield f"### {code(verdict.name if verdict and verdict.name else submission.own.path)}"
    yield ""
    facts = [verdict.author, verdict.date, submission.own.path] if verdict else [submission.own.path]
    yield " · ".join(code(fact) for fact in facts if fact)
    yield ""
    if verdict is None:
        yield f"{code(submission.content.failure)}"
        yield ""
        return
    yield from ("| | | |", "|---|---|---|", *numbers(verdict), "")
    lineage = submission.lineage
    if lineage and lineage.named:
        difference = f": {code(relative_text(lineage.said))}" if lineage.said else ""
        yield f"- builds on {code(named_text(lineage))}{difference}"
    if lineage and lineage.nearest and lineage.nearest != lineage.said:
        other = lineage.nearest
        yield f"- nearest code before it: {code(f'#{other.number}')} {code(other.path)}: {code(relative_text(other))}"
    yield ""


def _reasons(pull: Pull) -> Iterator[str]:
    if not pull.reasons:
        return
    yield from ("### Why", "", "| what | where | |", "|---|---|---|")
    seen: Counter[str] = Counter()
    for reason in pull.reasons:
        seen[reason.kind] += 1
        if seen[reason.kind] <= _MAX_OF_A_KIND and seen.total() <= _MAX_REASONS:
            location = location_in(pull, reason)
            cells = (f"`{reason.kind}`", code(location) if location else "", code(reason.text))
            yield f"| {' | '.join(map(table_cell, cells))} |"
    left_out = {kind: count - _MAX_OF_A_KIND for kind, count in seen.items() if count > _MAX_OF_A_KIND}
    if left_out:
        yield ""
        yield "and " + ", ".join(f"{count} more of `{kind}`" for kind, count in left_out.items())
    yield ""


def _hints(pull: Pull) -> Iterator[str]:
    hints = {reason.kind: reason.hint for reason in pull.reasons if reason.hint and reason.weight > NOTE}
    if hints:
        yield from ("### What to do", "")
        yield from (f"- `{kind}`: {hint}" for kind, hint in hints.items())
        yield ""
