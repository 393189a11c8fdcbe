"""The pre-commit hooks and the GitHub action, run as pre-commit and the runner would run them."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.golfcheck import folders
from tests.golfcheck.submission.test_history import commit, git

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A pull request's checkout: `main`, and on it a branch with one new record; a `golfcheck` beside it."""
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    (work / "README.md").write_text("# Contest\n")
    commit(work, "2026-03-01T00:00:00Z")
    git(work, "checkout", "-q", "-b", "mine")
    folders.make(work)
    commit(work, "2026-04-01T00:00:00Z")
    installed = tmp_path / "golfcheck" / "bin"
    installed.mkdir(parents=True)
    (installed / "golfcheck").write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m golfcheck "$@"\n')
    (installed / "golfcheck").chmod(0o755)
    return work


def run_hook(hook: dict[str, Any], checkout: Path) -> "subprocess.CompletedProcess[str]":
    """Run a hook on all files that it asks for."""
    files = [name for name in git(checkout, "ls-files").splitlines() if re.search(hook["files"], name)]
    search = f"{checkout.parent / 'golfcheck' / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": search, "XDG_CACHE_HOME": str(checkout.parent)}
    return subprocess.run(
        [*shlex.split(hook["entry"]), *files], cwd=checkout, env=environment, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_passes_a_valid_record_and_stops_a_broken_one(hook: dict[str, Any], checkout: Path):
    done = run_hook(hook, checkout)
    assert done.returncode == 0, done.stderr
    git(checkout, "rm", "-q", "records/track_10min_16mb/2026-04-01_Small/README.md")
    done = run_hook(hook, checkout)
    assert done.returncode == 1
    assert "error[readme-missing]" in done.stdout


def test_a_hook_ignores_files_that_are_in_no_record():
    for hook in HOOKS:
        assert not re.search(hook["files"], "records/README.md")
        assert re.search(hook["files"], "records/track_10min_16mb/2026-04-01_Small/train.log")


def test_the_fixing_hook_fills_in_what_the_logs_imply(checkout: Path):
    (fixing,) = [hook for hook in HOOKS if hook["id"] == "golfcheck-fix"]
    record = folders.make(checkout, "2026-04-02_Bare", date="2026-04-02", bytes_code=None)
    commit(checkout, "2026-04-02T00:00:00Z")
    assert run_hook(fixing, checkout).returncode == 0
    assert '"bytes_code": 15' in (record / "submission.json").read_text()


def run_action(checkout: Path, **inputs: str) -> tuple["subprocess.CompletedProcess[str]", str]:
    """Run the action's last step as the runner does; return what it did and the job's summary."""
    step = ACTION["runs"]["steps"][-1]
    values = {name: str(given.get("default", "")) for name, given in ACTION["inputs"].items()} | inputs
    environment = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: values[match[1]], text)
        for name, text in step["env"].items()
    }
    summary = checkout.parent / "summary.md"
    runner = {"RUNNER_TEMP": str(checkout.parent), "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=checkout,
        env={**os.environ, **environment, **runner, "XDG_CACHE_HOME": str(checkout.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done, summary.read_text() if summary.exists() else ""


def test_the_action_annotates_and_writes_the_summary(checkout: Path):
    done, summary = run_action(checkout, base="main")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("golfcheck: 1 record: 1 valid")
    assert "A small record" in summary
    (checkout / "stray.txt").write_text("x")
    commit(checkout, "2026-04-03T00:00:00Z")
    done, summary = run_action(checkout, base="main")
    assert done.returncode == 1
    assert done.stdout.startswith("::error file=records/track_10min_16mb/2026-04-01_Small,title=")
    assert "foreign-files-touched" in summary


def test_the_action_takes_several_paths_a_line_each(checkout: Path):
    folders.make(checkout, "2026-04-02_With spaces", date="2026-04-02")
    paths = "records/track_10min_16mb/2026-04-01_Small\n\nrecords/track_10min_16mb/2026-04-02_With spaces\n"
    done, _ = run_action(checkout, base="", paths=paths)
    assert "golfcheck: 2 records" in done.stdout, done.stderr


@pytest.mark.parametrize("name", ["paths", "base", "ruleset", "fail-on"])
@pytest.mark.parametrize(
    "value", ["$(touch owned)", "`touch owned`", "'; touch owned; '", "--output=owned", '"; touch owned #']
)
def test_an_input_is_never_run_as_a_command_or_taken_for_an_option(name: str, value: str, checkout: Path):
    done, _ = run_action(checkout, **({"base": "main"} | {name: value}))
    assert done.returncode == 2
    assert done.stderr.startswith("golfcheck: ")
    assert not (checkout / "owned").exists()


def test_no_script_of_the_action_holds_an_expression():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
