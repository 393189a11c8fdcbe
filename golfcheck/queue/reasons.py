"""Why a pull request needs review: its verdicts, what it shares with others, and what it changes."""

from collections.abc import Iterator, Sequence

from golfcheck.core.numbers import counted
from golfcheck.core.outcome import Outcome, undecided
from golfcheck.core.verdict import Finding, Severity, Verdict
from golfcheck.judging.decisions import Rulings
from golfcheck.judging.verify import refuted
from golfcheck.queue.heads import Head
from golfcheck.queue.overlap import MEANINGS, Overlap
from golfcheck.queue.pulls import JudgedFolder, Pull, Reason, Triage, score_of

# Weights: proven errors, implausible results, possibly somebody else's work, changes beyond what a submission may
# change, and the rest.
REFUTED, DOUBTFUL, SHARED, FAILED, FOREIGN, ERROR, REVIEW, UNVERIFIED, NOTE = 80, 75, 70, 60, 50, 40, 30, 20, 10
_IMPLAUSIBLE = ("implausible-gain", "implausible-score")  # a larger improvement than the frontier ever made
_SHOWN = 5  # files of a list
_CONTEST = "a maintainer decides: say so in the pull request, with the line that shows it"
_TIE_BPB = 1e-9


def pull_of(head: Head, submissions: Sequence[JudgedFolder]) -> Pull:
    """Return a pull request with its triage, and the reasons for it, the most serious first."""
    reasons = sorted((*_of_head(head), *_of_submissions(head, submissions)), key=lambda reason: -reason.weight)
    if not head.own:
        triage = Triage.NONE
    elif any(reason.weight >= REFUTED for reason in reasons):
        triage = Triage.REFUTED
    elif any(reason.weight > NOTE for reason in reasons):
        triage = Triage.REVIEW
    else:
        triage = Triage.READY
    return Pull(head, tuple(submissions), triage, tuple(reasons), any(map(_contends, submissions)))


def order_of(pull: Pull) -> tuple[int, ...]:
    """Return the sort key: by triage, then open ones, then those that may take the lead, the least doubtful first."""
    is_record = pull.outcome is Outcome.RECORD
    heaviest = pull.reasons[0].weight if pull.reasons else 0
    part = list(Triage).index(pull.triage)
    return (part, pull.head.merged, not (is_record or pull.contends), heaviest if pull.contends else 0, pull.number)


def _contends(submission: JudgedFolder) -> bool:
    verdict = submission.verdict
    score = score_of(verdict) if verdict else None
    return bool(
        verdict and score is not None and verdict.to_beat is not None and score < verdict.to_beat.bpb - _TIE_BPB
    )


def _of_head(head: Head) -> Iterator[Reason]:
    changes = head.changes
    if head.left is None:
        yield Reason("no-merge-base", FOREIGN, "has no commit in common with the base: compared with the base as it is")
    if len(head.own) > 1:
        names = _listed([one.path for one in head.own])
        yield Reason(
            "several-folders",
            REVIEW,
            f"adds {counted(len(head.own), 'record folder')}: {names}",
            hint="one folder a pull request",
        )
    for one in head.own:
        if one.changed:
            yield Reason("changes-base-record", FOREIGN, "changes a record that the base has", one.path, hint=_CONTEST)
        if one.same_as is not None:
            text = f"is the folder of #{one.same_as}, unchanged"
            yield Reason("same-folder", SHARED, text, one.path, hint="close one of the two")
        elif one.version_of is not None and not one.changed:
            text = f"is another version of the folder of #{one.version_of}"
            yield Reason("other-version", REVIEW, text, one.path, hint="say which of the two counts")
    for path in changes.removed:
        yield Reason("removes-record", FOREIGN, "removes a record that the base has", path, hint=_CONTEST)
    if changes.deleted:
        yield Reason(
            "deletes-files", FOREIGN, f"deletes {counted(len(changes.deleted), 'file')}: {_listed(changes.deleted)}"
        )
    special = [change for change in changes.outside if change.special]
    for change in special[:_SHOWN]:
        yield Reason("special-file", FOREIGN, f"adds {change.special}", change.path, hint="commit plain files only")
    if changes.outside and head.own:
        text = f"touches {counted(len(changes.outside), 'file')} outside its folder: "
        text += _listed([f"{change.path} ({change.status})" for change in changes.outside])
        yield Reason("outside-files", FOREIGN, text, hint="move everything else to another pull request")
    for problem in changes.problems[:_SHOWN]:
        yield Reason("unreadable-objects", FAILED, problem)
    yield from _notes(head)


def _notes(head: Head) -> Iterator[Reason]:
    for one in head.carried[:_SHOWN]:
        source = "the base" if one.source is None else f"#{one.source}"
        what = "a copy" if one.exact else "another version"
        yield Reason("carried-folder", NOTE, f"{what} of a folder of {source}: not judged here", one.path)
    if len(head.carried) > _SHOWN:
        yield Reason("carried-folder", NOTE, f"{len(head.carried) - _SHOWN} more folders are carried along")
    if head.conflicts:
        text = f"stale: the base has changed {_listed(head.conflicts)} since it left"
        yield Reason("stale", NOTE, text, hint="rebase on the base")


def _of_submissions(head: Head, submissions: Sequence[JudgedFolder]) -> Iterator[Reason]:
    for submission in submissions:
        verdict = submission.verdict
        if verdict is None:
            weight = FAILED if submission.content.broken else UNVERIFIED
            yield Reason("not-judged", weight, submission.content.failure, submission.own.path)
        else:
            yield from _of_verdict(verdict, submission.rulings)
        for ruling in submission.rulings.all:
            is_out = submission.rulings.excluded and ruling is submission.rulings.standing
            yield Reason("ruling", REVIEW if is_out else NOTE, f"ruled {ruling.text}", submission.own.path)
        parent = submission.lineage.said.number if submission.lineage and submission.lineage.said else None
        for overlap in submission.overlaps:
            if overlap.number != submission.own.same_as:
                yield _of_overlap(submission, overlap, parent)


def _of_verdict(verdict: Verdict, rulings: Rulings) -> Iterator[Reason]:
    """Yield a verdict's objections to a record, except those that the maintainers have already ruled on."""
    proven = set(refuted(verdict))
    for finding in verdict.findings:
        if finding.severity is Severity.INFO:
            continue
        if rulings.included or finding.rule in rulings.waived:
            yield _of_finding(verdict, finding, NOTE, f"{finding.message} (ruled not to count)")
            continue
        if finding.waived is not None:
            text = f"{finding.message} (waived by the submission: {finding.waived})"
            yield _of_finding(verdict, finding, REVIEW, text)
            continue
        weight = REVIEW
        if finding.severity is Severity.ERROR:
            weight = REFUTED if finding.rule in proven else ERROR
        elif finding.rule in _IMPLAUSIBLE:
            weight = DOUBTFUL
        yield _of_finding(verdict, finding, weight, finding.message)
    if not verdict.passed and not verdict.findings and verdict.skipped:
        yield Reason("unverified", UNVERIFIED, verdict.skipped[0].reason, verdict.path)
    elif missing := undecided(verdict):
        yield Reason("unverified", UNVERIFIED, missing, verdict.path)


def _of_finding(verdict: Verdict, finding: Finding, weight: int, text: str) -> Reason:
    path = f"{verdict.path}/{finding.path}" if finding.path else verdict.path
    return Reason(finding.rule, weight, text, path, finding.line, finding.hint, is_rule=True)


def _of_overlap(submission: JudgedFolder, overlap: Overlap, parent: int | None) -> Reason:
    """Describe what is shared. Logs of the base may be a baseline; those of the same author, an earlier attempt."""
    file = overlap.files[0]
    others = f" and {len(overlap.files) - 1} more" if len(overlap.files) > 1 else ""
    counted = f"; {overlap.scored} of its {overlap.of} runs with a score" if overlap.of else ""
    whose = " by the same author" if overlap.same_author else ", which it builds on" if parent == overlap.number else ""
    text = f"{MEANINGS[overlap.kind]} with #{overlap.number}{whose}: {file.path} is {file.other_path}{others}{counted}"
    weight = REVIEW if whose else SHARED
    hint = "say whose run it is, and name it in the README"
    return Reason(f"shared-{overlap.kind}", weight, text, f"{submission.own.path}/{file.path}", file.line, hint)


def location_in(pull: Pull, reason: Reason) -> str:
    """Return the location of a reason, `path:line`; relative to the folder if the pull request has only one."""
    path = reason.path or ""
    if len(pull.submissions) == 1:
        own = pull.submissions[0].own.path
        path = "" if path == own else path.removeprefix(f"{own}/")
    return path if reason.line is None or not path else f"{path}:{reason.line}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
