"""The numbers that a README states about its record: scores, sizes, machines and training times, with their lines."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from golfcheck.submission.agreement import nearest

_MAX_LINES = 5_000
MAX_STATED = 500  # of one kind; the most in 1,147 real folders: 245
_LINE_CHARS = 1_000
_SCORE = re.compile(r"(?<![\w.+±−–-])(?:0|1|2|3)\.[0-9]{3,10}(?![\w%]|\.[0-9])")
_LEAST_BPB = 0.1  # smaller numbers are gains and spreads
# Words before a number, or in a table's row, that give it to another record.
_OTHER_RECORD = re.compile(
    r"(?<![a-z])(?:previous|prior|sota|baseline|leaderboard|merged|over|from|vs|than|was|record to beat|pr ?#?[0-9])"
    r"(?![a-z])",
    re.IGNORECASE,
)
_BEFORE_CHARS = 40
_LABEL_CHARS = 80
_ROOM = r"(?![`* ]{0,6}(?:bytes|B\b)?[`* ]{0,6}(?:left|over|free|spare|remain|of (?:head)?room|to spare))"  # to the cap
_BYTES = re.compile(
    rf"(?<![\w.,])([0-9]{{1,2}}(?:[,_ ]?[0-9]{{3}}){{2}})(?![\w.,]*[0-9]){_ROOM}(?:[`* ]{{0,6}}(?:bytes|B\b))?"
)
_MEGABYTES = re.compile(r"(?<![\w.,<≤])([0-9]{1,2}\.[0-9]{1,4})[`* ]{0,3}(MB|MiB)\b")
_ABOUT_SIZE = re.compile(r"artifact|submission|total|compressed|bytes", re.IGNORECASE)
_NO_SIZE = re.compile(
    r"param|token|step|(?<![a-z])cap(?![a-z])|limit|budget|under|below|<|≤|raw|uncompress|payload|delta|sav|baseline"
    r"|previous|before|sota|pr ?#?[0-9]|without|would|could|instead|compar|shr[aiu]nk|from|than"
    r"|(?<![a-z])(?:vs|if)(?![a-z])",
    re.IGNORECASE,
)
_OWN_ROW = re.compile(
    r"artifact|submission|total|mean|average|max|worst|largest|final|ours|this|seed|^[\s|*`]*[0-9]{1,6}[\s|*`]",
    re.IGNORECASE,
)
_CAPS = (16_000_000, 16_777_216)
_MACHINE = re.compile(
    r"(?<![\w.])([1-9][0-9]?)\s?[x×]\s?(?:NVIDIA\s)?(?:GeForce\s)?(?:RTX\s)?"
    r"(GH200|B200|B300|H200|H100|H800|A100|A40|A6000|L40S?|L4|T4|V100|P100|[345]0[0-9]{2}|MI300X?)(?![0-9])",
    re.IGNORECASE,
)
_CARD = re.compile(r"[A-Z]{0,2}[0-9]{2,4}")  # from a name in nvidia-smi's table, such as NVIDIA GeForce RTX 4090
_ABOUT_MACHINE = re.compile(
    r"hardware|gpu|machine|train|result|\bran\b|\brun\b|artifact|bytes|\bMB\b|seed|wall-?clock|bpb", re.IGNORECASE
)
# A machine that was not used: in plans, limits, comparisons and other files.
_OTHER_MACHINE = re.compile(
    r"\bnot?\b|\balso\b|n't|cannot|pending|until|would|\bwill\b|rather|requir|official|leaderboard|track|budget|baseline|\bvs\b"
    r"|ablat|sweep|develop|explor|experiment|prototyp|tuning|search|debug|smoke|credit|iterat"
    r"|compar|future|verif|attempt|proxy|equivalent|target|intend|estimat|previous|after|match|\bTBD\b|\.log|\.txt",
    re.IGNORECASE,
)
_ONE_CARD = re.compile(r"\b(?:single|one|1)[- ](?:gpu|card|h100|a100|rtx)|\blocal", re.IGNORECASE)
_CARDS = re.compile(
    r"(?<![\w.])([2-8]|two|four|eight)(?: ?[x×])?[- ](?:NVIDIA )?(?:GPUs?|(?:GH|[BHAVPL])[0-9]{2,3}s?)(?![a-z0-9])",
    re.IGNORECASE,
)
_WORDS = {2: "two", 4: "four", 8: "eight"}
_NO_TRAINING = re.compile(
    r"cap(?![a-z])|limit|budget|under|within|<|≤|max|up to|deadline|baseline|previous|each|would|will"
    r"|incl|total|overall|eval|compil|end[- ]to[- ]end|ablat|sweep|develop",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?:train(?:ing)?[ _-](?:time|wall-?clock|duration)|trained (?:for|in)|wall-?clock(?: time)?)\b[*`_ ]{0,4}"
    r"(?:\s?[|:=]|\sof)?[*`_~ ]{0,8}([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(\.[0-9]{1,4})?[`* ]{0,3}-?"
    r"(ms|s|secs?|seconds?|mins?|minutes?|h|hours?)\b",
    re.IGNORECASE,
)
_ANY_TIME = re.compile(r"[0-9][`* ]{0,3}-?(?:ms|s|secs?|seconds?|mins?|minutes?|h|hours?)\b")
_MS = {"ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
_LEAST_MS = 3e4  # shorter times are of steps and phases
_LIMIT_MS = 6e5  # the track's limit, which a README may mean


@dataclass(frozen=True, slots=True)
class Stated:
    """A number in a README: its value, and by how much it may be rounded."""

    line: int
    text: str
    value: float
    rounded_by: float
    other: float | None = None  # the value in the other kind of megabytes
    is_other: bool = False  # by the words around it, it may belong to something else

    def agrees(self, value: float, share: float = 0.0) -> bool:
        """Return whether this agrees with a value, up to its own last digit or a share of the value."""
        allowed = max(self.rounded_by, share * value) + 1e-12
        return any(one is not None and abs(value - one) <= allowed for one in (self.value, self.other))

    def is_among(self, values: Sequence[float]) -> bool:
        """Return whether this agrees with any of some sorted values."""
        return any(
            self.agrees(value) for one in (self.value, self.other) if one is not None for value in nearest(values, one)
        )


@dataclass(frozen=True, slots=True)
class Machine:
    """A number of GPUs of one kind."""

    line: int
    text: str
    count: int
    card: str


def scores_in(readme: str) -> Iterator[Stated]:
    """Yield the numbers that may be scores, on lines about bpb and in tables headed by such a line."""
    in_table = False
    for line, text in _lines(readme):
        is_row, is_about = text.lstrip().startswith("|"), "bpb" in text.lower()
        in_table = is_row and (in_table or is_about)
        begin = label = 0
        for match in _SCORE.finditer(text) if is_about or in_table else ():
            label = label or match.start()  # a row's first cells say what its numbers are of
            window = (0, label) if is_row else (max(begin, match.start() - _BEFORE_CHARS), match.start())
            begin = match.end()
            if float(match[0]) < _LEAST_BPB:
                continue
            is_other = bool(_OTHER_RECORD.search(text[slice(*window)][-_LABEL_CHARS:]))
            decimals = len(match[0].partition(".")[2])
            yield Stated(line, match[0], float(match[0]), 10.0 ** -min(decimals, 8), is_other=is_other)


def sizes_in(readme: str) -> Iterator[Stated]:
    """Yield the sizes, in bytes, on lines about the artifact or the total, or below a heading about them; no caps.

    In a table, rows about the total or a seed are this record's; others may be parts or alternatives.
    """
    in_table = False
    for line, text in _lines(readme):
        is_row, is_about = text.lstrip().startswith("|"), bool(_ABOUT_SIZE.search(text))
        in_table = is_row and (in_table or is_about)
        if not (is_about or in_table) or (not is_row and _NO_SIZE.search(text)):
            continue
        is_other = is_row and not _OWN_ROW.search(text)
        for match in _BYTES.finditer(text):
            value = int(re.sub(r"[,_ ]", "", match[1]))
            if value not in _CAPS and value >= 10**6:
                yield Stated(line, f"{value:,} bytes", value, 0.5, is_other=is_other)
        for match in _MEGABYTES.finditer(text):
            decimals = len(match[1].partition(".")[2])
            number = float(match[1])
            if number != 16.0:
                rounded_by = 2**20 * 10.0**-decimals
                yield Stated(line, match[0], number * 1e6, rounded_by, number * 2**20, is_other)


def machines_in(readme: str, *, anywhere: bool = False) -> Iterator[Machine]:
    """Yield the machines, such as 8×H100, on lines about a run or its results; those of plans only with `anywhere`."""
    for line, text in _lines(readme, code=anywhere):
        if not anywhere and (not _ABOUT_MACHINE.search(text) or _OTHER_MACHINE.search(text)):
            continue
        for match in _MACHINE.finditer(text):
            yield Machine(line, match[0], int(match[1]), match[2])


def cards_in(readme: str) -> set[str]:
    """Return how many GPUs a README mentions, in any words: `1`, `two`, `8`."""
    return {match[1].lower() for match in _CARDS.finditer(readme)} | ({"1"} if _ONE_CARD.search(readme) else set())


def names_machine(readme: str, cards: Collection[str], count: int, names: str) -> bool:
    """Return whether a README names the GPU in a log, or how many there are; `cards` is what `cards_in` returns."""
    if count == 1:
        model = _CARD.search(names)
        return "1" in cards or bool(model and model[0] in readme)
    return str(count) in cards or _WORDS.get(count) in cards


def training_times_in(readme: str) -> Iterator[Stated]:
    """Yield the training times, in milliseconds, each the only time on its line, and not a limit."""
    for line, text in _lines(readme, code=False):
        match = _TIME.search(text)
        if match is None or _NO_TRAINING.search(text) or len(_ANY_TIME.findall(text)) > 1:
            continue
        unit = _MS[match[3].lower() if match[3].lower() == "ms" else match[3][0].lower()]
        decimals = match[2] or "."
        value = float(match[1].replace(",", "") + decimals.rstrip(".")) * unit
        if value >= _LEAST_MS and value != _LIMIT_MS:
            yield Stated(line, f"{match[1]}{match[2] or ''} {match[3]}", value, unit * 10.0 ** -(len(decimals) - 1))


def _lines(readme: str, *, code: bool = True) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers; those in code blocks only on request."""
    is_code = False
    for line, text in enumerate(readme.splitlines()[:_MAX_LINES], 1):
        if text.lstrip().startswith(("```", "~~~")):
            is_code = not is_code
        elif code or not is_code:
            yield line, text[:_LINE_CHARS]
