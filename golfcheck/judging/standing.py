"""What the replay needs from a record, read without judging it: scores, date, and errors that prove its numbers wrong.

A record is compared with one other record of its tree. Which one depends on the logs and claims of all of them, but not
on their code. Reading these takes a tenth of the time of judging.
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
    """A record's values for the replay."""

    name: str | None  # from its submission.json
    track: str | None
    created: datetime | None  # from its folder's name or its JSON
    bpb: tuple[float, ...]  # of each seed
    nats: tuple[float, ...]
    refuted: tuple[str, ...]  # the rules that prove its numbers wrong

    def entry(self, path: Path, created: datetime | None = None) -> Entry | None:
        """Return its entry in the replay, dated `created` if given; None without a date or a score."""
        created = created or self.created
        if created is None or not self.bpb or self.track is None:
            return None
        return Entry(path, self.name or path.name, created, TRACKS[self.track], self.bpb, self.nats)


NONE = Standing(None, None, None, (), (), ())  # of a folder that is gone or cannot be read


def read_standing(folder: Path, rules: Sequence[Rule], ruleset: str) -> Standing:
    """Return the same standing as judging the record by `rules` would; sources have no influence on it."""
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
