"""The records of trees as the replay uses them: with dates from commits, rulings, and refutations."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from golfcheck.comparison.frontier import Turn, best_before, replay, rescored
from golfcheck.core.errors import GolfcheckError
from golfcheck.core.ruleset import RULESETS
from golfcheck.core.suggest import suggestion
from golfcheck.judging import decisions
from golfcheck.judging.decisions import Rulings
from golfcheck.judging.standing import Standing
from golfcheck.judging.verify import chosen_rules
from golfcheck.submission.discover import record_folders
from golfcheck.submission.examined import Entry
from golfcheck.submission.history import Added, repository_of
from golfcheck.submission.identity import folder_day, today

_GAIN_RULE = "gain-not-significant"


@dataclass(frozen=True, slots=True)
class Field:
    """All records of some trees. Paths are resolved; `entries` has only those that take part in the replay."""

    ruleset: str
    entries: Mapping[Path, Entry]
    turns: Mapping[Path, Turn]
    refused: Mapping[Path, str]  # why a record takes no part, whatever its score; "" if it may
    rulings: Mapping[Path, Rulings]
    commit_times: Mapping[Path, datetime]

    def rival(self, path: Path, day: datetime | None) -> Entry | None:
        """Return the record to beat: on `day`, or when the record was made."""
        entry = self.entries.get(path)
        if entry is None or path not in self.turns:
            return None
        if day is None:
            return self.turns[path].best
        return best_before(replace(entry, created=day), self.entries.values(), RULESETS[self.ruleset])


def field_of(
    standings: Mapping[Path, Standing],
    trees: Iterable[Path],
    ruleset: str,
    until: date | None,
    say: Callable[[str], None],
) -> Field:
    """Return the field of records, given by their resolved paths; with `until`, as it was at the end of that day.

    `say` gets one line for each thing that could not be used.
    """
    commit_times = _commit_times(trees, say) if len(standings) > 1 else {}
    rulings = _rulings(trees, standings.keys(), until, say)
    entries, refused = {}, {}
    for path, standing in standings.items():
        ruled = rulings.get(path, Rulings())
        refused[path] = why_refused(standing, ruled)
        entry = standing.entry(path, commit_times.get(path))
        if entry is not None and (until is None or entry.created.date() <= until):
            entries[path] = as_ruled(entry, refused[path], ruled)
    turns = {turn.entry.path: turn for turn in replay(entries.values(), RULESETS[ruleset])}
    return Field(ruleset, entries, turns, refused, rulings, commit_times)


def why_refused(standing: Standing, rulings: Rulings) -> str:
    """Return why a record takes no part: by a ruling, or because its numbers are proven wrong; "" if it may."""
    if rulings.excluded and rulings.standing:
        return rulings.standing.text
    wrong = [rule for rule in standing.refuted if rule not in rulings.waived]
    return f"its numbers are proven wrong: {', '.join(wrong)}" if wrong and not rulings.included else ""


def as_ruled(entry: Entry, refused: str, rulings: Rulings) -> Entry:
    """Return the entry as it takes part: with the score that counts, and with the effect of rulings."""
    overruled = rulings.included or _GAIN_RULE in rulings.waived
    if rulings.rescored and rulings.rescored.val_bpb:
        entry = rescored(entry, rulings.rescored.val_bpb)
    return replace(entry, refused=refused, overruled=overruled)


def _rulings(
    trees: Iterable[Path], records: Collection[Path], until: date | None, say: Callable[[str], None]
) -> dict[Path, Rulings]:
    """Return the maintainers' rulings on each record, and report those that are about no record."""
    rulings_by_record: dict[Path, Rulings] = {}
    rule_names = {rule.name for rule in chosen_rules((), ())}
    for unread in sorted({path.parent / decisions.NAME for path in records if path.parent not in trees}):
        if unread.exists():
            say(f"{unread}: not read: rulings belong above the tracks, or in a folder named records")
    for tree in sorted(trees):
        rulings = decisions.read(tree)
        for ruling in rulings:
            if ruling.on > today():
                where = f"{tree / decisions.NAME}: the ruling on {ruling.record}"
                say(f"{where} is dated {ruling.on}, which is in the future: it has no effect until then")
        ruled = decisions.by_record(tree, rulings, min(until or today(), today()))
        for path, of_record in ruled.items():
            if path not in records:
                say(f"{tree / decisions.NAME}: there is no record {of_record.all[0].record}: the ruling has no effect")
            for rule in {rule for ruling in of_record.all for rule in ruling.rules} - rule_names:
                say(
                    f"{tree / decisions.NAME}: no rule is called {rule}{suggestion(rule, rule_names)}: "
                    "nothing is waived"
                )
            for other in (ruling.superseded_by for ruling in of_record.all if ruling.superseded_by):
                if tree.resolve() / other not in records:
                    say(f"{tree / decisions.NAME}: there is no record {other} that could supersede another")
        rulings_by_record |= ruled
    return rulings_by_record


def _commit_times(trees: Iterable[Path], say: Callable[[str], None]) -> dict[Path, datetime]:
    """Return when records were committed, for those whose trees are in the user's own repository.

    A commit that adds several records is an import, and dates none of them.
    """
    times: dict[Path, datetime] = {}
    for tree in trees:
        if repository := repository_of(tree):
            try:
                added = repository.added(tree)
            except GolfcheckError as error:
                say(f"records are dated by their folders' names, not by commits: {error}")
                continue
            commits = {path: added[path] for folder in record_folders([tree]) if (path := folder.resolve()) in added}
            several = Counter(commit.commit for commit in commits.values())
            alone = {path: commit for path, commit in commits.items() if several[commit.commit] == 1}
            times |= {path: commit.time for path, commit in alone.items()} | _pull_times(alone)
    return times


def _pull_times(added: Mapping[Path, Added]) -> dict[Path, datetime]:
    """Return times for the records that came from pull requests, in the order of the requests' numbers.

    The time of a merge depends on the maintainers, so a record has the day in its folder's name. A submitter may write
    any day there, so it counts as no earlier than that of an earlier request, and no later than the merge of this or
    any later request, since those were opened after it.
    """
    by_number = sorted((commit.pull, path) for path, commit in added.items() if commit.pull is not None)
    merges = [added[path].time.date() for _, path in by_number]
    bounds = [*accumulate(reversed(merges), min)][::-1]
    times: dict[Path, datetime] = {}
    latest = date.min
    for (number, path), bound in zip(by_number, bounds, strict=True):
        latest = max(latest, min(folder_day(path.name) or bound, bound))
        times[path] = datetime(latest.year, latest.month, latest.day, tzinfo=UTC) + timedelta(microseconds=number)
    return times
