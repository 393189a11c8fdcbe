"""From a repository to the queue of its pull requests."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from golfcheck.comparison.frontier import replay
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.core.progress import Progress
from golfcheck.core.ruleset import DEFAULT_RULESET, RULESETS
from golfcheck.core.text import shell_word
from golfcheck.judging.decisions import Rulings
from golfcheck.judging.field import as_ruled, why_refused
from golfcheck.queue import gitfolder, graph
from golfcheck.queue.changes import Reader
from golfcheck.queue.content import Content, FolderTask, at_number
from golfcheck.queue.heads import BaseRecord, Heads, numbered, scan
from golfcheck.queue.lineage import Member, lineages
from golfcheck.queue.objects import Objects
from golfcheck.queue.overlap import overlaps
from golfcheck.queue.pool import Pool, PoolSettings
from golfcheck.queue.pulls import JudgedFolder, Pull, Queue
from golfcheck.queue.reasons import order_of, pull_of
from golfcheck.queue.rulings import read_rulings
from golfcheck.queue.store import Store
from golfcheck.submission.examined import Entry

DEFAULT_REFS = "refs/pull/*/head"
_MAX_HEADS = 50_000
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class QueueRequest:
    """The request for a queue: which pull requests, and how they are judged."""

    repository: Path
    refs: str = DEFAULT_REFS
    base: str = "main"
    since: int = 0
    only: str = ""  # "12,15-40"; "" for all
    ruleset: str = DEFAULT_RULESET
    jobs: int = 0
    store: Path | None = None  # where verdicts are cached; None: nowhere


def build_queue(
    request: QueueRequest,
    *,
    progress: Progress = lambda what, done, of: None,
    idle: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda line: None,
) -> Queue:
    """Judge the requested pull requests; nothing is checked out, executed or fetched.

    Raises UsageError for an invalid repository, ref or number, and GolfcheckError if git fails. Verdicts reached before
    an interruption are cached.
    """
    wanted = wanted_numbers(request.only)
    folder = gitfolder.find(request.repository)
    refs = numbered(folder.refs((request.refs,)))
    if not refs:
        raise UsageError(f"{folder.name}: no ref matches {request.refs!r}; fetch the heads: {_fetching(folder.name)}")
    if len(refs) > _MAX_HEADS:
        raise UsageError(f"{folder.name}: {len(refs):,} heads, more than {_MAX_HEADS:,}")
    base = folder.resolve(request.base)
    with ExitStack() as stack:
        objects = stack.enter_context(Objects(folder.objects, len(base)))
        store = stack.enter_context(Store(request.store, request.ruleset))
        commits = graph.read(objects, base, refs.values())
        if base not in commits.commits:
            raise GolfcheckError(f"{folder.name}: {request.base} names a commit that is not there")
        reader = Reader(objects)
        heads = scan(reader, commits, refs, lambda done, of: progress("comparing heads", done, of))
        rulings = read_rulings(objects, reader, commits.commits[base].tree, request.base, heads)
        for number, why in heads.unread.items():
            say(f"#{number}: {why}: left out")
        chosen = {number for number in refs if number >= request.since and (not wanted or number in wanted)}
        if not chosen & refs.keys():
            raise UsageError(f"{folder.name}: none of its {len(refs)} heads has one of the requested numbers")
        pool = stack.enter_context(
            Pool(PoolSettings(folder.objects, len(base), request.ruleset, objects.home), request.jobs, idle)
        )
        judging = _Judging(pool, store, progress)
        return _judged(request, heads, chosen, judging, rulings)


def wanted_numbers(text: str) -> frozenset[int]:
    """Read `12,15-40`; nothing for "". Raises UsageError."""
    numbers: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _RANGE.fullmatch(part)
        if match is None or (match[2] and not int(match[1]) <= int(match[2]) <= int(match[1]) + 10**6):
            raise UsageError(f"--only {text!r}: expected numbers and ranges, as in 12,15-40")
        numbers.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(numbers)


def _judged(
    request: QueueRequest, heads: Heads, chosen: set[int], judging: "_Judging", rulings: Mapping[str, Rulings]
) -> Queue:
    alone = [FolderTask(record.path, record.tree, record.number) for record in heads.records]
    judged_alone = judging.all(alone, "judging the base's records")
    base_records = ((record, judged_alone[task]) for record, task in zip(heads.records, alone, strict=True))
    frontier = Frontier(base_records, request.ruleset, rulings)
    tasks = {
        (head.number, own.path): FolderTask(own.path, own.tree, head.number, frontier.before(head.number))
        for head in heads.heads
        for own in head.own
    }
    first: dict[tuple[str, str], FolderTask] = {}  # a folder that two of them have is judged for the first one
    tasks = {key: first.setdefault((task.path, task.tree), task) for key, task in tasks.items()}
    needed = list(dict.fromkeys(task for (number, _), task in tasks.items() if number in chosen))
    contents = judging.all(needed, "judging pull requests")
    others = dict.fromkeys(task for (number, _), task in tasks.items() if number not in chosen)
    contents |= {task: content for task in others if (content := judging.store.get(task)) is not None}
    pulls = _pulls(heads, tasks, contents, chosen, rulings)
    return Queue(
        str(request.repository),
        request.base,
        request.ruleset,
        tuple(sorted(pulls, key=order_of)),
        len(heads.heads) + len(heads.unread),
        len(needed),
        judging.num_judged,
    )


def _pulls(
    heads: Heads,
    tasks: dict[tuple[int, str], FolderTask],
    contents: dict[FolderTask, Content],
    chosen: set[int],
    rulings: Mapping[str, Rulings],
) -> Iterable[Pull]:
    members = [
        Member(head.number, own.path, contents[tasks[head.number, own.path]])
        for head in heads.heads
        for own in head.own
        if tasks[head.number, own.path] in contents
    ]
    origins, shared = lineages(members), overlaps(members)
    for head in heads.heads:
        if head.number in chosen:
            yield pull_of(
                head,
                [
                    JudgedFolder(
                        own,
                        contents[tasks[key]],
                        origins.get(key),
                        shared.get(key, ()),
                        rulings.get(own.path, Rulings()),
                    )
                    for own in head.own
                    for key in [(head.number, own.path)]
                ],
            )


class _Judging:
    """Takes cached results, judges the rest, and caches those."""

    def __init__(self, pool: Pool, store: Store, progress: Progress) -> None:
        self.pool, self.store, self.progress = pool, store, progress
        self.num_judged = 0

    def all(self, tasks: Sequence[FolderTask], what: str) -> dict[FolderTask, Content]:
        """Return the result of each task."""
        contents = {task: content for task in tasks if (content := self.store.get(task)) is not None}
        missing = [task for task in tasks if task not in contents]
        for index, content in self.pool.judge(missing):
            self.store.put(missing[index], content)
            contents[missing[index]] = content
            self.num_judged += 1
            self.progress(what, len(contents), len(tasks))
        return contents


class Frontier:
    """The record to beat at each number: a replay of the base's records in the order of their pull requests."""

    def __init__(
        self, records: Iterable[tuple[BaseRecord, Content]], ruleset: str, rulings: Mapping[str, Rulings]
    ) -> None:
        entries = []
        for record, content in records:
            judged = content.judged
            entry = judged.standing.entry(Path(record.path), at_number(record.number)) if judged else None
            if judged and entry:
                ruled = rulings.get(record.path, Rulings())
                entries.append(as_ruled(entry, why_refused(judged.standing, ruled), ruled))
        self.holders: list[Entry] = [turn.entry for turn in replay(entries, RULESETS[ruleset]) if turn.held]

    def before(self, number: int) -> Entry | None:
        """Return the record to beat at this number."""
        earlier = [entry for entry in self.holders if entry.created < at_number(number)]
        return earlier[-1] if earlier else None


def _fetching(name: str) -> str:
    return f"git -C {shell_word(name)} fetch origin '+refs/pull/*/head:refs/pull/*/head'"
