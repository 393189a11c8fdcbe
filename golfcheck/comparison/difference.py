"""Records side by side: what their logs print, their results, and the findings that only some of them have.

The first record is what the others are compared with. Nothing of a record is executed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, DecimalException

from golfcheck.comparison.codediff import CodeDiff, code_diffs, sources
from golfcheck.comparison.frontier import compare
from golfcheck.core.verdict import Finding, Severity, ToBeat, Verdict
from golfcheck.submission.examined import Examined, examine
from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs

_SOME_DAY = datetime.min.replace(tzinfo=UTC)
_OF_A_RUN = frozenset({"seed", "run_id", "logfile"})  # they name a run, so they differ between runs


@dataclass(frozen=True, slots=True)
class SeedScore:
    """The score of one seed, and the line of the log that states it."""

    seed: int | None
    val_bpb: float
    val_loss_nats: float
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Side:
    """One of the records."""

    verdict: Verdict
    seeds: tuple[SeedScore, ...]
    gain: ToBeat | None  # over the first record; None for itself, and if either has no score
    created: datetime | None  # its day on the board; submission.json may state another
    has_code: bool  # a script, or a log with its source


@dataclass(frozen=True, slots=True)
class Printed:
    """A setting as a log prints it."""

    value: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting whose values differ; an entry of `printed` is None if that record's logs do not print it."""

    name: str
    printed: tuple[Printed | None, ...]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A rule with findings in some of the records only, and its findings in each."""

    rule: str
    severity: Severity
    findings: tuple[tuple[Finding, ...], ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """How records differ; tuples with one entry per record are in the order of `sides`."""

    sides: tuple[Side, ...]
    settings: tuple[SettingRow, ...]  # in the order of the logs' lines
    alike: int  # how many settings all logs print with the same value
    varying: tuple[str, ...]  # settings that differ between the runs of one record, or name a run: not compared
    findings: tuple[FindingRow, ...]  # the most serious first
    code: tuple[CodeDiff, ...]  # of a pair of records that both have code; else ()


def difference(
    records: Sequence[Record], verdicts: Sequence[Verdict], created: Sequence[datetime | None] | None = None
) -> Difference:
    """Compare two or more records, given their `verdicts` in the same order.

    `created` has their dates in the same order, as a board shows them; by default, the dates of the folders or the
    JSON.
    """
    examined = [examine(record) for record in records]
    days = [one.identity.created for one in examined] if created is None else created
    rows, alike, varying = _settings([_printed(record) for record in records])
    entries = [one.entry(_SOME_DAY) for one in examined]  # a test of the scores does not depend on the day
    first = entries[0]
    gains = [compare(entry, first) if entry and first else None for entry in entries]
    return Difference(
        sides=tuple(
            Side(verdict, _seeds(one), None if index == 0 else gain, day, bool(sources(one.record)))
            for index, (one, verdict, gain, day) in enumerate(zip(examined, verdicts, gains, days, strict=True))
        ),
        settings=rows,
        alike=alike,
        varying=varying,
        findings=_findings(verdicts),
        code=code_diffs(*records) if len(records) == 2 else (),
    )


def _seeds(examined: Examined) -> tuple[SeedScore, ...]:
    return tuple(
        SeedScore(result.seed, result.score.val_bpb, nats, result.log.path, result.score.line)
        for result, nats in zip(examined.results, examined.nats, strict=True)
    )


def _printed(record: Record) -> dict[str, list[Printed]]:
    """Return each setting that the record's runs print, with its different values; the first run's settings first."""
    by_name: dict[str, dict[Decimal | str, Printed]] = {}
    for log, run in distinct_runs(record):
        for name, fact in run.settings.items():
            by_name.setdefault(name, {}).setdefault(_meaning(fact.value), Printed(fact.value, log.path, fact.line))
    return {name: list(values.values()) for name, values in by_name.items()}


def _settings(printed: Sequence[dict[str, list[Printed]]]) -> tuple[tuple[SettingRow, ...], int, tuple[str, ...]]:
    rows: list[SettingRow] = []
    varying: list[str] = []
    alike = 0
    for name in dict.fromkeys(name for settings in printed for name in settings):
        values = [settings.get(name, []) for settings in printed]
        if name in _OF_A_RUN or any(len(printed) > 1 for printed in values):
            varying.append(name)
        elif len({_meaning(printed[0].value) if printed else None for printed in values}) > 1:
            rows.append(SettingRow(name, tuple(printed[0] if printed else None for printed in values)))
        else:
            alike += 1
    return tuple(rows), alike, tuple(varying)


def _meaning(value: str) -> Decimal | str:
    """Return the key for comparing values: numbers by their exact values (0.04 equals 4e-2), words ignoring case."""
    try:
        number = Decimal(value)
    except DecimalException:
        return value.strip().casefold()
    return number if number.is_finite() else value.strip().casefold()


def _findings(verdicts: Sequence[Verdict]) -> tuple[FindingRow, ...]:
    rules = dict.fromkeys(finding.rule for verdict in verdicts for finding in verdict.findings)
    rows = []
    for rule in rules:
        by_record = tuple(tuple(f for f in verdict.findings if f.rule == rule) for verdict in verdicts)
        if not all(by_record):
            severity = max(finding.severity for each in by_record for finding in each)
            rows.append(FindingRow(rule, severity, by_record))
    return tuple(sorted(rows, key=lambda row: -row.severity))
