"""Two records side by side, as text: A's values follow `-`, B's follow `+`; a difference is B minus A."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from golfcheck.comparison.codediff import CodeDiff
from golfcheck.comparison.difference import Difference, FindingRow, Printed, SeedScore, SettingRow, Side
from golfcheck.core.numbers import bpb_text, counted, delta_text, df_text, p_text, t_text
from golfcheck.core.ruleset import TOKEN_BYTES_TOLERANCE
from golfcheck.core.text import fit, pad, safe, width
from golfcheck.core.verdict import ToBeat, Verdict
from golfcheck.render.findings import location
from golfcheck.render.page import Page

SECTIONS = ("scores", "size", "settings", "findings", "code")
_NUMBERS = 17  # columns of a number
_LABELS = 26
_NATS = "nats per token, mean"
_CODE_CHARS = 400  # of a line of code
_VALUE_CHARS = 400
_TAB = 4
_STYLES = {"-": "error", "+": "ok", " ": ""}

Cells = tuple[str, str, str]  # A, B, B minus A


def render(difference: Difference, page: Page, sections: Sequence[str] = SECTIONS, whole: bool = False) -> str:
    """Return the sections; the code as counts of lines or, with `whole`, as a unified diff."""
    draw = {
        "scores": lambda: _scores(difference, page),
        "size": lambda: _size(difference, page),
        "settings": lambda: _settings(difference, page),
        "findings": lambda: _findings(difference, page),
        "code": lambda: _code(difference, page, whole),
    }
    lines = [line for letter, side in zip("AB", difference.sides, strict=True) for line in _head(letter, side, page)]
    for section in sections:
        lines += ["", *draw[section]()]
    return page.text(lines)


def score_rows(difference: Difference) -> list[tuple[str, Cells]]:
    """Return the table of scores, times and bytes per token: label and cells; rows that neither has are left out."""
    one, other = difference.sides
    rows = [
        (f"val_bpb {index} (seed)", (_seed(first), _seed(second), ""))
        for index, (first, second) in enumerate(zip_longest(one.seeds, other.seeds), start=1)
    ]
    for (label, digits, first), (_, _, second) in zip(_numbers(one.verdict), _numbers(other.verdict), strict=True):
        if first is not None or second is not None:
            cells = _cells(first, second, digits)
            if label == _NATS and not same_tokens(difference.sides):  # different units have no difference
                rows.append((f"{nats_label(difference.sides)}, mean", (*cells[:2], "")))
            else:
                rows.append((label, cells))
    return rows


def _numbers(verdict: Verdict) -> list[tuple[str, int, float | None]]:
    score, time, tokens = verdict.score, verdict.time, verdict.token_bytes
    return [
        ("val_bpb, mean", 5, score.mean_bpb if score else None),
        ("val_bpb, sd", 5, score.sd_bpb if score else None),
        ("val_bpb, claimed", 5, score.claimed_bpb if score else None),
        (_NATS, 5, score.mean_nats if score else None),
        ("bytes per token", 4, tokens.bytes_per_token if tokens else None),
        ("training, ms", 0, time.train_ms if time else None),
        ("evaluation, ms", 0, time.eval_ms if time else None),
        ("step, ms", 2, time.step_ms if time else None),
    ]


def same_tokens(sides: Sequence[Side]) -> bool:
    """Return whether the tokens of all these records have as many bytes; otherwise their nats are in different units.

    Records whose logs have no score are assumed to be like the others.
    """
    sums = [
        (sum(seed.val_loss_nats for seed in side.seeds), sum(seed.val_bpb for seed in side.seeds)) for side in sides
    ]
    ratios = [nats / bpb for nats, bpb in sums if bpb > 0]
    return not ratios or max(ratios) <= (1 + TOKEN_BYTES_TOLERANCE) * min(ratios)


def nats_label(sides: Sequence[Side]) -> str:
    """Return the unit of losses and gains: if tokenizers differ, each record's are per token of its own."""
    return "nats per token" if same_tokens(sides) else "nats per own token"


def gain_line(difference: Difference) -> str:
    """Return the result of Welch's test of B's gain over A in one line, or why there is none."""
    gain = difference.sides[1].gain
    if gain is None:
        return "no test: not both have a score in their logs"
    if not same_tokens(difference.sides) and gain.delta_nats is not None:  # not in the table
        return f"B - A in nats per token of B: {delta_text(gain.delta_nats)}; {_test_line(gain)}"
    return _test_line(gain)


def _test_line(gain: ToBeat) -> str:
    if gain.reason or gain.t is None or gain.df is None or gain.p_zero is None or gain.p_margin is None:
        return f"no test: {gain.reason}"
    return (
        f"B gains on A: Welch t {t_text(gain.t)}, df {df_text(gain.df)}; p {p_text(gain.p_zero)} for a gain above 0, "
        f"{p_text(gain.p_margin)} above {gain.margin_nats:g} nats per token"
    )


def size_rows(difference: Difference) -> list[tuple[str, Cells]]:
    """Return the two ledgers as one table: label and cells; rows that neither has are left out."""
    rows: list[tuple[str, Cells]] = []
    one, other = (side.verdict.ledger for side in difference.sides)  # both have the same three parts
    for first, second in zip(one, other, strict=True):
        for source, counts in (
            ("file on disk", (first.disk_bytes, second.disk_bytes)),
            ("log", (first.logged_bytes, second.logged_bytes)),
            ("submission.json", (first.claimed_bytes, second.claimed_bytes)),
        ):
            if counts != (None, None):
                rows.append((f"{first.part}, {source}", _cells(*counts, 0)))
    return rows


def settings_title(difference: Difference) -> str:
    """Return how many settings differ, are alike, and were not compared."""
    title = f"{len(difference.settings)} differ, {difference.alike} are alike"
    names = ", ".join(safe(name, 40) for name in difference.varying)
    return f"{title}; not compared, as they differ from run to run by design: {names}" if names else title


def day(side: Side) -> str:
    """Return the date of a record as shown on a board; "" if it has none."""
    return side.created.date().isoformat() if side.created else ""


def no_code(sides: Sequence[Side], letters: str = "AB") -> str:
    """Say which of two records has no code that could be compared."""
    without = [letter for letter, side in zip(letters, sides, strict=True) if not side.has_code]
    who = " and ".join(without) + (" have" if len(without) > 1 else " has")
    return f"not compared: {who} no script, and no log with its source"


def code_lines(code: CodeDiff) -> Iterator[tuple[str, str]]:
    """Yield (sign, line) of a unified diff of one file, safe to print; lines that are not code have the sign "@"."""
    yield "@", f"--- {safe(code.first or '/dev/null', 400)}"
    yield "@", f"+++ {safe(code.second or '/dev/null', 400)}"
    for hunk in code.hunks:
        yield "@", hunk.head
        for line in hunk.lines:
            # Cut the line first: expanding its tabs could multiply the memory of a long line.
            shown = line.text if len(line.text) > _CODE_CHARS else line.text.expandtabs(_TAB)
            yield line.sign, line.sign + safe(shown, _CODE_CHARS)


def code_title(code: CodeDiff) -> str:
    """Return a file's names and its counts of lines."""
    if code.first is None or code.second is None:
        letter, name = ("A", code.first) if code.second is None else ("B", code.second)
        count = max(code.added, code.removed)
        return f"{safe(name or '', 400)}: only in {letter}, {counted(count, 'line')}"
    names = code.first if code.first == code.second else f"{code.first} -> {code.second}"
    counts = f"+{code.added:,} -{code.removed:,} lines" if code.hunks else "the same text"
    return f"{safe(names, 800)}: {counts}"


def _head(letter: str, side: Side, page: Page) -> list[str]:
    verdict = side.verdict
    tail = "   ".join(safe(text, 40) for text in (verdict.author, day(side)) if text)
    name = fit(f"{letter}  {safe(verdict.name or verdict.path, 120)}", max(20, page.columns - width(tail) - 3))
    lines = [page.paint(name, "bold") + (f"   {tail}" if tail else "")]
    return [*lines, *(page.paint(line, "dim") for line in page.prose(safe(verdict.path, 400), "   ", "   "))]


def _scores(difference: Difference, page: Page) -> list[str]:
    lines = _table("scores", score_rows(difference), page)
    return [*lines, *page.prose(safe(gain_line(difference)), "  ", "    ")]


def _size(difference: Difference, page: Page) -> list[str]:
    return _table("size, bytes", size_rows(difference), page) or ["size: unknown"]


def _table(title: str, rows: Sequence[tuple[str, Cells]], page: Page) -> list[str]:
    if not rows:
        return []
    heads = ("A", "B", "B - A")
    drawn = [(title, *heads), *((f"  {label}", *cells) for label, cells in rows)]
    labels, *columns = page.spread(drawn, (_LABELS, _NUMBERS, _NUMBERS, _NUMBERS))

    def line(cells: Sequence[str]) -> str:
        return "".join(" " * (room - width(cell)) + cell for cell, room in zip(cells, columns, strict=True))

    lines = [f"{page.paint(pad(title, labels), 'bold')}{page.paint(line(heads), 'dim')}"]
    return [*lines, *(f"{pad(label, labels)}{line(cells)}".rstrip() for label, *cells in drawn[1:])]


def _settings(difference: Difference, page: Page) -> list[str]:
    """Return settings that both print, then those only A prints, then only B; the usual log of each is named once."""
    lines = page.prose(f"settings: {settings_title(difference)}", "", "  ")
    logs = [_usual_log(difference.settings, index) for index in (0, 1)]
    if difference.settings:
        named = ", ".join(f"{letter} in {safe(log, 120)}" for letter, log in zip("AB", logs, strict=True) if log)
        lines += [page.paint(line, "dim") for line in page.prose(f"line numbers of {named}", "  ", "  ")]
    for row in sorted(difference.settings, key=lambda row: [printed is None for printed in row.printed[::-1]]):
        shown = [
            (f"{sign} {_printed(printed, log)}", style)
            for sign, style, printed, log in zip("-+", ("error", "ok"), row.printed, logs, strict=True)
            if printed
        ]
        lines += _setting(safe(row.name, 64), shown, page)
    return lines


def _usual_log(rows: Sequence[SettingRow], index: int) -> str | None:
    """Return the log that most of a record's settings were read from."""
    paths = Counter(printed.path for row in rows if (printed := row.printed[index]))
    return paths.most_common(1)[0][0] if paths else None


def _setting(name: str, shown: Sequence[tuple[str, str]], page: Page) -> list[str]:
    """Return a line `name  - value :line  + value :line`, or a line for each value if these do not fit."""
    column = (page.columns - _LABELS) // 2
    if width(name) <= _LABELS - 3 and all(width(text) < column for text, _ in shown):
        cells = "".join(page.paint(pad(text, column), style) for text, style in shown[:-1])
        return [f"{pad('  ' + name, _LABELS)}{cells}{page.paint(*shown[-1])}"]
    lines = [f"  {name}"]
    for text, style in shown:
        lines += [page.paint(line, style) for line in page.prose(text, "    ", "      ")]
    return lines


def _printed(printed: Printed, usual: str | None) -> str:
    path = "" if printed.path == usual else safe(printed.path, 120)
    return f"{safe(printed.value, _VALUE_CHARS) or '(empty)'}  {path}:{printed.line}"


def _findings(difference: Difference, page: Page) -> list[str]:
    if not difference.findings:
        return ["findings: the same rules have findings in both"]
    return ["findings in only one of them:", *(line for row in difference.findings for line in _finding(row, page))]


def _finding(row: FindingRow, page: Page) -> list[str]:
    letter, findings = next((letter, findings) for letter, findings in zip("AB", row.findings, strict=True) if findings)
    first, more = findings[0], len(findings) - 1
    text = f"{letter}  {row.severity.label}[{row.rule}]  {location(first)}: {safe(first.message)}"
    lines = page.prose(text + (f" (and {more} more)" if more else ""), "  ", "     ")
    lines[0] = lines[0].replace(row.severity.label, page.paint(row.severity.label, row.severity.label), 1)
    return lines


def _code(difference: Difference, page: Page, whole: bool) -> list[str]:
    if not difference.code:
        return page.prose(f"code: {no_code(difference.sides)}", "", "  ")
    lines = ["code, unwrapped:"]
    for code in difference.code:
        lines += page.prose(code_title(code), "  ", "    ")
        lines += [line for note in code.notes for line in page.prose(safe(note), "    ", "    ")]
    if not whole:
        changed = any(code.hunks for code in difference.code)
        return [*lines, page.paint("  golfcheck diff A B --code shows the lines", "dim")] if changed else lines
    for code in difference.code:
        if code.hunks:
            lines += ["", *(page.paint(text, _STYLES.get(sign, "info")) for sign, text in code_lines(code))]
    return lines


def _seed(seed: SeedScore | None) -> str:
    if seed is None:
        return "-"
    return f"{bpb_text(seed.val_bpb)} ({'?' if seed.seed is None else seed.seed})"


def _cells(first: float | None, second: float | None, digits: int) -> Cells:
    delta = "" if first is None or second is None else f"{round(second - first, digits) + 0.0:+,.{digits}f}"  # no -0
    return _number(first, digits), _number(second, digits), delta


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
