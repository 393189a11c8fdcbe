"""Record + rules + the record to beat → Verdict."""

import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches

from golfcheck import stats
from golfcheck.errors import UsageError
from golfcheck.frontier import Entry, best_before, compare, entry_of, folder_date, track_of
from golfcheck.history import Branch
from golfcheck.record import Record
from golfcheck.results import Result, results, step_ms, train_ms
from golfcheck.rules import RULES, Context, Rule, Skip
from golfcheck.rules.waivers import FAMILY as WAIVER_FAMILY
from golfcheck.rules.waivers import waivers
from golfcheck.ruleset import DEFAULT_RULESET, RULESETS, Track, export_of, tokenizer_of
from golfcheck.trainlog.choose import choose_score
from golfcheck.trainlog.events import Size
from golfcheck.verdict import (
    Finding,
    LedgerRow,
    Problem,
    ScoreSummary,
    SizeSummary,
    Skipped,
    TimeSummary,
    TokenBytes,
    Verdict,
)


def verify(
    record: Record,
    *,
    ruleset: str = DEFAULT_RULESET,
    field: Iterable[Record] = (),
    select: Collection[str] = (),
    ignore: Collection[str] = (),
) -> Verdict:
    """Judge one record among `field`, the other records of its time.

    `select` and `ignore` name rules or families; nothing selected is everything. Raises UsageError for an unknown name,
    and for a folder in which there is nothing to judge.
    """
    entries = [entry for other in field if (entry := entry_of(other))]
    return judge(record, entries, ruleset=ruleset, rules=chosen_rules(select, ignore))


def chosen_rules(select: Collection[str], ignore: Collection[str]) -> tuple[Rule, ...]:
    """Return the rules that `select` (empty: all) and `ignore` leave; both name rules or families."""
    known = {rule.name for rule in RULES} | {rule.family for rule in RULES}
    for name in (*select, *ignore):
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"no rule or family is called {name!r}{hint} (`golfcheck explain` lists them all)")
    chosen = tuple(
        rule
        for rule in RULES
        if (not select or rule.name in select or rule.family in select)
        and rule.name not in ignore
        and rule.family not in ignore
    )
    if not chosen:
        raise UsageError("no rule is left to check: --ignore takes away all that --select leaves")
    return chosen


def judge(
    record: Record,
    entries: Iterable[Entry],
    *,
    ruleset: str = DEFAULT_RULESET,
    rules: Sequence[Rule] = RULES,
    made: datetime | None = None,
    branch: Branch | None = None,
) -> Verdict:
    """Judge one record among the entries of all (its own may be among them).

    `made` is when the record was made, where that is better known than by its folder's name; `branch` is what the
    branch under judgment changes.
    """
    started = time.perf_counter()
    if ruleset not in RULESETS:
        raise UsageError(f"no ruleset is called {ruleset!r}; there are {', '.join(RULESETS)}")
    if not (record.submission or record.logs or record.sources or record.problems):
        raise UsageError(f"{record.path}: nothing to check here; expected submission.json, train logs, or a script")
    chosen = choose_score(record.logs)
    found = results(record)
    entry = entry_of(record, found)
    if entry and made:
        entry = replace(entry, made=made)
    ranked = entry is not None and entry.track.ranked
    best = best_before(entry, entries, RULESETS[ruleset]) if entry and ranked else None
    context = Context(
        ruleset=RULESETS[ruleset],
        track=track_of(record),
        results=found,
        no_results=chosen.reason,
        to_beat=compare(entry, best) if entry and best else None,
        best=best,
        trainer=is_trainer(record),
        branch=branch,
    )
    findings, passed, skipped = _apply(record, context, rules)
    submission = record.submission
    return Verdict(
        path=str(record.path),
        name=submission.name if submission else None,
        author=submission.author if submission else None,
        date=submission.date if submission and submission.date else _text(folder_date(record)),
        track=None if context.trainer else context.track.name,
        ruleset=ruleset,
        findings=_waived(record, findings),
        passed=passed,
        skipped=skipped,
        score=_score(record, found),
        size=_size(found, context.track),
        time=_time(found, context.track),
        token_bytes=_token_bytes(found),
        to_beat=context.to_beat,
        ledger=_ledger(record, found),
        seconds=time.perf_counter() - started,
    )


def is_trainer(record: Record) -> bool:
    """Whether a folder holds a trainer and claims nothing: a script, but no submission, no log, no dated name."""
    return record.submission is None and not record.logs and bool(record.sources) and folder_date(record) is None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _apply(
    record: Record, context: Context, rules: Sequence[Rule]
) -> tuple[list[Finding], tuple[str, ...], tuple[Skipped, ...]]:
    """Run the rules, those about waivers last, for they look at what the others found."""
    findings: list[Finding] = []
    passed: list[str] = []
    skipped: list[Skipped] = []
    for rule in sorted(rules, key=lambda rule: rule.family == WAIVER_FAMILY):
        problems: list[Problem] = []
        reason = "a trainer's folder, not a record" if context.trainer and not rule.trainer else None
        met = tuple(met.problem for met in record.problems if met.rule == rule.name)
        try:
            if reason is None:
                seen = frozenset(finding.rule for finding in findings)
                problems += rule.check(record, replace(context, met=met, found=seen))
        except Skip as skip:
            reason = str(skip)
        findings += [_finding(rule, problem) for problem in problems]
        if not problems:
            if reason is None:
                passed.append(rule.name)
            else:
                skipped.append(Skipped(rule.name, reason))
    return findings, tuple(passed), tuple(skipped)


def _finding(rule: Rule, problem: Problem) -> Finding:
    severity = rule.severity if problem.severity is None else problem.severity
    return Finding(rule.name, severity, problem.message, problem.path, problem.line, rule.hint)


def _waived(record: Record, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Put the submission's reasons on the findings that it waives, and the gravest findings first."""
    reasons = waivers(record)
    marked = [
        finding if finding.rule not in reasons else replace(finding, waived=reasons[finding.rule])
        for finding in findings
    ]
    return tuple(sorted(marked, key=lambda finding: -finding.severity))


def _score(record: Record, found: Sequence[Result]) -> ScoreSummary | None:
    claimed = record.submission.val_bpb if record.submission else None
    if not found and claimed is None:
        return None
    bpb = [result.score.val_bpb for result in found]
    return ScoreSummary(
        claimed_bpb=claimed,
        name=found[0].name if found else None,
        mean_bpb=stats.mean(bpb) if found else None,
        mean_nats=stats.mean([result.score.val_loss_nats for result in found]) if found else None,
        sd_bpb=stats.variance(bpb) ** 0.5 if len(bpb) > 1 else None,
        seeds=tuple(result.seed for result in found),
    )


def _size(found: Sequence[Result], track: Track) -> SizeSummary | None:
    totals = [(total.size_bytes, result.seed) for result in found if (total := result.total_bytes)]
    if not totals:
        return None
    size_bytes, seed = max(totals, key=lambda pair: pair[0])
    return SizeSummary(size_bytes, track.size_cap_bytes, seed)


def _time(found: Sequence[Result], track: Track) -> TimeSummary | None:
    if not found:
        return None
    longest = max(found, key=lambda result: train_ms(result.run) or 0.0)
    return TimeSummary(
        train_ms=train_ms(longest.run),
        train_cap_ms=track.train_cap_ms,
        step_ms=step_ms(longest.run),
        eval_ms=max((ms for result in found if (ms := result.eval_ms)), default=None),
        eval_cap_ms=track.eval_cap_ms,
    )


def _token_bytes(found: Sequence[Result]) -> TokenBytes | None:
    ratio = found[0].bytes_per_token if found else None
    if ratio is None:
        return None
    known = tokenizer_of(ratio)
    tokens = found[0].run.val_tokens
    export = export_of(tokens.value) if tokens else None
    return TokenBytes(ratio, known.name if known else export.name if export else None)


def _ledger(record: Record, found: Sequence[Result]) -> tuple[LedgerRow, ...]:
    """Return what code, model and total come to on disk, in the log of the largest run, and in submission.json."""
    submission = record.submission
    largest = max(found, key=lambda result: result.total_bytes.size_bytes if result.total_bytes else 0, default=None)
    code = largest.run.code_bytes[-1] if largest and largest.run.code_bytes else None
    model = largest.model_bytes if largest else None
    total = largest.total_bytes if largest else None
    main = next((source for source in record.sources if source.main), None)
    code_disk = sum(len(source.text) for source in record.sources) if record.sources else None
    artifact = max(record.artifacts, key=lambda file: file.size_bytes, default=None)
    model_disk = artifact.size_bytes if artifact else None
    claimed_code = submission.code_bytes if submission else None
    claimed_total = submission.total_bytes if submission else None
    parts = (claimed_total, claimed_code)
    return (
        LedgerRow("code", main.path if main else None, code_disk, _bytes(code), claimed_code, _code_note(record)),
        LedgerRow("model", artifact.path if artifact else None, model_disk, _bytes(model), _difference(*parts)),
        LedgerRow("total", None, _sum(code_disk, model_disk), _bytes(total), claimed_total),
    )


def _bytes(size: Size | None) -> int | None:
    return size.size_bytes if size else None


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _difference(total: int | None, part: int | None) -> int | None:
    return None if total is None or part is None else total - part


def _code_note(record: Record) -> str:
    main = next((source for source in record.sources if source.main), None)
    if main is None:
        return ""
    if main.wrapper:
        inside = f"{len(main.unwrapped):,} raw" if main.unwrapped is not None else "contents unknown"
        return f"wrapper: {main.wrapper} -> {inside}"
    return f"{len(record.sources)} files" if len(record.sources) > 1 else ""
