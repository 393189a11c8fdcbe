"""Two records side by side, for a pull request's comment: tables, and the code in a fence.

All text from the records is in code spans or in the fence, where GitHub interprets nothing.
"""

import re
from collections.abc import Sequence

from golfcheck.comparison.difference import Difference, Printed
from golfcheck.render.diff_text import (
    SECTIONS,
    Cells,
    code_lines,
    code_title,
    gain_line,
    no_code,
    score_rows,
    settings_title,
    size_rows,
)
from golfcheck.render.findings import location
from golfcheck.render.verdict_markdown import code

_MAX_CHARS = 60_000  # a comment on GitHub holds 65,536
_NOTE_CHARS = 200


def render(difference: Difference, sections: Sequence[str] = SECTIONS, whole: bool = False) -> str:
    """Return as many sections as a comment has room for; with `whole`, the code line by line."""
    draw = {
        "scores": lambda: [*_table("score", score_rows(difference)), "", code(gain_line(difference)), ""],
        "size": lambda: [*_table("size, bytes", size_rows(difference)), ""],
        "settings": lambda: _settings(difference),
        "findings": lambda: _findings(difference),
    }
    lines = [f"### A {code(_name(difference, 0))} → B {code(_name(difference, 1))}", ""]
    for section in sections:
        lines += draw[section]() if section in draw else _code(difference)
    room = _MAX_CHARS - sum(len(line) + 1 for line in lines)
    if whole and "code" in sections:
        lines += _fence(difference, room)
    elif room < 0:
        lines = _fitting(lines, _MAX_CHARS)
    return "\n".join(lines).rstrip("\n") + "\n"


def _name(difference: Difference, index: int) -> str:
    verdict = difference.sides[index].verdict
    return verdict.name or verdict.path


def _table(title: str, rows: Sequence[tuple[str, Cells]]) -> list[str]:
    head = [f"| {title} | A | B | B - A |", "|---|--:|--:|--:|"]
    return [*head, *(f"| {label.strip()} | {' | '.join(cells)} |" for label, cells in rows)]


def _settings(difference: Difference) -> list[str]:
    lines = [f"Settings: {code(settings_title(difference))}", ""]
    if difference.settings:
        lines += ["| setting | A | B |", "|---|---|---|"]
        lines += [
            f"| {_cell(row.name)} | {' | '.join(_printed(printed) for printed in row.printed)} |"
            for row in difference.settings
        ]
    return [*lines, ""]


def _printed(printed: Printed | None) -> str:
    return "not printed" if printed is None else f"{_cell(printed.value)} {_cell(f'{printed.path}:{printed.line}')}"


def _findings(difference: Difference) -> list[str]:
    if not difference.findings:
        return ["The same rules have findings in both.", ""]
    lines = ["| only in | rule | where | what |", "|---|---|---|---|"]
    for row in difference.findings:
        letter, findings = next(
            (letter, findings) for letter, findings in zip("AB", row.findings, strict=True) if findings
        )
        cells = (f"{row.severity.label} `{row.rule}`", _cell(location(findings[0])), _cell(findings[0].message))
        lines.append(f"| {letter} | {' | '.join(cells)} |")
    return [*lines, ""]


def _code(difference: Difference) -> list[str]:
    if not difference.code:
        return [f"Code {no_code(difference.sides)}.", ""]
    return [f"- {code(code_title(each))}" for each in difference.code] + [""]


def _fence(difference: Difference, room: int) -> list[str]:
    """Return the code between two fences longer than any run of backticks in it, cut to `room` characters."""
    lines = [text for each in difference.code if each.hunks for _, text in code_lines(each)]
    if not lines:
        return []
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}diff", *_fitting(lines, room - 2 * len(fence) - _NOTE_CHARS), fence]


def _fitting(lines: list[str], room: int) -> list[str]:
    for count, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            return [*lines[:count], f"({len(lines) - count:,} more lines do not fit here: golfcheck diff A B --all)"]
    return lines


def _cell(text: str) -> str:
    return code(text).replace("|", "\\|")  # a table is split into cells before code spans are seen
