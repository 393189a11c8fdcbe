"""`golfcheck stats`: a gain in both units side by side, and each ruleset's answer."""

import json

from golfcheck import __version__
from golfcheck.comparison.gain import MOST_SEEDS, WANTED_POWER, Gain, Ruled, SeedScores
from golfcheck.core.numbers import p_text, percent_text
from golfcheck.core.text import fit, pad, safe
from golfcheck.render.jsonable import plain
from golfcheck.render.page import Page
from golfcheck.render.verdict_block import Segment, seeds_text
from golfcheck.render.verdict_markdown import code

_LABELS = 23
_NUMBERS = 23  # columns of a number
_RULESETS = 17


def render(gain: Gain, page: Page) -> str:
    """Return the text for people."""
    lines: list[str] = []
    for letter, side in _sides(gain):
        lines.append(page.paint(fit(f"{letter}  {safe(side.name, 120)}", page.columns), "bold"))
        lines += page.flow(
            "", [(safe(side.path, 400), "dim"), (seeds_text(side.seeds), ""), (side.tokenizer, "dim")], 3
        )
    head = (gain.test, gain.bpb.unit, gain.nats.unit)
    rows = [(f"  {label}", one, other) for label, one, other in table(gain)]
    labels, *numbers = page.spread([head, *rows], (_LABELS, _NUMBERS, _NUMBERS))
    units = "".join(f"{unit:>{columns}}" for unit, columns in zip(head[1:], numbers, strict=True))
    lines += ["", page.paint(pad(gain.test, labels), "bold") + page.paint(units, "dim")]
    for label, *cells in rows:
        values = "".join(f"{cell:>{columns}}" for cell, columns in zip(cells, numbers, strict=True))
        lines.append(f"{pad(label, labels)}{values}")
    lines += ["", *(page.prose(f"no test: {gain.reason}", "  ", "  ") if gain.reason else [])]
    for ruled in gain.ruled:
        if ruled.p is not None:
            lines += page.flow(f"  {ruled.ruleset.name}", _ruled(ruled, ruled.p), _RULESETS)
            lines += page.prose(needed(ruled, gain), " " * _RULESETS, " " * _RULESETS)
    for note in gain.notes:
        lines += page.prose(f"note: {safe(note)}", "  ", "    ")
    return page.text(lines)


def render_markdown(gain: Gain) -> str:
    """Return the same as Markdown for a comment on a pull request."""
    lines = [f"**{letter}** {code(side.name)}, {seeds_text(side.seeds)}  " for letter, side in _sides(gain)]
    lines += ["", f"| {gain.test} | {gain.bpb.unit} | {gain.nats.unit} |", "|---|--:|--:|"]
    lines += [f"| {label} | {one} | {other} |" for label, one, other in table(gain)]
    lines += ["", *([f"No test: {gain.reason}.", ""] if gain.reason else [])]
    for ruled in gain.ruled:
        if ruled.p is not None:
            parts = "; ".join(text for text, _ in _ruled(ruled, ruled.p))
            lines.append(f"- **{ruled.ruleset.name}**: {parts}. {needed(ruled, gain)}")
    lines += [f"- {code(note)}" for note in gain.notes]
    return "\n".join(lines) + "\n"


def render_json(gain: Gain) -> str:
    """Return the document of schemas/stats.schema.json, in ASCII; infinite degrees of freedom are null."""
    return json.dumps({"golfcheck": __version__, **plain(gain)}, indent=2, allow_nan=False) + "\n"


def table(gain: Gain) -> list[tuple[str, str, str]]:
    """Return a label, and the numbers in bits per byte and in nats per token."""
    one, other = gain.bpb.row(), gain.nats.row()
    names = {} if gain.theirs else {"B, mean": "bar", "A - B": "A - bar"}
    interval = {"confidence interval": f"{100 * gain.confidence:g}% interval"}
    return [((names | interval).get(label, label), one[label], other[label]) for label in one if one[label]]


def needed(ruled: Ruled, gain: Gain) -> str:
    """Say how many seeds it takes if gain and spread are as observed."""
    have = len(gain.bpb.ours)
    if ruled.power is None:
        return "the gain does not exceed the margin: no number of seeds would show it"
    cases = "over 99%" if ruled.power > 0.99 else percent_text(ruled.power)
    now = f"as observed, {have} seed{' shows' if have == 1 else 's show'} it in {cases} of cases"
    if ruled.seeds is None:
        limit = f": B has only {len(gain.theirs.bpb)}" if gain.theirs else ""
        return f"{now}; even {MOST_SEEDS} seeds of A would not reach {percent_text(WANTED_POWER)}{limit}"
    if ruled.seeds <= have:
        return now
    return f"{now}; for {percent_text(WANTED_POWER)} run {ruled.seeds}: {ruled.seeds - have} more"


def _sides(gain: Gain) -> list[tuple[str, SeedScores]]:
    return [("A", gain.ours), *([("B", gain.theirs)] if gain.theirs else [])]


def _ruled(ruled: Ruled, p: float) -> list[Segment]:
    ruleset = ruled.ruleset
    asked = f"gain > {ruleset.margin_nats:g} nats per token" if ruleset.margin_nats else "gain > 0 bpb"
    shown: Segment = ("shown", "ok") if ruled.shown else ("not shown", "warning")
    return [(f"{asked:<27}", ""), (f"p {p_text(p)} (required: < {ruleset.alpha:g})", ""), shown]
