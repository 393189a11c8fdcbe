"""Record + rules → Verdict; a verdict + the record to beat → Verdict."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from golfcheck.comparison.frontier import best_before, compare
from golfcheck.core.errors import UsageError
from golfcheck.core.ruleset import DEFAULT_RULESET, RULESETS
from golfcheck.core.suggest import suggestion
from golfcheck.core.verdict import Finding, Problem, Severity, Skipped, Verdict
from golfcheck.judging.summary import ledger_of, score_of, size_of, time_of, token_bytes_of
from golfcheck.rules import RULES, Context, Rule, Skip
from golfcheck.rules.waivers import FAMILY as WAIVER_FAMILY
from golfcheck.rules.waivers import waivers
from golfcheck.submission.claims import Submission
from golfcheck.submission.examined import Entry, Examined, examine
from golfcheck.submission.history import Branch
from golfcheck.submission.identity import Identity, today
from golfcheck.submission.record import CUT_RULE, Record

MAX_FINDINGS = 100  # of one rule; 60 merged records have at most 60 of one rule
MAX_MESSAGE_CHARS = 4_000
# Families of rules about the values by which records are compared.
_COMPARED = ("score", "conservation", "size", "time")
# Families of rules that depend on the record to beat: waivers too, which may concern the others.
_COMPARING = ("significance", WAIVER_FAMILY)
_ORDER = {rule.name: number for number, rule in enumerate(RULES)}


def verify(
    record: Record,
    *,
    ruleset: str = DEFAULT_RULESET,
    field: Iterable[Record] = (),
    select: Collection[str] = (),
    ignore: Collection[str] = (),
) -> Verdict:
    """Judge one record among `field`, the other records of its time.

    `select` and `ignore` name rules or families; an empty `select` selects all. Raises UsageError for an unknown name,
    but never for a folder: the verdict lists what could not be checked.
    """
    entries = [entry for other in field if (entry := examine(other).entry())]
    return judge(examine(record), entries, ruleset=ruleset, rules=chosen_rules(select, ignore))


def chosen_rules(select: Collection[str], ignore: Collection[str]) -> tuple[Rule, ...]:
    """Return the rules that `select` (empty: all) and `ignore` leave; both name rules or families."""
    valid_names = {rule.name for rule in RULES} | {rule.family for rule in RULES}
    for name in (*select, *ignore):
        if name not in valid_names:
            hint = suggestion(name, valid_names)
            raise UsageError(f"no rule or family is called {name!r}{hint} (`golfcheck explain` lists them all)")
    chosen = tuple(
        rule
        for rule in RULES
        if (not select or rule.name in select or rule.family in select)
        and rule.name not in ignore
        and rule.family not in ignore
    )
    if not chosen:
        raise UsageError("no rule is left to check: --ignore excludes everything that --select selects")
    return chosen


def judge(
    examined: Examined,
    entries: Iterable[Entry],
    *,
    ruleset: str = DEFAULT_RULESET,
    rules: Sequence[Rule] = RULES,
    created: datetime | None = None,
    branch: Branch | None = None,
) -> Verdict:
    """Judge one record among the entries of all (its own may be among them).

    `created` is when the record was made, if a source better than its folder's name says so; `branch` holds the
    changes of the branch being judged.
    """
    started = time.perf_counter()
    record, identity, results = examined.record, examined.identity, examined.results
    if ruleset not in RULESETS:
        raise UsageError(f"no ruleset is called {ruleset!r}; there are {', '.join(RULESETS)}")
    if not (record.submission or record.logs or record.sources or record.artifacts or record.problems):
        return nothing_to_check(
            record.path, ruleset, "nothing to check here: no submission.json, no log, no script", rules
        )
    if record.is_cut:  # reported whatever was selected: the parts that were not read may contain an error
        rules = [rule for rule in RULES if rule in rules or rule.name == CUT_RULE]
    context = _context(examined, ruleset, branch)
    findings, passed, skipped = _apply(record, context, rules)
    submission = record.submission
    verdict = Verdict(
        path=str(record.path),
        name=submission.name if submission else None,
        author=submission.author if submission else None,
        date=submission.date if submission and submission.date else _text(identity.folder_day),
        track=None if context.trainer else context.track.name,
        ruleset=ruleset,
        findings=_waived(submission, findings),
        passed=passed,
        skipped=skipped,
        score=score_of(record, examined.selection),
        size=size_of(results, context.track),
        time=time_of(results, context.track),
        token_bytes=token_bytes_of(results),
        to_beat=None,
        ledger=ledger_of(record, results),
        seconds=0.0,
    )
    entry = examined.entry(created)
    best = best_before(entry, entries, RULESETS[ruleset]) if entry and entry.track.ranked else None
    if entry and best:
        verdict = compared(verdict, submission, entry, best)
    return replace(verdict, seconds=time.perf_counter() - started)


def compared(verdict: Verdict, submission: Submission | None, ours: Entry, best: Entry) -> Verdict:
    """Return the verdict on a record of a ranked track, with its comparison with the record to beat replaced.

    The record, whose entry is `ours`, is not read again: the rules that depend on another one use only its scores.
    """
    applied = {*verdict.passed, *(skip.rule for skip in verdict.skipped), *(f.rule for f in verdict.findings)}
    rules = [rule for rule in RULES if rule.name in applied and rule.family in _COMPARING]
    names = {rule.name for rule in rules}
    unaffected = [finding for finding in verdict.findings if finding.rule not in names]
    context = Context(
        ruleset=RULESETS[verdict.ruleset],
        identity=Identity(ours.path, ours.name, ours.track, None, None, None, ours.created),
        to_beat=compare(ours, best),
        ours=ours,
        best=best,
        trainer=False,
        today=today(),
        rule_names=frozenset(_ORDER),
    )
    record = Record(ours.path, (), submission, (), (), (), None, ())
    findings, passed, skipped = _apply(record, context, rules, unaffected)
    passed = (*(name for name in verdict.passed if name not in names), *passed)
    skipped = (*(skip for skip in verdict.skipped if skip.rule not in names), *skipped)
    return replace(
        verdict,
        findings=_waived(submission, findings),
        passed=tuple(sorted(passed, key=lambda name: _ORDER[name])),
        skipped=tuple(sorted(skipped, key=lambda skip: _ORDER[skip.rule])),
        to_beat=context.to_beat,
    )


def _context(examined: Examined, ruleset: str, branch: Branch | None = None) -> Context:
    return Context(
        ruleset=RULESETS[ruleset],
        identity=examined.identity,
        results=examined.results,
        no_results=examined.selection.reason,
        runs=examined.runs,
        trainer=is_trainer(examined),
        today=today(),
        branch=branch,
        rule_names=frozenset(rule.name for rule in RULES),
    )


def nothing_to_check(path: Path, ruleset: str, why: str, rules: Sequence[Rule] = RULES) -> Verdict:
    """Return the verdict on a folder in which no rule could check anything."""
    skipped = tuple(Skipped(rule.name, why) for rule in rules)
    nothing = dict.fromkeys(("name", "author", "date", "track", "score", "size", "time", "token_bytes", "to_beat"))
    return Verdict(
        str(path), ruleset=ruleset, findings=(), passed=(), skipped=skipped, ledger=(), seconds=0.0, **nothing
    )


def refuted(verdict: Verdict) -> tuple[str, ...]:
    """Return the rules that prove a record's score, size or time wrong, so that it cannot be compared.

    A missing file may be an error too, but proves none of these wrong.
    """
    return _proven(verdict.findings)


def proven_wrong(examined: Examined, rules: Sequence[Rule], ruleset: str) -> tuple[str, ...]:
    """Return what `refuted` would return for the verdict, running only the rules that can prove a number wrong.

    They use the claim and the logs, but no source, README or other record, which need not have been read.
    """
    proving = [rule for rule in rules if rule.severity is Severity.ERROR and rule.family in _COMPARED]
    findings, _, _ = _apply(examined.record, _context(examined, ruleset), proving)
    return _proven(findings)


def is_trainer(examined: Examined) -> bool:
    """Whether a folder holds a trainer and claims nothing: a script, but no submission, no log, no dated name."""
    record = examined.record
    return (
        record.submission is None and not record.logs and bool(record.sources) and examined.identity.folder_day is None
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _apply(
    record: Record, context: Context, rules: Sequence[Rule], before: Iterable[Finding] = ()
) -> tuple[list[Finding], tuple[str, ...], tuple[Skipped, ...]]:
    """Run the rules, and add their findings to those `before`.

    Those about waivers run last because they depend on the other rules' findings.
    """
    findings = list(before)
    passed: list[str] = []
    skipped: list[Skipped] = []
    for rule in sorted(rules, key=lambda rule: rule.family == WAIVER_FAMILY):
        problems: list[Problem] = []
        reason = "a trainer's folder, not a record" if context.trainer and not rule.trainer else None
        load_problems = tuple(loaded.problem for loaded in record.problems if loaded.rule == rule.name)
        try:
            if reason is None:
                rules_so_far = frozenset(finding.rule for finding in findings)
                rule_context = replace(
                    context, load_problems=load_problems, triggered=rules_so_far, proven=frozenset(_proven(findings))
                )
                problems.extend(_capped(rule, rule.check(record, rule_context)))
        except Skip as skip:
            reason = str(skip)
        findings += [_finding(rule, problem) for problem in problems]
        if not problems:
            if reason is None:
                passed.append(rule.name)
            else:
                skipped.append(Skipped(rule.name, reason))
    return findings, tuple(passed), tuple(skipped)


def _capped(rule: Rule, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the first findings of a rule, then one that counts the rest, to limit memory."""
    more: list[Severity] = []
    for number, problem in enumerate(problems):
        if number < MAX_FINDINGS:
            message = problem.message
            shown = message if len(message) <= MAX_MESSAGE_CHARS else f"{message[:MAX_MESSAGE_CHARS]}…"
            yield problem if shown is message else replace(problem, message=shown)
        else:
            more.append(rule.severity if problem.severity is None else problem.severity)
    if more:
        yield Problem(f"and {len(more):,} more findings of this rule", severity=max(more))


def _finding(rule: Rule, problem: Problem) -> Finding:
    severity = rule.severity if problem.severity is None else problem.severity
    return Finding(rule.name, severity, problem.message, problem.path, problem.line, rule.hint)


def _proven(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the rules that prove a record's score, size or time wrong, in the order of RULES."""
    errors = {finding.rule for finding in findings if finding.severity is Severity.ERROR}
    return tuple(rule.name for rule in RULES if rule.name in errors and rule.family in _COMPARED)


def _waived(submission: Submission | None, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Add the submission's reasons to the findings that it waives, and sort them by severity, then as RULES.

    A submission cannot waive findings that prove its score, size or time wrong: only the maintainers can.
    """
    proven = _proven(findings)
    reasons = {name: reason for name, reason in waivers(submission).items() if name not in proven}
    marked = [
        finding if finding.rule not in reasons else replace(finding, waived=reasons[finding.rule])
        for finding in findings
    ]
    return tuple(sorted(marked, key=lambda finding: (-finding.severity, _ORDER[finding.rule])))
