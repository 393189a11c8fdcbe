"""The code of two records, unwrapped and never executed → how they differ, line by line."""

from dataclasses import dataclass

from golfcheck.comparison.pairing import comparable, pairs, text_of
from golfcheck.comparison.patience import CELLS, MAX_LINES, Allowance, Hunk, hunks
from golfcheck.source.reach import Source, reached
from golfcheck.submission.record import Record

_PAIRS = 4  # of sources whose lines may take as long to align as a pair's may


@dataclass(frozen=True, slots=True)
class CodeDiff:
    """A source file in two records. A name of None: only the other one has it. No hunks: the text is the same."""

    first: str | None  # the file, and what it was unwrapped from: "train_gpt.py (lzma+base85, unwrapped)"
    second: str | None
    hunks: tuple[Hunk, ...]
    notes: tuple[str, ...]  # what could not be unwrapped, and what was left out

    @property
    def added(self) -> int:
        """How many lines only the second has."""
        return self._count("+")

    @property
    def removed(self) -> int:
        """How many lines only the first has."""
        return self._count("-")

    def _count(self, sign: str) -> int:
        return sum(line.sign == sign for hunk in self.hunks for line in hunk.lines)


def code_diffs(first: Record, second: Record) -> tuple[CodeDiff, ...]:
    """Return a CodeDiff for each source of either record, paired as `pairing.pairs` says; () if one has no code.

    The code is that of the folder or, if it has none, the source that was dumped into a log.
    """
    ours, theirs = sources(first), sources(second)
    if not ours or not theirs:
        return ()
    allowance = Allowance(_PAIRS * CELLS)
    return tuple(_diff(one, other, allowance) for one, other in pairs(ours, theirs))


def sources(record: Record) -> tuple[Source, ...]:
    """Return a record's sources, the main script first: those of its folder, or else the largest dump in its logs."""
    if record.sources:
        return record.sources
    dumps = [(log.path, dump) for log in record.logs for dump in log.dumps]
    if not dumps:
        return ()
    path, dump = max(dumps, key=lambda source: len(source[1].text))
    location = f"{path}:{dump.line}"
    # The name decides how the source is read, and is not shown: a log may not state it.
    return tuple(
        Source(f"source in {location}", source.text, True, source.wrapper, source.unwrapped, source.note)
        for source in reached(["train_gpt.py"], lambda name: dump.text)
    )


def _diff(first: Source | None, second: Source | None, allowance: Allowance) -> CodeDiff:
    contents = (text_of(first) if first else b"", text_of(second) if second else b"")
    by_tree = False
    if first is not None and second is not None:
        one_form, other_form, by_tree = comparable(*contents)
        contents = (one_form, other_form)
    texts = [_lines(content) for content in contents]
    one, other = texts
    notes = [f"{source.path}: still packed: {source.note}" for source in (first, second) if source and source.note]
    if by_tree:
        ignored = "layout, comments, docstrings and type annotations are ignored"
        notes.append(f"{_name(first)} and {_name(second)}: compared by their syntax trees: {ignored}")
    notes += [
        f"{source.path}: only the first {MAX_LINES:,} of {len(text):,} lines were compared"
        for source, text in zip((first, second), texts, strict=True)
        if source and len(text) > MAX_LINES
    ]
    return CodeDiff(_name(first), _name(second), hunks(one, other, allowance=allowance), tuple(notes))


def _lines(text: bytes) -> list[str]:
    """Return the lines of a source, without line endings and a byte order mark."""
    lines = text.decode("utf-8-sig", "replace").replace("\r\n", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _name(source: Source | None) -> str | None:
    if source is None or source.wrapper is None:
        return source.path if source else None
    return f"{source.path} ({source.wrapper}, {'still packed' if source.unwrapped is None else 'unwrapped'})"
