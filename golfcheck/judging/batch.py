"""Many records at once: which ones, judged by several processes, each against the others of its tree."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from golfcheck.comparison.frontier import Turn, best_before, replay, rescored
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.core.ruleset import RULESETS
from golfcheck.core.suggest import suggestion
from golfcheck.core.verdict import Verdict
from golfcheck.judging import branches, decisions
from golfcheck.judging.cache import Cache, stamp_of
from golfcheck.judging.config import Settings
from golfcheck.judging.decisions import Rulings
from golfcheck.judging.judged import How, Judged, Task, claim, key_of
from golfcheck.judging.processes import Processes
from golfcheck.judging.verify import chosen_rules, refuted
from golfcheck.submission.discover import record_folders, tree_of
from golfcheck.submission.examined import Entry
from golfcheck.submission.history import Branch, repository_of
from golfcheck.submission.identity import parse_date

Progress = Callable[[int, int], None]  # how many records are read, of how many
_CHUNK = 250  # records reported at a time; more than fit on a screen
_GAIN_RULE = "gain-not-significant"


@dataclass(frozen=True, slots=True)
class Placed:
    """A judged record and its position among the others of its tree."""

    judged: Judged
    made: datetime | None  # as the replay dates it
    entry: Entry | None  # None: it takes no part for want of a score or a day
    turn: Turn | None  # None: it takes no part at all, or its track is not ranked
    rulings: Rulings
    refused: str  # why it takes no part whatever its score; "" where nothing says so


def judge_all(
    paths: Sequence[Path],
    settings: Settings,
    *,
    as_of: str | None = None,
    progress: Progress = lambda done, of: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Verdict]:
    """Judge every record that `paths` lead to, or of these the ones that a branch changes; in the order of the paths.

    `say` gets one line for each thing that could not be used.
    Raises UsageError for an invalid path, rule, day or revision, and when there is nothing to judge.
    """
    day = day_of(as_of)
    branch = branches.branch_of(paths, settings.base) if settings.base else None
    folders = record_folders(paths) if branch is None else branches.changed_records(paths, branch)
    if not folders:
        say(f"--base {settings.base}: this branch adds and changes no record: none is judged")
        return []
    placed = judge_trees(folders, settings, branch=branch, day=day, progress=progress, say=say)
    verdicts = [placed_record.judged.verdict for placed_record in placed]
    if branch is None:
        return verdicts
    return [
        branches.in_changed_files(verdict, folder, branch) for verdict, folder in zip(verdicts, folders, strict=True)
    ]


def judge_trees(
    folders: Sequence[Path],
    settings: Settings,
    *,
    branch: Branch | None = None,
    day: datetime | None = None,
    until: date | None = None,
    progress: Progress = lambda done, of: None,
    claims: Callable[[Sequence[Judged]], None] | None = None,
    early: Callable[[Sequence[Judged]], None] = lambda judged: None,
    idle: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Placed]:
    """Judge `folders`, each against the record to beat when it was made; the rest of their trees is read as well.

    With `day` they are judged as if made then. With `until` only what was made up to that day takes part, and only the
    rulings made up to it hold. `early` is given records as they are read, some of them not yet compared with any;
    `claims`, before that, what the first of those that must be judged claim. `idle` is called while processes work.
    """
    chosen_rules(settings.select, settings.ignore)  # reports an invalid name before anything is read
    paths = [folder.resolve() for folder in folders]
    targets = dict(zip(paths, folders, strict=True))
    trees = {tree for path in targets if (tree := tree_of(path))}
    named = {folder.resolve(): folder for folder in _records_in(trees)} | targets
    how = How(settings.ruleset, settings.select, settings.ignore)
    with Processes(settings.jobs, cached=settings.cache, idle=idle) as processes:
        shown = {str(folder) for folder in folders}

        def report_claims(missing: Sequence[Path]) -> None:
            if claims is not None:
                claims(_claims([folder for folder in missing if str(folder) in shown][:_CHUNK], how.ruleset))

        def report_judged(chunk: Sequence[Judged]) -> None:
            early([one for one in chunk if one.verdict.path in shown])

        judged = _examined(named, how, processes, progress=progress, unjudged=report_claims, early=report_judged)
        commit_times = _commit_times(trees, say) if len(named) > 1 else {}
        rulings = _rulings(trees, named, until, say)
        entries, refused = {}, {}
        for path, one_judged in judged.items():
            ruled = rulings.get(path, Rulings())
            refused[path] = _refused(one_judged.verdict, ruled)
            entry = one_judged.entry(path, commit_times.get(path))
            if entry is not None and (until is None or entry.made.date() <= until):
                entries[path] = _ruled(entry, refused[path], ruled)
        turns = {turn.entry.path: turn for turn in replay(entries.values(), RULESETS[settings.ruleset])}
        tasks = {}
        for path, folder in targets.items():
            rival, when = _rival(path, entries, turns, day, settings.ruleset), day or commit_times.get(path)
            if branch is not None or judged[path].rival != key_of(rival):
                tasks[path] = Task(folder, rival, when)
        done = processes.judge(list(tasks.values()), replace(how, branch=branch))
        judged |= dict(zip(tasks, (one for chunk in done for one in chunk), strict=True))
    placed = []
    for path in paths:
        when = commit_times.get(path) or judged[path].made
        dated = replace(judged[path], verdict=_dated(judged[path].verdict, day or when))
        ruled = rulings.get(path, Rulings())
        placed.append(Placed(dated, when, entries.get(path), turns.get(path), ruled, refused[path]))
    return placed


def _dated(verdict: Verdict, when: datetime | None) -> Verdict:
    """Say of which day the record to beat is, where that is not the record's own date."""
    if verdict.to_beat is None or when is None or (on := when.date().isoformat()) == (verdict.date or "")[:10]:
        return verdict
    return replace(verdict, to_beat=replace(verdict.to_beat, on=on))


def _records_in(trees: Iterable[Path]) -> list[Path]:
    """Return all records of trees: the records to beat are among them."""
    return record_folders(sorted(trees))


def _examined(
    named: Mapping[Path, Path],
    how: How,
    processes: Processes,
    *,
    progress: Progress,
    unjudged: Callable[[Sequence[Path]], None],
    early: Callable[[Sequence[Judged]], None],
) -> dict[Path, Judged]:
    """Judge every record alone, or take its cached judgment, which may be one against another record."""
    judgments: dict[Path, Judged] = {}
    if processes.cached:
        with Cache(processes.store) as cache:
            unreported: list[Judged] = []
            for path, folder in named.items():
                judged = cache.made(Judged, how.making, path, stamp_of(path))
                if judged is not None:
                    judgments[path] = replace(judged, verdict=replace(judged.verdict, path=str(folder)))
                    unreported.append(judgments[path])
                if len(unreported) == _CHUNK:
                    early(unreported)
                    progress(len(judgments), len(named))
                    unreported = []
        if unreported:
            early(unreported)
            progress(len(judgments), len(named))
    missing = [path for path in named if path not in judgments]
    unjudged([named[path] for path in missing])
    num_done = 0
    for chunk in processes.judge([Task(named[path]) for path in missing], how):
        judgments |= dict(zip(missing[num_done : num_done + len(chunk)], chunk, strict=True))
        num_done += len(chunk)
        early(chunk)
        progress(len(judgments), len(named))
    return judgments


def _claims(folders: Sequence[Path], ruleset: str) -> list[Judged]:
    """Return what records claim; a folder that is gone claims nothing."""
    claims = []
    for folder in folders:
        with suppress(UsageError):
            if claimed := claim(folder, ruleset):
                claims.append(claimed)
    return claims


def _refused(verdict: Verdict, rulings: Rulings) -> str:
    """Say why a record takes no part: it was ruled so, or its numbers are proven wrong; "" where it may."""
    if rulings.excluded and rulings.standing:
        return rulings.standing.text
    wrong = [rule for rule in refuted(verdict) if rule not in rulings.waived]
    return f"its numbers are proven wrong: {', '.join(wrong)}" if wrong and not rulings.included else ""


def _ruled(entry: Entry, refused: str, rulings: Rulings) -> Entry:
    """Return the entry as it takes part: with the score that counts, and refused or overruled as is ruled."""
    overruled = rulings.included or _GAIN_RULE in rulings.waived
    if rulings.rescored and rulings.rescored.val_bpb:
        entry = rescored(entry, rulings.rescored.val_bpb)
    return replace(entry, refused=refused, overruled=overruled)


def _rival(
    path: Path, entries: Mapping[Path, Entry], turns: Mapping[Path, Turn], day: datetime | None, ruleset: str
) -> Entry | None:
    """Return the record to beat: on `day`, or when the record was made."""
    entry = entries.get(path)
    if entry is None or path not in turns:
        return None
    if day is None:
        return turns[path].best
    return best_before(replace(entry, made=day), entries.values(), RULESETS[ruleset])


def _rulings(
    trees: Iterable[Path], named: Mapping[Path, Path], until: date | None, say: Callable[[str], None]
) -> dict[Path, Rulings]:
    """Return what the maintainers ruled on each record, and say which rulings are about none."""
    rulings_by_record: dict[Path, Rulings] = {}
    rule_names = {rule.name for rule in chosen_rules((), ())}
    for unread in sorted({path.parent / decisions.NAME for path in named if path.parent not in trees}):
        if unread.exists():
            say(f"{unread}: not read: rulings stand above the tracks, or in a folder named records")
    for tree in sorted(trees):
        ruled = decisions.by_record(tree, decisions.read(tree), until)
        for path, rulings in ruled.items():
            if path not in named:
                say(f"{tree / decisions.NAME}: there is no record {rulings.all[0].record}: nothing is ruled on it")
            for rule in {rule for ruling in rulings.all for rule in ruling.rules} - rule_names:
                say(
                    f"{tree / decisions.NAME}: no rule is called {rule}{suggestion(rule, rule_names)}: "
                    "nothing is waived"
                )
            for other in (ruling.superseded_by for ruling in rulings.all if ruling.superseded_by):
                if tree.resolve() / other not in named:
                    say(f"{tree / decisions.NAME}: there is no record {other} that could supersede another")
        rulings_by_record |= ruled
    return rulings_by_record


def _commit_times(trees: Iterable[Path], say: Callable[[str], None]) -> dict[Path, datetime]:
    """Return when records were committed, for those whose trees are in the user's own repository.

    A commit that adds several records is an import, so it dates none of them.
    """
    times: dict[Path, datetime] = {}
    for tree in trees:
        if repository := repository_of(tree):
            try:
                added = repository.added(tree)
            except GolfcheckError as error:
                say(f"records are dated by their folders' names, not by commits: {error}")
                continue
            records = [folder.resolve() for folder in record_folders([tree])]
            several = Counter(added[record].commit for record in records if record in added)
            times |= {
                record: added[record].time
                for record in records
                if record in added and several[added[record].commit] == 1
            }
    return times


def day_of(text: str | None) -> datetime | None:
    """Return the day given by --as-of. Raises UsageError if it is not a day."""
    day = parse_date(text)
    if text is not None and day is None:
        raise UsageError(f"--as-of {text!r}: expected a day as YYYY-MM-DD")
    return day
