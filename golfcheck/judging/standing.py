"""What the replay needs of a record, read without judging it: scores, day, and what proves its numbers wrong.

A record is compared with one other of its tree, and which one depends on all of them: on their logs and claims, but not
on their code. Reading those takes a tenth of the time of judging.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from golfcheck.core.errors import UsageError
from golfcheck.core.ruleset import TRACKS
from golfcheck.judging.verify import proven_wrong
from golfcheck.rules import Rule
from golfcheck.submission.examined import Entry, examine
from golfcheck.submission.record import load_scores


@dataclass(frozen=True, slots=True)
class Standing:
    """A record's part in the replay."""

    name: str | None  # that it claims
    track: str | None
    created: datetime | None  # as its folder or its JSON says
    bpb: tuple[float, ...]  # of each seed
    nats: tuple[float, ...]
    refuted: tuple[str, ...]  # the rules that prove its numbers wrong

    def entry(self, path: Path, created: datetime | None = None) -> Entry | None:
        """Return its entry in the replay, made at `created` if given; None without a day or a score."""
        created = created or self.created
        if created is None or not self.bpb or self.track is None:
            return None
        return Entry(path, self.name or path.name, created, TRACKS[self.track], self.bpb, self.nats)


NONE = Standing(None, None, None, (), (), ())  # of a folder that is gone or cannot be read


def read_standing(folder: Path, rules: Sequence[Rule], ruleset: str) -> Standing:
    """Return the standing of a record as judging it by `rules` would: equal, for no source takes part in it."""
    try:
        examined = examine(load_scores(folder))
    except UsageError:
        return NONE
    identity, submission = examined.identity, examined.record.submission
    return Standing(
        submission.name if submission else None,
        identity.track.name,
        identity.created,
        examined.bpb,
        examined.nats,
        proven_wrong(examined, rules, ruleset),
    )
