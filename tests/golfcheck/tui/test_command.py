"""`golfcheck tui`: what it opens, and its message if it cannot."""

import builtins
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from golfcheck.cli import main
from golfcheck.commands import tui
from golfcheck.live import newest
from golfcheck.tui import editor
from golfcheck.tui.app import GolfcheckApp
from tests.golfcheck.valid_record import Draft


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[GolfcheckApp]:
    """The applications that were run, on what claims to be a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(tui, "_on_a_terminal", lambda: True)
    result: list[GolfcheckApp] = []

    def run(app: GolfcheckApp) -> None:
        result.append(app)

    monkeypatch.setattr(GolfcheckApp, "run", run)
    return result


def test_it_opens_the_named_tree_else_records_else_this_folder(ran: list[GolfcheckApp], tmp_path: Path):
    assert main(["tui"]) == 0
    (tmp_path / "records").mkdir()
    assert main(["tui"]) == 0
    assert main(["tui", str(tmp_path), "--ascii", "--ruleset", "audit-2026-05", "--no-cache"]) == 0
    assert [app.root for app in ran] == [Path(), Path("records"), tmp_path]
    assert ran[2].ascii_only
    assert (ran[2].settings.ruleset, ran[2].settings.cache) == ("audit-2026-05", False)


@pytest.mark.usefixtures("ran")
def test_a_crash_of_the_screens_exits_with_1(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(GolfcheckApp, "return_code", 1)
    assert main(["tui"]) == 1


def test_it_opens_on_a_log_that_is_yet_to_be_written(ran: list[GolfcheckApp], tmp_path: Path):
    (tmp_path / "logs").mkdir()
    assert main(["tui", "--watch", "logs/run.txt"]) == 0
    assert main(["tui", "--watch", "logs/a.txt", "--watch", "logs/b.txt", "logs"]) == 0
    assert main(["tui", "--watch", "logs/a.txt", "logs/b.txt", "--ascii"]) == 0  # as a shell expands logs/*.txt
    assert [app.logs_to_watch for app in ran] == [
        (Path("logs/run.txt"),),
        *[(Path("logs/a.txt"), Path("logs/b.txt"))] * 2,
    ]
    assert [app.root for app in ran] == [Path(), Path("logs"), Path()]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["--watch", "none/run.txt"], "none/run.txt: no such folder"),
        (["--watch", "."], ".: is a folder; --watch expects the logs that runs write"),
        (["--watch", "run.txt", ".", ".."], ".: is a folder; --watch expects the logs that runs write"),
        (["--ruleset", "audited"], "audit-2026-05"),
    ],
)
def test_invalid_arguments_are_refused_in_one_line(
    ran: list[GolfcheckApp], capsys: pytest.CaptureFixture[str], arguments: Sequence[str], expected: str
):
    assert main(["tui", *arguments]) == 2
    assert ran == []
    error = capsys.readouterr().err
    assert expected in error


def test_without_a_terminal_it_names_the_command_for_a_pipe(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert main(["tui", str(tmp_path)]) == 2
    assert "golfcheck leaderboard" in capsys.readouterr().err


def test_a_terminal_without_a_cursor_is_refused_in_one_line(
    ran: list[GolfcheckApp], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("TERM", "dumb")
    assert main(["tui"]) == 2
    assert ran == []
    error = capsys.readouterr().err
    assert "TERM is dumb" in error and "golfcheck leaderboard" in error and error.count("\n") == 1


def test_without_textual_it_says_what_to_install(
    ran: list[GolfcheckApp], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    real = builtins.__import__

    def without(name: str, *given: Any) -> Any:
        if name == "golfcheck.tui.app":
            raise ModuleNotFoundError("No module named 'textual'", name="textual")
        return real(name, *given)

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["tui"]) == 2
    assert "tui needs textual: pip install 'golfcheck[tui]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "line", "expected"),
    [
        ("true", 7, ["true", "+7"]),
        ("true", None, ["true"]),
        ("true -n --wait", 7, ["true", "-n", "--wait", "+7"]),
        ("no-such-editor", 7, None),
        ("'unbalanced", 7, None),
    ],
)
def test_the_editor_is_opened_at_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, line: int | None, expected: list[str] | None
):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", setting)
    file = tmp_path / "-n"  # no option, whatever its name
    assert editor.command(file, line) == (None if expected is None else [*expected, str(file)])


def test_an_editor_that_takes_file_colon_line_gets_that_form(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program = tmp_path / "code"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", f"{program} --wait")
    assert editor.command(tmp_path / "a.log", 66) == [str(program), "--wait", "--goto", f"{tmp_path / 'a.log'}:66"]


def test_the_newest_log_is_the_one_written_last(tmp_path: Path):
    assert newest.logs(tmp_path) == []
    Draft().write(tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "b.txt").write_text("")
    os.utime(tmp_path / "logs" / "b.txt", (2e9, 2e9))
    assert newest.logs(tmp_path)[0] == tmp_path / "logs" / "b.txt"
