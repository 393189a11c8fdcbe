"""Many records at once: which ones, judged by several processes, each against the others of its tree."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from golfcheck.comparison.frontier import Turn
from golfcheck.core.errors import UsageError
from golfcheck.core.progress import Progress
from golfcheck.core.verdict import Verdict
from golfcheck.judging import branches
from golfcheck.judging.cache import stamp_of
from golfcheck.judging.config import JudgingSettings
from golfcheck.judging.decisions import Rulings
from golfcheck.judging.field import field_of
from golfcheck.judging.judged import How, Judged, claim
from golfcheck.judging.packing import with_packing
from golfcheck.judging.processes import Processes
from golfcheck.judging.standing import Standing
from golfcheck.judging.verify import chosen_rules
from golfcheck.submission.discover import record_folders, tree_of
from golfcheck.submission.examined import Entry
from golfcheck.submission.history import Branch
from golfcheck.submission.identity import parse_date

_CHUNK = 250  # records reported at a time; more than fit on a screen
_READING, _JUDGING = "reading records", "judging records"  # stages


@dataclass(frozen=True, slots=True)
class Placed:
    """A judged record and its position among the others of its tree."""

    judged: Judged
    created: datetime | None  # as the replay dates it
    entry: Entry | None  # None: no part in the replay, without a score or a day
    turn: Turn | None  # None: no part in the replay, or a track that is not ranked
    rulings: Rulings
    refused: str  # why it takes no part, whatever its score; "" if it may


def judge_all(
    paths: Sequence[Path],
    settings: JudgingSettings,
    *,
    as_of: str | None = None,
    progress: Progress = lambda stage, done, of: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Verdict]:
    """Judge every record that `paths` lead to, or only those that a branch changes, in the order of the paths.

    `say` gets one line for each thing that could not be used.
    Raises UsageError for an invalid path, rule, day or revision, and if there is nothing to judge.
    """
    day = day_of(as_of)
    branch = branches.branch_of(paths, settings.base) if settings.base else None
    folders = record_folders(paths) if branch is None else branches.changed_records(paths, branch)
    if not folders:
        say(f"--base {settings.base}: this branch adds or changes no record, so none is judged")
        return []
    packing = len(folders) == 1
    placed = judge_trees(folders, settings, branch=branch, day=day, packing=packing, progress=progress, say=say)
    judged = [placed_record.judged for placed_record in placed]
    verdicts = [with_packing(one.verdict, one.packing or "") if packing else one.verdict for one in judged]
    if branch is None:
        return verdicts
    return [
        branches.in_changed_files(verdict, folder, branch) for verdict, folder in zip(verdicts, folders, strict=True)
    ]


def judge_trees(
    folders: Sequence[Path],
    settings: JudgingSettings,
    *,
    branch: Branch | None = None,
    day: datetime | None = None,
    until: date | None = None,
    packing: bool = False,
    progress: Progress = lambda stage, done, of: None,
    claims: Callable[[Sequence[Judged]], None] | None = None,
    early: Callable[[Sequence[Judged]], None] = lambda judged: None,
    idle: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Placed]:
    """Judge `folders`, each once, against the record to beat when it was made.

    Each record is read once. The other records in their trees are not judged; only what the replay needs is read of
    them. With `day`, the folders are judged as if made then. With `until`, only records and rulings up to that day
    count. With `packing`, the size to which their code packs is computed, too. `claims` gets the claims of the first
    records that are not cached, before they are judged; `early` gets records as they are judged, before they are
    compared with another. `idle` is called while processes work.
    """
    chosen_rules(settings.select, settings.ignore)  # reports an invalid name before anything is read
    paths = [folder.resolve() for folder in folders]
    targets = dict(zip(paths, folders, strict=True))
    trees = {tree for path in targets if (tree := tree_of(path))}
    named = {folder.resolve(): folder for folder in _records_in(trees)} | targets
    how = How(settings.ruleset, settings.select, settings.ignore)
    with Processes(settings.jobs, cached=settings.cache, idle=idle) as processes:

        def report_cached(chunk: Sequence[tuple[Path, Judged]]) -> None:
            early([one for path, one in chunk if path in targets])

        judged = _cached(named, how, processes, progress, report_cached)
        unread = {
            path: folder
            for path, folder in targets.items()
            if branch is not None or path not in judged or (packing and judged[path].packing is None)
        }
        if claims is not None:
            claims(_claims(list(unread.values())[:_CHUNK], how.ruleset))
        judged |= _judgments(unread, replace(how, branch=branch, packing=packing), processes, progress, early)
        standings = _standings(named, judged, how, processes, progress)
    field = field_of(standings, trees, settings.ruleset, until, say)
    placed = []
    for path in paths:
        when = field.commit_times.get(path) or judged[path].created
        one = judged[path].against(field.rival(path, day), path, day or field.commit_times.get(path))
        dated = replace(one, verdict=_dated(one.verdict, day or when))
        turn, rulings = field.turns.get(path), field.rulings.get(path, Rulings())
        placed.append(Placed(dated, when, field.entries.get(path), turn, rulings, field.refused[path]))
    return placed


def _dated(verdict: Verdict, when: datetime | None) -> Verdict:
    """Add the day of the record to beat, if that is not the record's own date."""
    if verdict.to_beat is None or when is None or (on := when.date().isoformat()) == (verdict.date or "")[:10]:
        return verdict
    return replace(verdict, to_beat=replace(verdict.to_beat, on=on))


def _records_in(trees: Iterable[Path]) -> list[Path]:
    """Return all records in the trees, which include the records to beat."""
    return record_folders(sorted(trees))


def _cached(
    named: Mapping[Path, Path],
    how: How,
    processes: Processes,
    progress: Progress,
    early: Callable[[Sequence[tuple[Path, Judged]]], None],
) -> dict[Path, Judged]:
    """Return the cached judgments."""
    judgments: dict[Path, Judged] = {}
    unreported: list[tuple[Path, Judged]] = []

    def report() -> None:
        nonlocal unreported
        if unreported:
            early(unreported)
            progress(_READING, len(judgments), len(named))
        unreported = []

    if cache := processes.cache():
        for path, folder in named.items():
            judged = cache.derived(Judged, how.derivation, path, stamp_of(path))
            if judged is not None:
                judgments[path] = replace(judged, verdict=replace(judged.verdict, path=str(folder)))
                unreported.append((path, judgments[path]))
            if len(unreported) == _CHUNK:
                report()
    report()
    return judgments


def _standings(
    named: Mapping[Path, Path], judged: Mapping[Path, Judged], how: How, processes: Processes, progress: Progress
) -> dict[Path, Standing]:
    """Return the standings of all records; those without a judgment are read from logs and claims."""
    standings = {path: one.standing for path, one in judged.items()}
    missing = [path for path in named if path not in judged]
    num_read = 0
    for chunk in processes.read([named[path] for path in missing], how):
        standings |= dict(zip(missing[num_read : num_read + len(chunk)], chunk, strict=True))
        num_read += len(chunk)
        progress(_READING, len(standings), len(named))
    return {path: standings[path] for path in named}


def _judgments(
    folders: Mapping[Path, Path],
    how: How,
    processes: Processes,
    progress: Progress,
    early: Callable[[Sequence[Judged]], None],
) -> dict[Path, Judged]:
    """Judge records, given by their resolved paths, and report them as they are judged."""
    judgments: list[Judged] = []
    for chunk in processes.judge(list(folders.values()), how):
        judgments += chunk
        early(chunk)
        progress(_JUDGING, len(judgments), len(folders))
    return dict(zip(folders, judgments, strict=True))


def _claims(folders: Sequence[Path], ruleset: str) -> list[Judged]:
    """Return the records' claims; a folder that is gone has none."""
    claims = []
    for folder in folders:
        with suppress(UsageError):
            if claimed := claim(folder, ruleset):
                claims.append(claimed)
    return claims


def day_of(text: str | None) -> datetime | None:
    """Return the day given by --as-of. Raises UsageError if it is not a day."""
    day = parse_date(text)
    if text is not None and day is None:
        raise UsageError(f"--as-of {text!r}: expected a day as YYYY-MM-DD")
    return day
