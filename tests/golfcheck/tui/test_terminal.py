"""One visit in a real terminal (tmux): start, filter, open, compare, watch a file that grows, quit."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clock import HANG_SECONDS
from tests.conftest import ROOT
from tests.golfcheck.valid_record import Draft

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux, a terminal to run in")
PATIENCE_SECONDS = 180  # for a screen to show something on a busy machine


@dataclass
class Terminal:
    """A tmux session of its own server."""

    socket: Path

    def tmux(self, *words: str) -> str:
        completed = subprocess.run(
            ["tmux", "-S", str(self.socket), *words], capture_output=True, text=True, timeout=HANG_SECONDS
        )
        return completed.stdout

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tmux("send-keys", "-t", "golfcheck", key)
            time.sleep(0.05)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-t", "golfcheck", "-l", text)

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "golfcheck")

    def press_until(self, key: str, text: str) -> None:
        """Press a key until the screen shows this text: keys are lost while an editor returns the terminal."""
        until = time.monotonic() + PATIENCE_SECONDS
        while text not in (shown := self.screen()):
            assert time.monotonic() < until, f"no {text!r} on the screen after {PATIENCE_SECONDS} s:\n{shown}"
            self.press(key)
            time.sleep(1)

    def wait_for(self, *texts: str, gone: str = "") -> str:
        """Return the screen once it shows all of these texts, and not the one that must disappear."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            shown = self.screen()
            if all(text in shown for text in texts) and not (gone and gone in shown):
                return shown
            assert time.monotonic() < until, f"no {texts!r} on the screen after {PATIENCE_SECONDS} s:\n{shown}"
            time.sleep(0.1)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    # A socket's path has 108 bytes at most; the test's own folder may be longer.
    result = Terminal(Path(f"/tmp/golfcheck-{os.getpid()}.tmux"))
    yield result
    result.tmux("kill-server")
    result.socket.unlink(missing_ok=True)


def test_a_visit_to_the_main_screens(terminal: Terminal, tmp_path: Path):
    for index, author in enumerate(("ann", "bo", "cleo")):
        draft = Draft(folder=f"2026-06-0{index + 1}_Record{index}", bpb_shift=-0.01 * index)
        draft.set(**{**draft.submission(), "name": f"Record {index}", "author": author, "github_id": author})
        draft.write(tmp_path / "records")
    log = tmp_path / "logs" / "run.txt"
    log.parent.mkdir()
    whole = Draft().log(42).decode().splitlines(keepends=True)
    begun, later = (next(i for i, line in enumerate(whole) if line.startswith(f"step:{n}/")) for n in (3, 7000))
    log.write_text("".join(whole[:begun]))

    python = shlex.quote(sys.executable)
    environment = {
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "EDITOR": "true",
    }
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    terminal.tmux(
        *("new-session", "-d", "-s", "golfcheck", "-x", "100", "-y", "30", "-c", str(tmp_path)),
        f"env -u COLUMNS -u LINES {settings} {python} -m golfcheck tui records; echo left with $?; sleep 60",
    )
    shown = terminal.wait_for("3 records", "Record 2", "to beat")
    assert shown.index("Record 2") < shown.index("Record 0"), "the best stands first"

    terminal.press("/")
    terminal.type("author:bo")
    terminal.wait_for("1 of 3 records", "Record 1", gone="Record 2")
    terminal.press("Enter", "Enter")
    terminal.wait_for("Record 1", "Ledger")
    terminal.press("2")
    terminal.press("Escape")
    terminal.wait_for("1 of 3 records")
    terminal.press("Escape")
    terminal.wait_for("3 records", gone="1 of 3")

    terminal.press("g", "Space", "Space", "c")
    terminal.wait_for("Settings", "1.09474", "1.10474")
    terminal.press("Escape")
    terminal.wait_for("3 records")

    terminal.press("w")
    terminal.wait_for("run.txt", "step 2", gone="7,000")
    with log.open("a") as file:
        file.write("".join(whole[begun : later + 1]))
    terminal.wait_for("run.txt", "7,000")
    terminal.press("Escape")
    terminal.wait_for("3 records")
    terminal.press("e")  # an editor takes the terminal and gives it back
    terminal.wait_for("3 records")
    terminal.press_until("q", "left with 0")
