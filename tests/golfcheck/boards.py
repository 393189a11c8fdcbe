"""Boards with synthetic rows, and screens as text."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual import _wait
from textual.pilot import Pilot

from golfcheck.board.model import Board, Row, Status
from golfcheck.core.outcome import GAIN_RULE
from golfcheck.judging.config import JudgingSettings
from golfcheck.tui.app import GolfcheckApp
from tests.golfcheck import verdicts

# Pilot considers a key handled once the process has been idle for this long, twice per key. Textual's default of 20 ms
# would take half of the time of these tests.
_wait.SLEEP_GRANULARITY = 0.004

NAMES = (
    "Int6 weights",
    "Sliding window",
    "Longer context",
    "Muon decay",
    "Tied embeddings",
    "Bigram hash",
    "EMA",
    "GPTQ",
)
OTHERS = ("warmdown", "SP4096 tokens", "wider MLP", "depth recurrence", "QK gain", "late QAT", "residual mixing")
AUTHORS = ("ann", "bo", "cleo", "dmitri")
FIRST_DAY = datetime(2026, 3, 18, tzinfo=UTC)
FINDINGS = ((verdicts.BYTES, verdicts.SEEDS), (verdicts.SEEDS,), (), ())  # of those that were no record


def row(index: int, **changes: Any) -> Row:
    """Return the row of this rank: every third was the record, some only have a claim, one in seven has one seed."""
    bpb = 1.06 + 0.004 * index + 0.0007 * math.sin(index * 1.7)
    day = FIRST_DAY + timedelta(days=max(40 - index, 0))
    single = index % 7 == 6
    held = index % 3 == 0
    passed = verdicts.RECORD.passed if held else tuple(rule for rule in verdicts.RECORD.passed if rule != GAIN_RULE)
    verdict = replace(
        verdicts.RECORD,
        path=f"records/track_10min_16mb/{day.date()}_{index:05}",
        name=f"{NAMES[index % len(NAMES)]} + {OTHERS[index % len(OTHERS)]}",
        author=AUTHORS[index % len(AUTHORS)],
        date=day.date().isoformat(),
        findings=() if held else FINDINGS[index // 3 % len(FINDINGS)],
        passed=passed,
        score=replace(
            verdicts.RECORD.score,
            mean_bpb=bpb,
            sd_bpb=None if single else 0.0004 + 0.0001 * (index % 3),
            seeds=(42,) if single else (314, 42, 999),
        ),
        size=replace(
            verdicts.RECORD.size, total_bytes=16_004_000 if index == 5 else 15_984_850 - 40_000 * (index % 50)
        ),
    )
    made_row = Row(
        verdict,
        day,
        bpb,
        Status.CLAIMED if index % 5 == 4 else Status.RESCORED if index % 5 == 3 else Status.LOGGED,
        (bpb,) if single else (bpb - 0.0004, bpb, bpb + 0.0004),
        (),
        rank=index + 1,
        delta_bpb=None if index > 30 else -0.0046 + 0.001 * (index % 3),
        delta_nats=None if index > 30 else -0.0078 + 0.002 * (index % 3),
        p=None if index > 30 else (0.00004, 0.0031, 0.3)[index % 3],
        held=held,
        reason="" if held else "p 0.3 of a gain above 0.005 nats over Longer context: not below 0.01",
    )
    return replace(made_row, **changes)


def board(count: int = 12) -> Board:
    """Return a board with `count` rows."""
    return Board("written", None, tuple(row(index) for index in range(count)))


def lines(app: GolfcheckApp) -> list[str]:
    """Return the text of each line of the screen."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


def text(app: GolfcheckApp) -> str:
    """Return the text of the screen."""
    return "\n".join(lines(app))


def play(
    app: GolfcheckApp,
    script: Callable[[Pilot[None]], Awaitable[None]],
    size: tuple[int, int] = (120, 34),
    *,
    toasts: bool = False,
) -> None:
    """Run the application without a terminal, with a pilot as its user; `toasts` are drawn only on request."""
    app.animation_level = "none"  # otherwise each key would wait for animations

    async def run() -> None:
        async with app.run_test(size=size, notifications=toasts) as pilot:
            await pilot.pause()
            await script(pilot)

    asyncio.run(run())


def app_of(count: int = 12, **options: Any) -> GolfcheckApp:
    """Return the application with a board that was read."""
    options.setdefault("board", board(count))
    return GolfcheckApp(Path("records"), JudgingSettings(cache=False), **options)


async def until(pilot: Pilot[None], holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds; AssertionError after `seconds`."""
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError("the condition was not met in time")
