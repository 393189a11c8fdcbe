"""`golfcheck verify` from the command line to the exit code, on records made here and on real ones."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
import unicodedata
from dataclasses import fields, replace
from pathlib import Path
from time import perf_counter

import pytest

from golfcheck import cli
from golfcheck.commands.parser import parser_of
from golfcheck.core import schema
from golfcheck.core.outcome import Outcome
from golfcheck.core.ruleset import RULESETS
from golfcheck.core.typedjson import dump, reader_of
from golfcheck.judging.config import FORMATS, JudgingSettings
from golfcheck.judging.judged import Judged
from tests.conftest import ROOT
from tests.golfcheck import folders
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.submission.test_history import commit, git
from tests.golfcheck.valid_record import Draft

# From Python 3.12 on a fork beside the threads of a library (numpy's, in other tests) is warned of.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use neither the cache nor the settings of whoever runs the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GOLFCHECK_")]:
        monkeypatch.delenv(name)


def verify(*arguments: object) -> int:
    return cli.main(["verify", *map(str, arguments)])


def test_a_valid_record_is_0_and_needs_no_path(tmp_path: Path, capsys):
    folders.make(tmp_path)
    assert verify() == 0
    assert "VERDICT  valid   0 errors, 0 warnings, 0 info" in capsys.readouterr().out


def test_the_time_is_that_of_this_run_whatever_the_cache_holds(tmp_path: Path, capsys):
    folders.make(tmp_path)
    for _ in range(2):
        started = perf_counter()
        assert verify() == 0
        took = perf_counter() - started
        (shown,) = re.findall(r" {3}([0-9]+\.[0-9]{2}) s$", capsys.readouterr().out, re.MULTILINE)
        assert float(shown) <= took + 0.005
    with sqlite3.connect(tmp_path / "cache" / "golfcheck" / "records.sqlite") as cache:
        (text,) = cache.execute("select value from derived where name like 'written%'").fetchone()
        judged = reader_of(Judged)(json.loads(text))
        slow = dump(replace(judged, verdict=replace(judged.verdict, seconds=987.65)))
        cache.execute("update derived set value = ? where name like 'written%'", (slow,))
    assert verify("--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["verdicts"][0]["seconds"] == 987.65, "it was cached"
    assert verify() == 0
    assert "987.65" not in capsys.readouterr().out


def test_an_error_is_1(tmp_path: Path, capsys):
    folders.make(tmp_path, val_bpb=1.1)
    assert verify(tmp_path) == 1
    out = capsys.readouterr().out
    assert "error[score-not-in-logs]" in out
    assert out.endswith("next     golfcheck explain score-not-in-logs\n")


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("never", 0)])
def test_fail_on_sets_what_counts(fail_on: str, code: int, tmp_path: Path):
    (folders.make(tmp_path) / "train_seed42.log").unlink()  # two seeds: a warning
    assert verify(tmp_path, "--fail-on", fail_on) == code


def test_requiring_a_record_asks_for_a_significant_gain(tmp_path: Path):
    folders.make(tmp_path)
    assert verify(tmp_path) == 0
    assert verify(tmp_path, "--require", "record", "--fail-on", "never") == 1


def test_a_gain_over_an_earlier_record_makes_a_record(tmp_path: Path, capsys):
    earlier = Draft(folder="2026-05-01_Earlier", bpb_shift=0.05)
    earlier.set(name="Worse")
    earlier.write(tmp_path)
    better = Draft().write(tmp_path)
    assert verify(better, "--require", "record", "--fail-on", "never") == 0
    assert "(frontier on 2026-06-01: Worse)" in capsys.readouterr().out
    assert verify(better, "--as-of", "2026-03-01", "--require", "record", "--fail-on", "never") == 1


def test_a_record_whose_numbers_are_proven_wrong_is_not_the_one_to_beat(tmp_path: Path, capsys):
    Draft(folder="2026-05-01_Earlier", bpb_shift=0.05).write(tmp_path)
    Draft(folder="2026-05-02_Wrong", bpb_shift=-0.2, val_tokens=70_000_000).write(tmp_path)
    assert verify(Draft().write(tmp_path), "--require", "record", "--fail-on", "never") == 0
    assert verify(tmp_path / "track_10min_16mb" / "2026-05-02_Wrong", "--select", "bytes-not-conserved") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["none"],
        ["--select", "no-such-rule"],
        ["--select", "readme-missing", "--ignore", "files"],
        ["--as-of", "yesterday"],
        ["--base", "main"],
        ["--diff"],
        ["--fix", "--base", "main"],
        ["--also", "json"],
        ["--jobs", "two"],
        ["--jobs", "-1"],
    ],
    ids=" ".join,
)
def test_invalid_arguments_give_exit_code_2_and_one_line(arguments: list[str], tmp_path: Path, capsys):
    folders.make(tmp_path)
    assert verify(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1


def test_when_every_rule_is_skipped_nothing_was_checked_and_that_is_2(tmp_path: Path, capsys):
    folders.make(tmp_path)
    assert verify(tmp_path, "--select", "foreign-files-touched") == 2
    assert "nothing could be checked" in capsys.readouterr().err


def test_select_and_ignore_take_rules_and_families(tmp_path: Path, capsys):
    folders.make(tmp_path)
    assert verify(tmp_path, "--select", "size,readme-missing", "--ignore", "thin-margin", "--format", "json") == 0
    verdict = json.loads(capsys.readouterr().out)["verdicts"][0]
    checked = {*verdict["passed"], *(skipped["rule"] for skipped in verdict["skipped"])}
    assert "readme-missing" in checked
    assert "bytes-over-cap" in checked
    assert not checked & {"thin-margin", "script-missing"}


def test_one_run_feeds_the_log_the_summary_and_a_file(tmp_path: Path, capsys):
    folders.make(tmp_path)
    out, summary, report = (tmp_path / name for name in ("out.txt", "summary.md", "report.sarif"))
    assert verify(tmp_path, "-o", out, "--also", f"markdown:{summary}", "--also", f"sarif:{report}") == 0
    assert capsys.readouterr().out == ""
    assert "VERDICT" in out.read_text()
    assert summary.read_text().startswith("### ")
    assert json.loads(report.read_text())["version"] == "2.1.0"


def test_an_output_that_cannot_be_written_is_2_and_one_line(tmp_path: Path, capsys):
    folders.make(tmp_path)
    assert (
        verify(tmp_path, "-o", tmp_path / "records" / "track_10min_16mb" / "2026-04-01_Small" / "README.md" / "x") == 2
    )
    assert capsys.readouterr().err.count("\n") == 1


def test_the_file_of_settings_is_heeded_and_a_flag_is_stronger(tmp_path: Path):
    (folders.make(tmp_path) / "submission.json").write_text("{")
    (tmp_path / "golfcheck.toml").write_text('ignore = ["json-invalid"]\n')
    assert verify(tmp_path) == 0
    assert verify(tmp_path, "--ignore", "thin-margin") == 1


def test_a_waiver_is_shown_with_its_reason_and_does_not_fail(tmp_path: Path, capsys):
    waiver = {"ignore": {"readme-missing": "it is in the paper"}}
    (folders.make(tmp_path, golfcheck=waiver) / "README.md").unlink()
    assert verify(tmp_path) == 0
    out = capsys.readouterr().out
    assert "waived[readme-missing]" in out
    assert "reason given: it is in the paper" in out


def test_fix_writes_what_diff_only_shows(tmp_path: Path, capsys):
    record = folders.make(tmp_path, bytes_code=None)
    before = (record / "submission.json").read_bytes()
    assert verify(record, "--fix", "--diff") == 0
    assert '+  "bytes_code": 15' in capsys.readouterr().out
    assert (record / "submission.json").read_bytes() == before
    assert verify(record, "--fix") == 0
    assert "fixed" in capsys.readouterr().err
    assert json.loads((record / "submission.json").read_text())["bytes_code"] == 15


def test_a_tree_is_judged_alike_by_one_process_and_two_cached_or_not(tmp_path: Path, capsys):
    for number in range(9):
        folders.make(tmp_path, f"2026-04-0{number + 1}_R{number}", date=f"2026-04-0{number + 1}", name=f"R{number}")
    result = []
    for options in (["--jobs", "1", "--no-cache"], ["--jobs", "2", "--no-cache"], ["--jobs", "2"], ["--jobs", "1"]):
        verify(tmp_path, "--format", "json", *options)
        document = json.loads(capsys.readouterr().out)
        assert schema.violations("verdict", document) == []
        result.append([verdict | {"seconds": 0} for verdict in document["verdicts"]])
    assert len(result[0]) == 9
    assert result[0] == result[1] == result[2] == result[3]


def test_the_documentation_names_every_option_format_outcome_and_setting():
    text = (ROOT / "docs" / "verify.md").read_text()
    options = [option for action in parser_of("verify")._actions for option in action.option_strings]
    settings = [field.name.replace("_", "-") for field in fields(JudgingSettings)]
    for word in {*options, *FORMATS, *Outcome, *RULESETS, *settings} - {"-h", "--help"}:
        assert f"`{word}" in text, word


# With git.


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """A repository whose branch adds one record to another that lacks a README."""
    git(tmp_path, "init", "-q", "-b", "main")
    (folders.make(tmp_path, "2026-03-01_Old", date="2026-03-01") / "README.md").unlink()
    commit(tmp_path, "2026-03-01T00:00:00Z")
    git(tmp_path, "checkout", "-q", "-b", "mine")
    folders.make(tmp_path, "2026-04-01_Mine")
    commit(tmp_path, "2026-04-01T00:00:00Z")
    return tmp_path


def test_base_judges_only_what_the_branch_adds(branch: Path, capsys):
    assert verify("--base", "main", "--format", "json") == 0
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert verdict["path"] == "records/track_10min_16mb/2026-04-01_Mine"
    assert "foreign-files-touched" in verdict["passed"]


def test_a_branch_that_touches_anything_else_is_an_error(branch: Path, capsys):
    (branch / "train_gpt.py").write_text("changed\n")
    commit(branch, "2026-04-02T00:00:00Z")
    assert verify("--base", "main", "--format", "concise") == 1
    assert "error[foreign-files-touched] train_gpt.py is added" in capsys.readouterr().out


def test_a_branch_without_a_record_judges_none_and_is_0(branch: Path, capsys):
    git(branch, "checkout", "-q", "main")
    git(branch, "checkout", "-q", "-b", "other")
    (branch / "notes.md").write_text("x\n")
    commit(branch, "2026-04-02T00:00:00Z")
    assert verify("--base", "main") == 0
    assert "this branch adds or changes no record" in capsys.readouterr().err


def test_only_findings_in_changed_files_are_reported(branch: Path, capsys):
    old = branch / "records" / "track_10min_16mb" / "2026-03-01_Old"
    content = json.loads((old / "submission.json").read_text()) | {"bytes_total": 1_000}
    (old / "submission.json").write_text(json.dumps(content))
    commit(branch, "2026-04-02T00:00:00Z")
    (old / "submission.json").write_text(json.dumps(content))
    git(branch, "checkout", "-q", "-b", "repair")
    (old / "README.md").write_text("# Now\n")
    commit(branch, "2026-04-03T00:00:00Z")
    verify("--base", "mine", "--format", "json")
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert {finding["path"] for finding in verdict["findings"]} <= {None, "README.md"}


def test_a_commit_dates_a_record_better_than_its_folders_name(branch: Path, capsys):
    backdated = folders.make(branch, "2026-02-01_Backdated", date="2026-02-01", name="Backdated")
    commit(branch, "2026-04-20T00:00:00Z")
    verify(backdated, "--format", "json")
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert verdict["to_beat"]["on"] == "2026-04-20"  # by its name it would be the first of all


def test_without_git_the_folder_names_date_the_records_and_this_is_shown(branch: Path, capsys, monkeypatch):
    monkeypatch.setattr("golfcheck.core.gitprocess._CONFIG", ("no such = setting",))  # git refuses to start
    verify(branch, "--format", "json")
    said = capsys.readouterr()
    assert [verdict["to_beat"] is not None for verdict in json.loads(said.out)["verdicts"]] == [False, True]
    assert said.err.startswith("golfcheck: records are dated by their folders' names, not by commits: git")
    assert said.err.count("\n") == 1


def test_a_record_outside_the_repository_is_not_part_of_its_branch(branch: Path, tmp_path_factory, capsys):
    elsewhere = folders.make(tmp_path_factory.mktemp("elsewhere"))
    assert verify(branch, elsewhere, "--base", "main", "--format", "concise") == 0
    assert "1 record: " in capsys.readouterr().out


# On a terminal.


def on_a_terminal(*arguments: str, columns: int = 80) -> str:
    """Run golfcheck on a pty and return its output."""
    main, terminal = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": str(columns)}
    for name in ("NO_COLOR", "FORCE_COLOR"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "golfcheck", *arguments]
    process = subprocess.Popen(command, stdout=terminal, stderr=terminal, stdin=terminal, env=environment)
    os.close(terminal)
    sent = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        sent += piece
    process.wait(30)
    os.close(main)
    return sent.decode()


def test_a_hostile_record_sends_no_control_character_to_a_terminal(tmp_path: Path):
    for number, payload in enumerate(PAYLOADS.values()):
        text = payload.encode("utf-8", "replace").decode()[:1_000]
        claims = {
            "bytes_code": None,
            "name": text,
            "author": text,
            "blurb": text,
            "date": text,
            "track": text,
            "hardware": text,
        }
        record = folders.make(tmp_path, f"2026-04-01_H{number}", **claims, golfcheck={"ignore": {text: text}})
        (record / "train_seed42.log").write_text(folders.log(42).replace("final_int8", f"final {text} int8"))
        (record / "README.md").unlink()
    for options in ([], ["-v"], ["--format", "concise"], ["--fix", "--diff"]):
        sent = on_a_terminal("verify", str(tmp_path), *options)
        assert "_H" in sent
        # Ours: colors, the bar's erasing and cursor movements by rich, and the terminal's own line ends.
        left = re.sub(r"\x1b\[[0-9;]*[mAK]|\x1b\[\?25[lh]|\x1b\[[12]K|\r", "", sent)
        foreign = {character for character in left if unicodedata.category(character)[0] == "C"} - {"\n"}
        assert foreign == set()


def test_a_terminal_sees_color_and_a_pipe_does_not(tmp_path: Path, capsys):
    folders.make(tmp_path)
    assert "\x1b[1m" in on_a_terminal("verify", str(tmp_path))
    verify(tmp_path)
    assert "\x1b" not in capsys.readouterr().out


def test_lines_fit_a_narrow_terminal(tmp_path: Path):
    folders.make(tmp_path)
    sent = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_a_terminal("verify", str(tmp_path / "records"), columns=60))
    said = [line for line in sent.splitlines() if not line.startswith("next ")]
    assert max(map(len, said)) <= 60


# On real records.


def test_real_records_are_judged_within_their_schema(shared_data: Path, capsys):
    assert verify(shared_data / "records", "--format", "json") in (0, 1)
    document = json.loads(capsys.readouterr().out)
    assert schema.violations("verdict", document) == []
    assert document["summary"]["records"] == 28
