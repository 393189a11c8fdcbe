"""Records whose every string is a payload, on the screens: nothing takes effect, runs or crashes."""

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Static

from golfcheck.board.load import load_board
from golfcheck.board.model import Board, Row, Status
from golfcheck.core.verdict import Finding, Severity
from golfcheck.judging.config import JudgingSettings
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.drawing import untrusted
from golfcheck.tui.screens.diffscreen import DiffLines, DiffScreen
from golfcheck.tui.screens.timeline import TimelineScreen
from golfcheck.tui.widgets.filterbar import FilterBar, FilterInput
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT
from tests.golfcheck import boards, hostile_records
from tests.golfcheck.hostile_text import PAYLOADS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile") / "records"
    hostile_records.write_all(root)
    return root


@pytest.fixture(scope="module")
def read(tree: Path) -> Board:
    return load_board([tree], JudgingSettings(cache=False, jobs=1))


def hostile_row(payload: str, index: int) -> Row:
    """Return a row with the payload in every string that a screen shows; no reader has filtered it."""
    plain_row = boards.row(index, reason=payload, held=False, status=Status.CLAIMED)
    finding = Finding("total-drift", Severity.ERROR, payload, payload, 1, payload)
    verdict = replace(
        plain_row.verdict,
        name=payload,
        author=payload,
        path=f"{plain_row.verdict.path}{payload}",
        track=payload,
        findings=(finding,),
        to_beat=replace(plain_row.verdict.to_beat, name=payload),
    )
    return replace(plain_row, verdict=verdict)


def assert_harmless(app: GolfcheckApp) -> None:
    """Fail if the screen has a control character, or a segment with an action or a link."""
    shown = boards.text(app)
    assert hostile_records.obeyed(shown) == set(), shown
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            if segment.style is not None:
                assert segment.style.link is None
                # Scrollbars act on the mouse by "@mouse.down" and its like; untrusted markup on "@click".
                assert not any(re.match("@(?!mouse)", key) for key in segment.style.meta), segment


def hostile_board() -> Board:
    rows = [hostile_row(payload, index) for index, payload in enumerate(PAYLOADS.values())]
    return Board("written", None, (replace(rows[0], held=True), *rows[1:]))


@pytest.mark.parametrize("size", [(80, 24), (150, 34)])
def test_board_readout_toasts_and_timeline_show_payloads_as_text(size: tuple[int, int]):
    app = boards.app_of(board=hostile_board())

    async def script(pilot: Pilot[None]) -> None:
        assert_harmless(app)
        for index in range(len(PAYLOADS)):
            app.board_screen.table.select(index)
            await pilot.pause()
            assert_harmless(app)
        await pilot.press("Y", "e", "d")
        for payload in PAYLOADS.values():
            app.tell(payload)
        await pilot.pause()
        assert_harmless(app)
        await pilot.press("t")
        assert isinstance(app.screen, TimelineScreen)
        for _ in range(len(PAYLOADS)):
            await pilot.press("h")
            assert_harmless(app)

    boards.play(app, script, size)


def test_a_click_on_a_payload_acts_on_the_board_alone():
    app = boards.app_of(board=hostile_board())
    quits: list[str] = []

    async def script(pilot: Pilot[None]) -> None:
        app.action_quit = lambda: quits.append("quit")  # type: ignore[method-assign,assignment,return-value]
        index = list(PAYLOADS).index("markup")
        app.board_screen.table.select(index)
        await pilot.pause()
        y = next(y for y, line in enumerate(boards.lines(app)) if "[@click" in line or "[bold" in line)
        for x in range(30, 78, 2):
            await pilot.click(offset=(x, y))
        for x in range(0, 78, 4):
            await pilot.click(offset=(x, 20))
        assert quits == []
        assert app.screen is not None

    boards.play(app, script, (80, 24))


def test_a_payload_in_the_filter_is_text_and_so_is_what_is_wrong_with_it():
    app = boards.app_of(3)

    async def script(pilot: Pilot[None]) -> None:
        await pilot.press("slash")
        bar = app.board_screen.query_one(FilterBar)
        for label, payload in PAYLOADS.items():
            bar.fill(f"foo:{payload[:200]}")
            await pilot.pause()
            error = str(bar.query_one("#filter-error", Static).content)
            assert hostile_records.obeyed(error) == set(), label
            assert "foo" in error
            assert_harmless(app)
        assert app.focused is bar.query_one(FilterInput)

    boards.play(app, script, (80, 24))


def test_real_hostile_folders_are_read_shown_and_compared(read: Board):
    app = boards.app_of(board=read)

    async def script(pilot: Pilot[None]) -> None:
        assert len(app.board_screen.table.rows) == len(PAYLOADS)
        await pilot.press("G")
        await pilot.pause()
        assert_harmless(app)
        first = read.rows[0]
        for row in read.rows[1::6]:
            await app.push_screen(DiffScreen(first, row))
            await pilot.app.workers.wait_for_complete()
            await pilot.pause()
            assert len(app.screen.query_one(DiffLines).lines) > 20
            assert_harmless(app)
            await pilot.press("G")
            await pilot.pause()
            assert_harmless(app)
            await pilot.press("escape")

    boards.play(app, script, (100, 30))


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_untrusted_text_has_no_markup_and_no_controls(payload: str):
    shown = untrusted.content(payload)
    assert shown.spans == [] and hostile_records.obeyed(shown.plain) == set()
    assert len(shown.plain) <= untrusted.LIMIT_CHARS


def test_a_plain_string_would_have_been_read_as_markup():
    """Why the helper is needed: without it, a widget turns untrusted text into an action."""

    class Plain(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("[@click=app.quit]y[/]")
            yield Static(untrusted.content("[@click=app.quit]y[/]"))

    async def run() -> None:
        app = Plain()
        async with app.run_test():
            naive, ours = (static.content for static in app.query(Static))
            assert Content.from_markup(str(naive)).spans
            assert isinstance(ours, Content) and ours.plain == "[@click=app.quit]y[/]"

    asyncio.run(run())


# On a terminal: every byte that is written.

# What Textual writes: CSI sequences, the pointer's shape (OSC 22), and the keyboard's.
_OURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\]22;[a-z-]*(?:\x1b\\|\x07)|\x1b[()][AB0]|\x1b[=>78]")


Keys = list[tuple[float, bytes | signal.Signals]]


def on_a_pty(
    arguments: list[str], ready: bytes, keys: Keys, environment: dict[str, str], module: str = "golfcheck"
) -> tuple[str, int]:
    """Run golfcheck, or another module, on a terminal of 160 x 30; once it wrote `ready`, send keys after their pauses.

    A key may be a signal.

    Returns what it wrote, and its exit code.
    """
    inherited = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}  # of another one
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 160, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=ROOT,
        env={**inherited, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment},
        start_new_session=True,
        # It ends with its terminal, as a shell's programs do: also when these tests are killed.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call to the kernel
    )
    os.close(follower)
    written = bytearray()

    def drain(seconds: float, text: bytes | None = None) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and process.poll() is None and (not text or text not in written):
            if select.select([leader], [], [], min(left, 0.05))[0]:
                try:
                    written.extend(os.read(leader, 65536))
                except OSError:
                    return

    try:
        drain(HANG_SECONDS, ready)
        for pause, key in keys:
            drain(pause)
            if isinstance(key, signal.Signals):
                process.send_signal(key)
            else:
                os.write(leader, key)
        drain(HANG_SECONDS)
        code = process.wait(HANG_SECONDS)
    finally:
        process.kill()
        os.close(leader)
    return written.decode("utf-8", "replace"), code


def test_no_untrusted_escape_sequence_reaches_the_terminal(tree: Path, tmp_path: Path):
    down: Keys = [(0.05, b"j")] * 12
    keys: Keys = [
        (0.5, b"j"),
        *down,
        (0.1, b"G"),
        (0.3, b"t"),
        (0.5, b"\x1b[D"),
        (0.3, b"\x1b"),
        (0.5, b"?"),
        (0.5, b"\x1b"),
    ]
    written, code = on_a_pty(
        ["tui", str(tree), "--no-cache"], b"written rules", [*keys, (0.5, b"q")], {"XDG_STATE_HOME": str(tmp_path)}
    )
    assert code == 0, written[-2000:]
    assert "val_bpb" in written
    assert "\\x1b" in written, "the payloads were on the screen, escaped"
    rest = _OURS.sub("", written)
    assert hostile_records.obeyed(rest) <= {"\r"}, sorted(map(hex, map(ord, hostile_records.obeyed(rest))))
    assert "\x1b]22;owned" not in written


def test_typed_bytes_that_are_not_utf_8_are_ignored(tree: Path, tmp_path: Path):
    keys: Keys = [(0.5, b"\xe9"), (0.3, b"\x9b\xff"), (0.5, b"?"), (1.0, b"\x1b"), (0.5, b"q")]
    written, code = on_a_pty(
        ["tui", str(tree), "--no-cache"], b"written rules", keys, {"XDG_STATE_HOME": str(tmp_path)}
    )
    assert code == 0 and "Traceback" not in written and "esc closes" in written, written[-2000:]


def test_sigterm_restores_the_terminal(tree: Path, tmp_path: Path):
    written, code = on_a_pty(
        ["tui", str(tree), "--no-cache"], b"written rules", [(0.5, signal.SIGTERM)], {"XDG_STATE_HOME": str(tmp_path)}
    )
    assert code == 143 and written.rindex("\x1b[?1049l") > written.rindex("\x1b[?1049h"), written[-500:]


# One payload of each kind: what all of them have in common is tested above, and a record takes two seconds of a core.
_WALKED = (("clear", "combining", "newline", "right to left"), ("c1 osc", "surrogate", "markup", "100k characters"))


@pytest.mark.parametrize("labels", _WALKED, ids=" ".join)
def test_a_payload_of_each_kind_is_text_in_every_widget_of_every_screen(labels: tuple[str, ...], tmp_path: Path):
    """Show payloads on all screens in a terminal, and fail if a widget was on none of them."""
    for index, label in enumerate(labels):
        hostile_records.draft(label, index).write(tmp_path / "records")
    written, code = on_a_pty(
        [str(tmp_path / "records")],
        b"walked",
        [],
        {"XDG_STATE_HOME": str(tmp_path)},
        module="tests.golfcheck.hostile_walk",
    )
    assert code == 0 and "walked" in written, written[-2000:]
    assert written.count("\\x") > 10, "the payloads were on the screens, escaped"
    rest = _OURS.sub("", written)
    assert hostile_records.obeyed(rest) <= {"\r"}, sorted(map(hex, map(ord, hostile_records.obeyed(rest))))
