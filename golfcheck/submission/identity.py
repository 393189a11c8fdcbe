"""A record's track, date and seeds, from its folder's name, its path, submission.json and its logs' names."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from golfcheck.core.ruleset import DEFAULT_TRACK, TRACKS, Track
from golfcheck.submission.claims import Submission, track_named

# `submission.json`, `submission_final.json`, `submission.v2.json`; not a schema for such files.
SUBMISSION_FILE = re.compile(r"submission(?!\.schema\.)[^/]*\.json", re.IGNORECASE)
DATED_FOLDER = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})_.+")
_SEED_IN_NAME = re.compile(r"seed[_-]?([0-9]{1,18})", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9]+")
# A submission that says it is outside the ranking, wherever its folder is.
_NON_RECORD = re.compile(
    r"^\W{0,8}non[-_ ]record|\bnon[-_ ]record(?=[\s_/|:,.()*-]{0,4}"
    r"(?:$|wip|submission|run|research|pending|preliminary|entry|track|study|local|smoke))",
    re.IGNORECASE | re.MULTILINE,
)
_README_CHARS = 20_000
_FIRST_ZONE = timedelta(hours=14)  # ahead of UTC, where each day begins first


def today() -> date:
    """Return the latest day that has begun anywhere: no valid date in a record or a ruling can be after it."""
    return (datetime.now(UTC) + _FIRST_ZONE).date()


@dataclass(frozen=True, slots=True)
class Identity:
    """Which record a folder is: its resolved path, its name on boards, its track and its day."""

    path: Path
    name: str
    track: Track
    track_claimed: Track | None  # from submission.json; None if it names none
    track_placed: Track | None  # from the folder above
    folder_day: date | None  # from the beginning of the folder's name
    created: datetime | None  # the folder's day, or else the date in submission.json
    is_called_non_record: bool = False  # by submission.json or README.md, in words

    @property
    def is_track_certain(self) -> bool:
        """Whether folder or JSON names the track, and nothing in the submission contradicts it."""
        named = {self.track_claimed, self.track_placed} - {None}
        return named == {self.track} and not (self.track.ranked and self.is_called_non_record)


def identity_of(folder: Path, submission: Submission | None, readme: str | None = None) -> Identity:
    """Return the identity of the record in `folder`; its files may contradict its path."""
    path = folder.resolve()
    day = folder_day(path.name)
    created = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
    if created is None and submission is not None:
        created = parse_date(submission.date)
    name = submission.name if submission else None
    placed = TRACKS.get(path.parent.name.removeprefix("track_"))
    claimed = TRACKS.get(track_named(submission.raw.get("track")) or "") if submission else None
    track = placed or claimed or TRACKS[DEFAULT_TRACK]
    words = [value for value in submission.raw.values() if isinstance(value, str)] if submission else []
    words.append((readme or "")[:_README_CHARS])
    is_called_non_record = any(_NON_RECORD.search(text) for text in words)
    return Identity(path, name or path.name, track, claimed, placed, day, created, is_called_non_record)


def track_of_place(folder: Path) -> str | None:
    """Return the track that the folder above a record names: `records/track_10min_16mb/2026-03-25_Name`."""
    return track_named(folder.resolve().parent.name)


def folder_day(name: str) -> date | None:
    """Return the day that a folder's name begins with, or None."""
    match = DATED_FOLDER.fullmatch(name)
    day = parse_date(match[1]) if match else None
    return day.date() if day else None


def parse_date(text: str | None) -> datetime | None:
    """Read `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ssZ`; a day means its first moment; None for anything else.

    A time outside the years 1 to 9999 in UTC (`0001-01-01T00:00:00+23:59`) is not a date either.
    """
    try:
        parsed = datetime.fromisoformat(text) if text else None
        moment = parsed.replace(tzinfo=parsed.tzinfo or UTC) if parsed else None
        if moment:
            moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def stated_seed(path: str) -> int | None:
    """Return the seed that a file's name or folder states (`final_model_seed42.int8.ptz`), or None."""
    match = _SEED_IN_NAME.search(path)
    return int(match[1]) if match else None


def seed_in_name(path: str) -> int | None:
    """Return the seed that a log's file name gives (`train_seed42.log`, `ternary_log_7.txt`), or None."""
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if (seed := stated_seed(stem)) is not None:
        return seed
    numbers = _NUMBERS.findall(stem)
    return int(numbers[0]) if len(numbers) == 1 and len(numbers[0]) <= 18 else None
