"""Claimed scores in a submission's other files: tables, results and notes that are not logs."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from golfcheck.submission.claims import Submission
from golfcheck.submission.identity import SUBMISSION_FILE

_TABLE = re.compile(r"\.(?:csv|tsv|jsonl?|md)$", re.IGNORECASE)
_README = re.compile(r"readme[^/]*", re.IGNORECASE)  # only repeats the claim
_SCORE_LINE = re.compile(rb"loss[:=][^\n]{1,80}\Z")  # a log line copied into notes
_BEFORE_BYTES = 90
_MAX_TABLES = 16
_MAX_TABLE_BYTES = 2**18
_MAX_MENTIONS = 16
_MAX_CLAIMS = 16

Read = Callable[[str, int], tuple[bytes, bool] | None]


@dataclass(frozen=True, slots=True)
class Mention:
    """A number that begins like a claimed score: its location, and the number as written."""

    path: str
    line: int
    number: str


def mentions_of(submission: Submission | None, paths: Sequence[str], read: Read) -> tuple[Mention, ...]:
    """Return the numbers in tables and results that agree with a claimed score to its fourth decimal."""
    claims = [submission.val_bpb, *(claim.val_bpb for claim in submission.seeds[:_MAX_CLAIMS])] if submission else []
    begins = {f"{claim + shift:.4f}".encode() for claim in claims if claim for shift in (0.0, -0.5e-4)}
    tables = [path for path in paths if _is_table(path)]
    if not begins or not tables:
        return ()
    begin_of = re.compile(rb"(?<![\w.])(?:" + b"|".join(map(re.escape, sorted(begins))) + rb")[0-9]{0,16}(?![\w.])")
    return tuple(islice(_in_tables(tables[:_MAX_TABLES], begin_of, read), _MAX_MENTIONS))


def _is_table(path: str) -> bool:
    name = path.rpartition("/")[2]
    return bool(_TABLE.search(name)) and not SUBMISSION_FILE.fullmatch(name) and not _README.fullmatch(name)


def _in_tables(tables: Sequence[str], begin_of: re.Pattern[bytes], read: Read) -> Iterator[Mention]:
    for path in tables:
        if (content := read(path, _MAX_TABLE_BYTES)) is None:
            continue
        data = content[0]
        for match in begin_of.finditer(data):
            before = data[max(0, match.start() - _BEFORE_BYTES) : match.start()]
            if path.lower().endswith(".md") and not _ends_score_line(before):
                continue  # prose just repeats the claim
            yield Mention(path, data.count(b"\n", 0, match.start()) + 1, match[0].decode())


def _ends_score_line(before: bytes) -> bool:
    """Return whether this is the beginning of a log line whose score follows."""
    text = before.removesuffix(b" ")
    return text.endswith((b"bpb:", b"bpb=")) and _SCORE_LINE.search(text[: -len(b"bpb:")]) is not None
