"""A record that is examined once: its identity, the results in its logs, and its entry in a replay."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from golfcheck.core import stats, units
from golfcheck.core.ruleset import TOKENIZERS, Track
from golfcheck.submission.identity import Identity, identity_of
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, distinct_runs
from golfcheck.submission.selection import Selection, own_runs, select
from golfcheck.trainlog.events import LoggedRun, TrainLog


@dataclass(frozen=True, slots=True)
class Entry:
    """What the replay needs from a record: when it was made, its track, and its score for each seed."""

    path: Path
    name: str
    created: datetime
    track: Track
    bpb: tuple[float, ...]
    nats: tuple[float, ...]
    refused: str = ""  # why it cannot be the record, whatever its gain
    overruled: bool = False  # the maintainers require no significant gain

    @property
    def mean_bpb(self) -> float:
        """The mean score."""
        return stats.mean(self.bpb)

    @property
    def bytes_per_token(self) -> float:
        """Of its tokenizer, as its scores imply."""
        return units.bytes_per_token(stats.mean(self.nats), self.mean_bpb)


@dataclass(frozen=True, slots=True)
class Examined:
    """A record with the values that rules, boards and comparisons share."""

    record: Record
    identity: Identity
    selection: Selection

    @property
    def results(self) -> tuple[Result, ...]:
        """The runs that count, each with the score that counts."""
        return self.selection.results

    @property
    def bpb(self) -> tuple[float, ...]:
        """The score of each run that counts, in bits per byte."""
        return tuple(result.score.val_bpb for result in self.results)

    @property
    def nats(self) -> tuple[float, ...]:
        """The loss of each run that counts, in nats per token of its own tokenizer.

        A log that only states bits per byte says nothing about its tokenizer, which is then assumed to be the
        contest's.
        """
        ratio_of_any = next((ratio for result in self.results if (ratio := result.bytes_per_token)), None)
        per_bpb = units.nats_per_bpb(ratio_of_any or TOKENIZERS[0].bytes_per_token)
        return tuple(per_bpb * result.score.val_bpb if result.nats is None else result.nats for result in self.results)

    @property
    def runs(self) -> list[tuple[TrainLog, LoggedRun]]:
        """The runs that are judged: those of the results or, without results, those of the logs in the folder.

        A baseline or an ablation next to them proves nothing about the claim.
        """
        if self.results:
            return [(result.log, result.run) for result in self.results]
        return own_runs(distinct_runs(self.record), lambda pair: pair[0].path)

    def entry(self, created: datetime | None = None) -> Entry | None:
        """Return its entry in the replay, dated `created` if that is given; None without a date or a score."""
        created = created or self.identity.created
        if created is None or not self.results:
            return None
        return Entry(self.identity.path, self.identity.name, created, self.identity.track, self.bpb, self.nats)


def examine(record: Record) -> Examined:
    """Return the record with its identity and its results, each determined once."""
    return Examined(record, identity_of(record.path, record.submission, record.readme), select(record))


def results(record: Record) -> tuple[Result, ...]:
    """Return each run that the record's claim is about, with the score that counts."""
    return select(record).results
