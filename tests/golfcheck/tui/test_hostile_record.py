"""Hostile records on the screens of a record, of a comparison and of a watch: drawn as text, never acted on."""

import os
import pty
import re
import select
import signal
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pytest
from rich.console import RenderableType
from rich.style import Style
from textual.content import Content
from textual.pilot import Pilot

from golfcheck.board.load import load_board
from golfcheck.board.model import Row
from golfcheck.comparison.codediff import code_diffs
from golfcheck.comparison.difference import difference
from golfcheck.core.text import safe
from golfcheck.judging.config import JudgingSettings
from golfcheck.live.logwatch import LogWatch
from golfcheck.live.pace import reference_of
from golfcheck.render.diff_text import code_lines, code_title
from golfcheck.submission.examined import results
from golfcheck.submission.logtext import LogText
from golfcheck.submission.record import Record, load
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.drawing import explanation, sidebyside
from golfcheck.tui.drawing.glyphs import UNICODE
from golfcheck.tui.drawing.ledgertable import ledger
from golfcheck.tui.drawing.readmeview import readme
from golfcheck.tui.drawing.watchreport import report
from golfcheck.tui.screens.compare import CompareScreen
from golfcheck.tui.screens.detail import DetailScreen, headline
from golfcheck.tui.screens.watchscreen import WatchScreen
from golfcheck.tui.widgets.codeview import CodeView
from golfcheck.tui.widgets.findingspane import FindingList
from golfcheck.tui.widgets.logview import LogView
from golfcheck.tui.widgets.seedstrip import Seeds, strip
from golfcheck.tui.widgets.sheet import rendered
from tests.golfcheck import hostile_records
from tests.golfcheck.boards import play, text
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.tui.test_record_screens import settled

STYLES = {name: Style() for name in ("error", "warning", "info", "ok")}
ROOT = Path(__file__).parents[3]
WORST = ("markup", "100k characters")


@dataclass(frozen=True, slots=True)
class Tree:
    root: Path
    rows: dict[str, Row]  # by the payload's label
    records: dict[str, Record]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    root = tmp_path_factory.mktemp("hostile")
    folders = hostile_records.write_all(root)
    board = load_board([root], JudgingSettings(cache=False, jobs=1))
    by_path = {row.verdict.path: row for row in board.rows}
    rows = {label: by_path[str(folder)] for label, folder in folders.items()}
    return Tree(root, rows, {label: load(folder) for label, folder in folders.items()})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests away from the state and cache of whoever runs them."""
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))


def drawn(renderable: RenderableType) -> Iterator[str]:
    """Yield the lines of what a Sheet shows, and assert that nothing in them can be clicked."""
    for line in rendered(renderable, 100, STYLES):
        assert all(not (s.style and (s.style.link or s.style.meta)) for s in line), line.text
        yield line.text


def obeyed(texts: Iterator[str] | list[str]) -> set[str]:
    return {character for line in texts for character in hostile_records.obeyed(line)}


def of_content(content: Content) -> list[str]:
    """Return the text of a widget's content; untrusted text must not give it an action."""
    assert not any("click" in str(span.style) or "link" in str(span.style) for span in content.spans)
    return [content.plain]


@pytest.mark.parametrize("label", PAYLOADS)
def test_no_part_of_a_hostile_record_is_obeyed_where_it_is_drawn(tree: Tree, label: str, tmp_path: Path):
    row, record, other = tree.rows[label], tree.records[label], tree.records["xml"]
    verdict = row.verdict
    texts = of_content(headline(row))
    scores = tuple((result.seed, result.score.val_bpb) for result in results(record))
    texts += of_content(strip(Seeds(scores, verdict.score, verdict.to_beat), 100))
    for finding in verdict.findings:
        waived = replace(finding, waived=PAYLOADS[label])
        texts += [*drawn(explanation.of_finding(finding)), *drawn(explanation.of_finding(waived))]
    for skipped in verdict.skipped:
        texts += drawn(explanation.of_skipped(skipped))
    texts += [*drawn(ledger(verdict, results(record))), *drawn(readme(record.readme))]
    compared = difference([record, other], [verdict, tree.rows["xml"].verdict])
    texts += [*drawn(sidebyside.numbers(compared, ["valid", "valid"])), *drawn(sidebyside.settings(compared))]
    for diff in code_diffs(record, other):
        texts += [code_title(diff), *(line for _, line in code_lines(diff))]
    reference = reference_of(record)
    assert reference is not None
    log = tmp_path / "run.txt"
    log.write_bytes((record.path / record.logs[0].path).read_bytes())
    progress = LogWatch(log, reference).look(0)
    texts += of_content(report(progress, log, reference.name, 118, UNICODE))
    assert obeyed(texts) <= {"\n"}, obeyed(texts)


def test_every_line_of_every_hostile_log_and_readme_is_drawn(tree: Tree):
    app = GolfcheckApp(tree.root, JudgingSettings(cache=False), board=None)
    app.board_screen.board = None
    rows = [tree.rows[label] for label in WORST]

    async def script(pilot: Pilot[None]) -> None:
        for row in rows:
            app.push_screen(DetailScreen(row, app.load_record))
            for key in "2345":
                await pilot.press(key)
                await settled(pilot)
                assert obeyed([text(app)]) <= {"\n"}, (row.verdict.path, key)
            screen = app.screen
            assert isinstance(screen, DetailScreen)
            view = screen.query_one(LogView)
            assert len(view.log_text) > 10
            shown = [view.render_line(y).text for y in range(view.size.height)]
            assert obeyed(shown) == set()
            assert len(screen.query_one(FindingList).options) > 3
            # A click on untrusted text does nothing but move a cursor.
            for index in ((5, 0), (20, 1), (10, 8), (60, 8), (90, 12)):
                await pilot.click(offset=index)
            await pilot.press("2")
            for index in ((5, 8), (12, 10), (60, 8), (70, 12)):
                await pilot.click(offset=index)
            await settled(pilot)
            assert app.is_running and app.screen is screen
            await pilot.press("escape")
        app.push_screen(CompareScreen(rows))
        for key in "1234":
            await pilot.press(key)
            await settled(pilot)
            assert obeyed([text(app)]) <= {"\n"}, key
        assert app.screen.query_one(CodeView).lines
        await pilot.click(offset=(4, 1))
        assert isinstance(app.screen, CompareScreen)

    play(app, script)


def test_a_hostile_log_is_watched(tree: Tree, tmp_path: Path):
    app = GolfcheckApp(tree.root, JudgingSettings(cache=False), board=None)
    log = tmp_path / "run.txt"

    async def script(pilot: Pilot[None]) -> None:
        for label in WORST:
            record = tree.records[label]
            log.write_bytes((record.path / record.logs[0].path).read_bytes())
            app.push_screen(WatchScreen(log, tree.rows[label]))
            await settled(pilot)
            app.screen.look()
            await settled(pilot)
            assert obeyed([text(app)]) <= {"\n"}, label
            await pilot.click(offset=(5, 31))
            assert isinstance(app.screen, WatchScreen)
            await pilot.press("escape")

    play(app, script)


def test_only_the_start_of_a_10_mb_line_is_escaped(monkeypatch: pytest.MonkeyPatch):
    app = GolfcheckApp(Path(), JudgingSettings(cache=False), board=None)
    longest = 0

    def measured(text: str, limit: int) -> str:
        nonlocal longest
        longest = max(longest, len(text))
        return safe(text, limit)

    monkeypatch.setattr("golfcheck.tui.widgets.logview.safe", measured)

    async def script(pilot: Pilot[None]) -> None:
        view = LogView()
        await app.screen.mount(view)
        view.show(LogText(b"\x1b[31m" * 2_000_000 + b"\nlast\n" + b"x\n" * 200_000))
        view.focus()
        await pilot.press("G", "g", *("l",) * 5)
        assert view.scroll_offset.x == 40
        assert view.render_line(0).text.count("\\x1b[31m") > 5
        assert 0 < longest <= 16_384 * 4  # tabs are made blanks

    play(app, script)


# A terminal.

FOREIGN = (
    b"\x1b]52;c;cm0gLXJmIH4=",
    b"\x1b]0;owned",
    b"\x1b]8;",
    b"\x1b[6n",
    b"\x1bP+q",
    b"\x1b[2J\x1b[H\x1b",
    b"\x9d52",
)
_RUN = """
import sys
from pathlib import Path
from golfcheck.board.load import load_board
from golfcheck.judging.config import JudgingSettings
from golfcheck.tui.app import GolfcheckApp
root = Path(sys.argv[1])
settings = JudgingSettings(cache=False, jobs=1)
GolfcheckApp(root, settings, board=load_board([root], settings)).run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pty")
def test_on_a_terminal_no_untrusted_escape_is_written(tmp_path: Path):
    for index, label in enumerate(("clipboard", "hyperlink")):
        hostile_records.draft(label, index).write(tmp_path / "records")
    child, terminal = pty.fork()
    if child == 0:  # the terminal's other end
        os.chdir(ROOT)
        environment = {**os.environ, "TERM": "xterm-256color", "XDG_STATE_HOME": str(tmp_path / "state")}
        os.execve(sys.executable, [sys.executable, "-c", _RUN, str(tmp_path / "records")], environment)
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 34, 120, 0, 0))
    try:
        output = _until(terminal, b"\x1b[", 20, quiet=2.0)
        for _ in range(2):
            for key in b"\r2345":
                os.write(terminal, bytes([key]))
                output += _until(terminal, b"", 3, quiet=0.25)
            os.write(terminal, b"\x1b")
            output += _until(terminal, b"", 3, quiet=0.4)
            os.write(terminal, b"j")
        os.write(terminal, b"q")
        output += _until(terminal, b"", 5, quiet=1.0)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
    shown = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", output).decode("utf-8", "replace")
    assert "1 Curve" in shown and "5 Ledger" in shown and "\\x1b]52" in shown
    assert [escape for escape in FOREIGN if escape in output] == []


def _until(terminal: int, wanted: bytes, limit_seconds: float, quiet: float) -> bytes:
    """Return the output once it contains `wanted` and nothing follows for `quiet` seconds."""
    output, end = b"", time.monotonic() + limit_seconds
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], quiet)
        if not ready:
            if wanted in output:
                break
            continue
        try:
            data = os.read(terminal, 65_536)
        except OSError:
            break
        if not data:
            break
        output += data
    return output
