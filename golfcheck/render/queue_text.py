"""The queue as text: the most urgent pull requests first; a single one in full."""

from collections.abc import Iterator, Sequence

from golfcheck.core.numbers import bpb_text, counted, delta_text, percent_text
from golfcheck.core.text import fit, safe, width
from golfcheck.queue.lineage import Lineage, Relative
from golfcheck.queue.pulls import JudgedFolder, Pull, Queue, Reason, Triage
from golfcheck.queue.reasons import ERROR, NOTE, REFUTED, location_in
from golfcheck.render.page import Page
from golfcheck.render.verdict_block import block

_STYLE = {Triage.READY: "ok", Triage.REVIEW: "warning", Triage.REFUTED: "error", Triage.NONE: "dim"}
_SHORT_REASONS = 2  # below each line of the list
_SHOWN_SETTINGS = 8


def render(queue: Queue, page: Page) -> str:
    """Return the list, or one pull request in full; with `page.verbose` all of them in full."""
    if len(queue.pulls) == 1 or page.verbose:
        lines = [line for pull in queue.pulls for line in (*_in_full(pull, page), "")]
    else:
        lines = [line for triage in Triage for line in _part(queue, triage, page)]
    return page.text([*lines, *_counts(queue, page)])


def _part(queue: Queue, triage: Triage, page: Page) -> Iterator[str]:
    pulls = queue.of(triage)
    if not pulls:
        return
    head = f"{triage.heading}: {len(pulls)}"
    yield page.paint(head, "bold")
    yield from (page.paint(line, "dim") for line in page.prose(triage.meaning, "  ", "  "))
    for pull in pulls:
        yield from _in_short(pull, page)
    yield ""


def _in_short(pull: Pull, page: Page) -> Iterator[str]:
    """Yield a line with the numbers and the name, and below it the most serious reasons."""
    word = str(pull.outcome or "")
    bpb = _bpb(pull)
    delta = pull.verdict.to_beat.delta_bpb if pull.verdict and pull.verdict.to_beat else None
    gain = "" if delta is None else delta_text(delta)
    marks = "merged " if pull.head.merged else ""
    left = f"{'#' + str(pull.number):>6}  {word:<10}  {bpb:>9}  {gain:>9}  "
    about = f"  {marks}{safe(pull.author, 30) if pull.author else ''}".rstrip()
    room = max(page.columns - len(left) - width(about), 12)
    name = fit(safe(pull.name, 200), room)
    yield page.paint(left, _STYLE[pull.triage]) + page.paint(name, "bold") + page.paint(about, "dim")
    shown = [reason for reason in pull.reasons if reason.weight > NOTE]
    kinds = list(dict.fromkeys(reason.kind for reason in shown))
    for kind in kinds[:_SHORT_REASONS]:
        same = [reason for reason in shown if reason.kind == kind]
        more = f" (and {len(same) - 1} more)" if len(same) > 1 else ""
        yield from _reason(pull, same[0], page, indent=8, more=more)
    if len(kinds) > _SHORT_REASONS:
        yield page.paint(f"        and: {', '.join(kinds[_SHORT_REASONS:])}", "dim")


def _bpb(pull: Pull) -> str:
    """Return the score, in brackets if only the submission states it."""
    if pull.logged_bpb is not None:
        return bpb_text(pull.logged_bpb)
    return "-" if pull.claimed_bpb is None else f"({bpb_text(pull.claimed_bpb)})"


def _reason(pull: Pull, reason: Reason, page: Page, indent: int, *, more: str = "", hint: bool = False) -> list[str]:
    word = (
        "error"
        if reason.weight >= REFUTED or reason.weight == ERROR
        else "info"
        if reason.weight <= NOTE
        else "warning"
    )
    location = safe(location_in(pull, reason), 300)
    where = f"{location}: " if location else ""
    head = f"{' ' * indent}{reason.kind}"
    lines = page.prose(f"{head}  {where}{safe(reason.text)}{more}", "", " " * (indent + 4))
    lines[0] = lines[0].replace(reason.kind, page.paint(reason.kind, word), 1)
    if hint and reason.hint:
        lines += page.prose(f"fix: {safe(reason.hint)}", " " * (indent + 4), " " * (indent + 9))
    return lines


def _in_full(pull: Pull, page: Page) -> Iterator[str]:
    head = pull.head
    yield page.paint(f"pull request {pull.number}: {pull.triage.heading}", _STYLE[pull.triage])
    behind = f"{counted(head.behind, 'commit')} behind the base"
    state = "merged" if head.merged else behind if head.left else "no commit in common with the base"
    yield page.paint(f"  {state}; head {head.oid[:12]}", "dim")
    for submission in pull.submissions:
        yield ""
        if submission.verdict:
            yield from block(submission.verdict, page)
        else:
            yield safe(submission.own.path, 400)
            yield from page.prose(safe(submission.content.failure), "  ", "  ")
        yield from (line for text in lineage_lines(submission) for line in page.prose(text, "  ", "            "))
    if pull.reasons:
        yield ""
        yield page.paint("Why", "bold")
        explained: set[str] = set()
        for reason in pull.reasons:
            yield from _reason(pull, reason, page, indent=2, hint=reason.kind not in explained)
            explained.add(reason.kind)


def lineage_lines(submission: JudgedFolder) -> list[str]:
    """Return one line for each piece of evidence for what a record builds on."""
    lineage = submission.lineage
    if lineage is None:
        return []
    lines = []
    if lineage.named:
        lines.append(f"builds on  {named_text(lineage)}")
        if lineage.said:
            lines[-1] += f": {relative_text(lineage.said)}"
    if lineage.nearest and (lineage.said is None or lineage.nearest != lineage.said):
        lines.append(
            f"nearest    #{lineage.nearest.number} {_folder(lineage.nearest)}: {relative_text(lineage.nearest)}"
        )
    return lines


def named_text(lineage: Lineage) -> str:
    """Return what it says it builds on, and where."""
    named = lineage.named
    assert named is not None
    what = f"#{named.pull}" if named.pull else safe(named.record or "", 200)
    return f"{what} (as {safe(named.path, 100)}:{named.line} {'says' if named.base else 'mentions'})"


def relative_text(relative: Relative) -> str:
    """Return how one record's code and settings differ from another's."""
    parts = [f"{percent_text(relative.share)} of the definitions shared", f"code {relative.code_bytes:+,} bytes"]
    if relative.settings:
        shown = [safe(text, 120) for text in relative.settings[:_SHOWN_SETTINGS]]
        more = f" and {len(relative.settings) - len(shown)} more" if len(relative.settings) > len(shown) else ""
        parts.append(f"settings: {', '.join(shown)}{more}")
    return "; ".join(parts)


def _folder(relative: Relative) -> str:
    return safe(relative.path.rsplit("/", 1)[-1], 200)


def _counts(queue: Queue, page: Page) -> list[str]:
    """Return the last lines: how many of each kind, and what to type next."""
    counts: Sequence[tuple[str, str]] = [
        (f"{len(queue.of(triage))} {triage.heading}", _STYLE[triage]) for triage in Triage
    ]
    lines = page.flow("QUEUE", [(f"{len(queue.pulls)} of {queue.num_heads} pull requests", "bold"), *counts], indent=9)
    num_cached = queue.num_contents - min(queue.num_judged, queue.num_contents)
    lines += page.flow("", [(f"{counted(queue.num_contents, 'folder')}, {num_cached} judged before", "dim")], indent=9)
    first = next((pull for pull in queue.pulls if pull.triage is not Triage.NONE), None)
    if first is not None and len(queue.pulls) > 1:
        lines.append(
            page.paint(f"next     golfcheck queue … --only {first.number}   (or --comment {first.number})", "dim")
        )
    return lines
