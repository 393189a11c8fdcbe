"""The command line: exit codes, one-line messages, suggestions, and a reader that closes the pipe."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from golfcheck import cli
from golfcheck.commands.parser import laid_out
from golfcheck.core.errors import GolfcheckError, MissingExtra, UsageError
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT
from tests.golfcheck import folders
from tests.golfcheck.valid_record import Draft


def golfcheck(*arguments: object, **settings: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "golfcheck", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS, env=environment, **settings)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_has_its_line_in_the_table_and_a_help_page(name: str, capsys):
    assert cli.COMMANDS[name] == import_module(f"golfcheck.commands.{name}").HELP
    assert cli.main([name, "--help"]) == 0
    assert f"golfcheck {name}" in capsys.readouterr().out


def test_every_command_module_is_in_the_table():
    modules = {path.stem for path in (ROOT / "golfcheck" / "commands").glob("*.py")}
    modules -= {"__init__", "parser", "fish", "progressline"}  # what commands are made of
    assert modules == set(cli.COMMANDS)


PAGES_OF_HELP = [
    ["--help"],
    *([name, "--help"] for name in cli.COMMANDS),
    *(["data", name, "--help"] for name in ("demo", "get", "tokenize", "check")),
]


@pytest.mark.parametrize("page", PAGES_OF_HELP, ids=" ".join)
def test_each_page_of_help_fits_80_columns(page: list[str], monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(page) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > 80] == []


def test_explanations_of_examples_go_below_them_where_they_do_not_fit():
    text = "Prose that is\nwrapped as one.\n\nExamples:\n  do this    that is what it does\n  or that    less\n"
    assert laid_out(text, 26).splitlines() == [
        "Prose that is wrapped as",
        "one.",
        "",
        "Examples:",
        "  do this",
        "      that is what it does",
        "  or that",
        "      less",
    ]
    assert laid_out(text, 60).splitlines()[-1] == "  or that    less"


def test_help_lists_the_commands_in_their_order(capsys):
    assert cli.main(["--help"]) == 0
    listed = re.findall(r"^  ([a-z]+) {2,}", capsys.readouterr().out, re.MULTILINE)
    assert listed == list(cli.COMMANDS)


def test_no_command_is_a_usage_error_that_shows_the_help(capsys):
    assert cli.main([]) == 2
    assert "usage: golfcheck COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "suggested"),
    [
        (["verfiy"], "verify"),
        (["--hepl"], "--help"),
        (["verify", "--fromat", "json"], "--format"),
        (["verify", "--format", "jsno"], "json"),
        (["verify", "--select", "readme-mising", "."], "readme-missing"),
        (["verify", "--also", "mardkown:x"], "markdown"),
        (["explain", "train-time-over-capp"], "train-time-over-cap"),
        (["data", "demmo"], "demo"),
        (["data", "check", "--tokenzier", "x"], "--tokenizer"),
    ],
)
def test_a_misspelling_is_answered_with_a_suggestion(arguments: list[str], suggested: str, capsys):
    assert cli.main(arguments) == 2
    complaint = capsys.readouterr().err
    assert f"did you mean {suggested}" in complaint.replace("'", "")
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("arguments", [["tui", "--me"], ["tui", "--mee"], ["verify", "--zz"]])
def test_an_option_like_no_other_has_no_suggestion(arguments: list[str], capsys):
    assert cli.main(arguments) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GolfcheckError("no room"), "golfcheck: no room\n"),
        (MissingExtra("rescore", "torch", "train"), "golfcheck: rescore needs torch: pip install 'golfcheck[train]'\n"),
        (FileNotFoundError(2, "No such file or directory", "x"), "golfcheck: x: No such file or directory\n"),
        (UsageError("name \x1b]0;owned\x07"), "golfcheck: name \\x1b]0;owned\\x07\n"),
    ],
)
def test_an_impossible_request_gives_one_line_and_exit_code_2(error: Exception, said: str, monkeypatch, capsys):
    monkeypatch.setattr(cli, "_dispatch", lambda argv: (_ for _ in ()).throw(error))
    assert cli.main(["verify"]) == 2
    assert capsys.readouterr().err == said


def test_an_interrupt_is_130(monkeypatch, capsys):
    monkeypatch.setattr(cli, "_dispatch", lambda argv: (_ for _ in ()).throw(KeyboardInterrupt))
    assert cli.main(["verify"]) == 130


def test_a_reader_that_leaves_ends_golfcheck_quietly(tmp_path: Path):
    read, write = os.pipe()
    os.close(read)
    folders.make(tmp_path)
    command = [sys.executable, "-m", "golfcheck", "verify", "--no-cache", str(tmp_path)]
    completed = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, cwd=ROOT, timeout=HANG_SECONDS)
    os.close(write)
    assert completed.returncode == 141
    assert completed.stderr == b""


def test_a_terminal_without_unicode_gets_ascii(tmp_path: Path):
    folders.make(tmp_path, author="Renée")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "golfcheck", "verify", str(tmp_path)]
    completed = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT, timeout=HANG_SECONDS)
    assert completed.returncode == 0, completed.stderr
    assert b"[###############################.]" in completed.stdout
    assert b"Ren\\xe9e" in completed.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_the_completion_script_knows_every_command(shell: str, tmp_path: Path):
    completed = golfcheck("completion", shell)
    assert completed.returncode == 0, completed.stderr
    assert all(name in completed.stdout for name in cli.COMMANDS)
    assert "--require" in completed.stdout
    assert shell != "zsh" or completed.stdout.startswith("#compdef golfcheck\n")  # or zsh does not register it


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("golfcheck exp", ["explain"]),
        ("golfcheck verify --fai", ["--fail-on"]),
        ("golfcheck verify --format conc", ["concise"]),
        ("golfcheck explain train-time", ["train-time-over-cap"]),
        ("golfcheck verify rec", ["records"]),
    ],
)
def test_bash_completes_commands_options_values_rules_and_files(words: str, completed: list[str], tmp_path: Path):
    script = tmp_path / "golfcheck.bash"
    script.write_text(golfcheck("completion", "bash").stdout)
    (tmp_path / "records").mkdir()
    ask = f"""source {script}; COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        complete_with=$(complete -p golfcheck | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        $complete_with golfcheck "${{COMP_WORDS[-1]}}" "${{COMP_WORDS[-2]}}"; echo "${{COMPREPLY[@]}}" """
    shell = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=HANG_SECONDS, cwd=tmp_path)
    assert shell.stdout.split() == completed, shell.stderr


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("golfcheck exp", ["explain"]),
        ("golfcheck verify --fai", ["--fail-on"]),
        ("golfcheck verify --format conc", ["concise"]),
        ("golfcheck verify --fail-on ", ["error", "never", "warning"]),
        ("golfcheck explain train-time", ["train-time-over-cap"]),
        ("golfcheck data ", ["check", "demo", "get", "tokenize"]),
        ("golfcheck data get --train", ["--train-shards"]),
        ("golfcheck verify rec", ["records/"]),
        ("golfcheck verify --output rec", ["records/"]),
    ],
)
def test_fish_completes_commands_options_values_rules_and_files(words: str, completed: list[str], tmp_path: Path):
    script = tmp_path / "golfcheck.fish"
    script.write_text(golfcheck("completion", "fish").stdout)
    (tmp_path / "records").mkdir()
    ask = f"source {script}; complete -C '{words}'"
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    shell = subprocess.run(
        ["fish", "-c", ask], capture_output=True, text=True, timeout=HANG_SECONDS, cwd=tmp_path, env=environment
    )
    assert [line.partition("\t")[0] for line in shell.stdout.splitlines()] == completed, shell.stderr


@pytest.mark.parametrize(
    ("variables", "colored"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_color_is_for_terminals_unless_told_otherwise(variables: dict[str, str], colored: bool, tmp_path: Path):
    folders.make(tmp_path)
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")} | variables
    command = [sys.executable, "-m", "golfcheck", "verify", "--no-cache", str(tmp_path)]
    completed = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT, timeout=HANG_SECONDS)
    assert (b"\x1b[" in completed.stdout) is colored


def test_an_interrupt_of_all_processes_shows_one_line(tmp_path: Path):
    for number in range(600):
        folders.make(tmp_path, f"2026-04-01_R{number}")
    command = [sys.executable, "-m", "golfcheck", "verify", "--no-cache", "--jobs", "2", str(tmp_path)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    time.sleep(0.8)  # the processes are started and at work: all need several times as long
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, out, said) == (130, "", "\ngolfcheck: interrupted\n")


COMMANDS_THAT_PRINT = (
    ["verify", "."],
    ["verify", "--format", "json", "."],
    ["explain"],
    ["--help"],
    ["verify", "--help"],
)


@pytest.mark.parametrize("arguments", COMMANDS_THAT_PRINT, ids=" ".join)
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", ">&- 2>&- <&-"])
def test_a_closed_output_is_not_an_error(arguments: list[str], closed: str, tmp_path: Path) -> None:
    record = Draft().write(tmp_path)
    program = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom golfcheck.cli import main\nsys.exit(main())\n"
    command = shlex.join([sys.executable, "-c", program, *arguments])
    completed = subprocess.run(
        ["sh", "-c", f"{command} {closed}"], cwd=record, capture_output=True, text=True, timeout=HANG_SECONDS,
        check=False, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )  # fmt: skip
    assert (completed.returncode, completed.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS_THAT_PRINT, ids=" ".join)
def test_a_disk_without_room_for_the_output_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    record = Draft().write(tmp_path)
    program = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom golfcheck.cli import main\nsys.exit(main())\n"
    with Path("/dev/full").open("w") as full:
        completed = subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=record, stdout=full, stderr=subprocess.PIPE, text=True,
            timeout=HANG_SECONDS, check=False, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        )  # fmt: skip
    assert completed.returncode == 2
    assert (
        completed.stderr.splitlines()[0] == "golfcheck: No space left on device" and "Traceback" not in completed.stderr
    )
