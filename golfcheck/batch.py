"""Many records at once: which ones, read by several processes, each judged against the others of its tree."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from golfcheck.cache import Cache
from golfcheck.config import Settings
from golfcheck.discover import record_folders, tree_of
from golfcheck.errors import GolfcheckError, UsageError
from golfcheck.frontier import entry_of, holders, parse_date
from golfcheck.history import Branch, repository_of
from golfcheck.record import Record, load
from golfcheck.ruleset import RULESETS
from golfcheck.verdict import Verdict
from golfcheck.verify import chosen_rules, judge

Progress = Callable[[int, int], None]  # how many records are read, of how many
_CHUNK = 4  # records that a process reads at a time; a second process costs more than it saves for fewer


def judge_all(
    paths: Sequence[Path],
    settings: Settings,
    *,
    as_of: str | None = None,
    progress: Progress = lambda done, of: None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Verdict]:
    """Judge every record that `paths` lead to, or of these the ones that a branch changes; in the order of the paths.

    `say` is told, a line each, what could not be used on the way.
    Raises UsageError for a path, a rule, a day or a revision that cannot be meant, and when nothing is to be judged.
    """
    rules = chosen_rules(settings.select, settings.ignore)
    day = _day(as_of)
    folders = record_folders(paths)
    branch = _branch(paths, settings.base) if settings.base else None
    if branch is not None:
        folders = [folder for folder in folders if branch.inside(folder)]
        if not folders:
            raise UsageError(f"--base {settings.base}: this branch changes no record")
    field = {folder.resolve(): folder for folder in (*_trees(folders), *folders)}
    loaded = dict(zip(field, _load_all(list(field.values()), settings, progress), strict=True))
    made = _made(folders, say) if len(field) > 1 else {}
    entries = []
    for path, (record, _) in loaded.items():
        if entry := entry_of(record):
            entries.append(replace(entry, made=made.get(path, entry.made)))
    if day is None:  # a record is never among those made before it: the holders are all that judging needs
        entries = holders(entries, RULESETS[settings.ruleset])
    verdicts = []
    for folder in folders:
        path = folder.resolve()
        record, seconds = loaded[path]
        when = day or made.get(path)
        verdict = judge(record, entries, ruleset=settings.ruleset, rules=rules, made=when, branch=branch)
        rival = verdict.to_beat
        if rival and when:
            rival = replace(rival, on=when.date().isoformat())
        verdicts.append(replace(verdict, to_beat=rival, seconds=verdict.seconds + seconds))
    if branch is None:
        return verdicts
    return [_of_branch(verdict, folder, branch) for verdict, folder in zip(verdicts, folders, strict=True)]


def _trees(folders: Iterable[Path]) -> list[Path]:
    """Return all records of the trees that `folders` belong to: the records to beat are among them."""
    trees = {tree for folder in folders if (tree := tree_of(folder))}
    return record_folders(sorted(trees))


def _load_all(folders: Sequence[Path], settings: Settings, progress: Progress) -> list[tuple[Record, float]]:
    """Read the records in their order; beside each, the seconds that it took."""
    read = partial(_load, cached=settings.cache)
    chunks = [folders[start : start + _CHUNK] for start in range(0, len(folders), _CHUNK)]
    jobs = min(settings.jobs or os.cpu_count() or 1, len(chunks))
    loaded: list[tuple[Record, float]] = []
    with ExitStack() as stack:
        each: Callable[..., Iterable[list[tuple[Record, float]]]] = map
        if jobs > 1:
            # A fork starts in 10 ms, a new interpreter in 300; but a fork must not meet a lock that a thread holds.
            context = get_context("fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn")
            each = stack.enter_context(ProcessPoolExecutor(jobs, context, _leave_interrupts)).map
        try:
            for chunk in each(read, chunks):
                loaded += chunk
                progress(len(loaded), len(folders))
        except BrokenExecutor:
            raise GolfcheckError("a process that read records was ended from outside; try --jobs 1") from None
    return loaded


def _leave_interrupts() -> None:
    """Leave Ctrl-C to the process that is in charge: each of the others would show a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _load(folders: Sequence[Path], *, cached: bool) -> list[tuple[Record, float]]:
    loaded = []
    with ExitStack() as stack:
        read = stack.enter_context(Cache()).load if cached else load
        for folder in folders:
            started = time.perf_counter()
            loaded.append((read(folder), time.perf_counter() - started))
    return loaded


def _made(folders: Iterable[Path], say: Callable[[str], None]) -> dict[Path, datetime]:
    """Return when records were committed, for those whose trees lie in a repository of ours.

    A commit that adds several records is an import, and tells the day of none of them.
    """
    found: dict[Path, datetime] = {}
    for tree in {tree for folder in folders if (tree := tree_of(folder))}:
        if repository := repository_of(tree):
            try:
                added = repository.added(tree)
            except GolfcheckError as error:
                say(f"records are dated by their folders' names, not by commits: {error}")
                continue
            records = [folder.resolve() for folder in record_folders([tree])]
            several = Counter(added[record].commit for record in records if record in added)
            found |= {
                record: added[record].time
                for record in records
                if record in added and several[added[record].commit] == 1
            }
    return found


def _branch(paths: Sequence[Path], base: str) -> Branch:
    repository = repository_of(paths[0])
    if repository is None:
        raise UsageError(f"--base {base}: {paths[0]} lies in no repository of ours")
    return repository.branch(base)


def _of_branch(verdict: Verdict, folder: Path, branch: Branch) -> Verdict:
    """Leave out findings in files that the branch does not change."""
    prefix = folder.resolve().relative_to(branch.root).as_posix()
    changed = {change.path.removeprefix(f"{prefix}/") for change in branch.inside(folder)}
    return replace(verdict, findings=tuple(f for f in verdict.findings if f.path is None or f.path in changed))


def _day(text: str | None) -> datetime | None:
    day = parse_date(text)
    if text is not None and day is None:
        raise UsageError(f"--as-of {text!r}: expected a day as YYYY-MM-DD")
    return day
