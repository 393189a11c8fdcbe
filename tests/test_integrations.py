"""The pre-commit hooks and the GitHub action, run as pre-commit and the runner would run them."""

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.clock import HANG_SECONDS
from tests.conftest import ROOT
from tests.golfcheck import folders
from tests.golfcheck.repositories import TRACK, Repo, record
from tests.golfcheck.submission.test_history import commit, git
from tests.golfcheck.valid_record import Draft

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def test_every_yaml_file_of_the_repository_is_valid():
    files = [*ROOT.glob("*.yml"), *ROOT.glob(".*.yaml"), *(ROOT / ".github").rglob("*.yml")]
    assert len(files) > 5
    for path in files:
        assert isinstance(yaml.safe_load(path.read_text()), dict | list), path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A pull request's checkout: `main`, and a branch with one new record; `golfcheck` is next to it."""
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
    """Run a hook on all files that it matches."""
    files = [name for name in git(checkout, "ls-files").splitlines() if re.search(hook["files"], name)]
    search = f"{checkout.parent / 'golfcheck' / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": search, "XDG_CACHE_HOME": str(checkout.parent)}
    return subprocess.run(
        [*shlex.split(hook["entry"]), *files],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_passes_a_valid_record_and_stops_a_broken_one(hook: dict[str, Any], checkout: Path):
    completed = run_hook(hook, checkout)
    assert completed.returncode == 0, completed.stderr
    broken = checkout / "records" / "track_10min_16mb" / "2026-04-01_Small" / "submission.json"
    broken.write_text("{")
    git(checkout, "add", str(broken))
    completed = run_hook(hook, checkout)
    assert completed.returncode == 1
    assert "error[json-invalid]" in completed.stdout


def test_a_hook_ignores_files_outside_records():
    for hook in HOOKS:
        assert not re.search(hook["files"], "records/README.md")
        assert re.search(hook["files"], "records/track_10min_16mb/2026-04-01_Small/train.log")


def test_the_fixing_hook_fills_in_what_the_logs_imply(checkout: Path):
    (fixing,) = [hook for hook in HOOKS if hook["id"] == "golfcheck-fix"]
    record = folders.make(checkout, "2026-04-02_Bare", date="2026-04-02", bytes_code=None)
    commit(checkout, "2026-04-02T00:00:00Z")
    assert run_hook(fixing, checkout).returncode == 0
    assert '"bytes_code": 15' in (record / "submission.json").read_text()


@pytest.fixture
def contest(tmp_path: Path) -> Repo:
    """The contest's repository on its host: a record in the base, and pull request 12 with a better one."""
    repo = Repo(tmp_path / "host.git")
    base = {"README.md": "the contest"} | record("2026-06-01_First")
    repo.ref("refs/heads/main", repo.commit(base))
    repo.pull(12, base | record("2026-06-02_Better", -0.02), repo.git("rev-parse", "main"))
    return repo


GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in *--paginate*) printf '%s\\n' "$COMMENTS";; *) exit "$DENIED";; esac
"""


def run_action(
    contest: Repo, *, comments: str = "", denied: str = "0", **inputs: str
) -> tuple["subprocess.CompletedProcess[str]", str, list[str]]:
    """Run the action's last two steps as the runner does; return what they did, the job's summary, and calls of gh."""
    temporary = contest.path.parent / "runner"
    programs = temporary / "golfcheck" / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "gh").write_text(GH)
    for program in programs.iterdir():
        program.chmod(0o755)
    calls, summary = temporary / "calls", temporary / "summary.md"
    calls.write_text("")
    summary.write_text("")
    given = {name: str(about.get("default", "")) for name, about in ACTION["inputs"].items()}
    values = {
        f"inputs.{name}": value
        for name, value in (given | {"number": "12", "base": "main", "token": ""} | inputs).items()
    }
    values |= {"github.server_url": str(contest.path.parent), "github.repository": contest.path.name}
    script, environment = "", {}
    for step in ACTION["runs"]["steps"][-2:]:
        script += f"(\n{step['run']}\n)\n"
        environment |= {
            name: re.sub(r"\$\{\{ ([a-z._-]+) \}\}", lambda match: values[match[1]], text)
            for name, text in step["env"].items()
        }
    runner = {
        "RUNNER_TEMP": str(temporary),
        "GITHUB_STEP_SUMMARY": str(summary),
        "XDG_CACHE_HOME": str(temporary),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "COMMENTS": comments,
        "DENIED": denied,
    }
    completed = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=contest.path.parent,
        env={**os.environ, **environment, **runner},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    return completed, summary.read_text(), calls.read_text().splitlines()


def wrong(contest: Repo) -> None:
    """Make the pull request claim a different score from that in its logs."""
    draft = Draft(folder="2026-06-02_Better", bpb_shift=-0.02)
    draft.set(val_bpb=0.9, val_loss=None)
    base = {"README.md": "the contest"} | record("2026-06-01_First")
    contest.pull(12, base | record("2026-06-02_Better", draft=draft), contest.git("rev-parse", "main"))


def test_the_action_writes_the_summary_and_takes_its_outcome_from_the_verdict(contest: Repo):
    completed, summary, calls = run_action(contest)
    assert (completed.returncode, calls) == (0, []), completed.stderr
    assert "ready" in summary
    wrong(contest)
    completed, summary, _ = run_action(contest)
    assert completed.returncode == 1, completed.stderr
    assert "refuted by arithmetic" in summary
    assert f"::error file={TRACK}/2026-06-02_Better/submission.json,line=" in completed.stdout
    assert run_action(contest, **{"fail-on": "never"})[0].returncode == 0


def test_the_action_posts_one_comment_and_updates_it(contest: Repo):
    completed, _, calls = run_action(contest, comment="true")
    assert completed.returncode == 0, completed.stderr
    assert "--method POST repos/host.git/issues/12/comments --field body=@comment.md" in calls[-1]
    _, _, calls = run_action(contest, comment="true", comments="987")
    assert "--method PATCH repos/host.git/issues/comments/987" in calls[-1]
    assert 'select(.user.type == "Bot"' in calls[0]


def test_a_token_that_may_not_comment_gives_a_warning_and_does_not_change_the_outcome(contest: Repo):
    completed, summary, _ = run_action(contest, comment="true", denied="1")
    assert completed.returncode == 0
    assert "::warning::golfcheck: the token may not comment here" in completed.stdout
    assert "ready" in summary


def test_the_action_compares_with_all_heads_on_request(contest: Repo):
    base = {"README.md": "the contest"} | record("2026-06-01_First")
    contest.pull(9, base | record("2026-06-02_Better", -0.02), contest.git("rev-parse", "main"))
    assert "`same-folder`" not in run_action(contest)[1]
    assert "`same-folder`" in run_action(contest, heads="all")[1]


def test_the_action_runs_nothing_from_the_pull_request(contest: Repo):
    owned = contest.path.parent / "owned"
    program = f"open({str(owned)!r}, 'w')\n"
    files = {f"{name}.py": program for name in ("venv", "pip", "json", "golfcheck", "sitecustomize", "argparse")}
    base = {"README.md": "the contest"} | record("2026-06-01_First")
    contest.pull(12, base | files | record("2026-06-02_Better", -0.02), contest.git("rev-parse", "main"))
    for name, text in files.items():
        (contest.path.parent / name).write_text(text)  # as a checkout in the workspace would have them
    completed, summary, _ = run_action(contest)
    assert "outside-files" in summary, completed.stderr
    assert not owned.exists()


@pytest.mark.parametrize("name", ["number", "base", "ruleset", "fail-on", "heads"])
@pytest.mark.parametrize(
    "value", ["$(touch owned)", "`touch owned`", "'; touch owned; '", "--output=owned", '"; touch owned #']
)
def test_an_input_is_never_run_as_a_command_or_taken_for_an_option(name: str, value: str, contest: Repo):
    completed, _, _ = run_action(contest, **{name: value})
    assert completed.returncode in (1, 2, 128)
    assert re.search("golfcheck: |find remote ref", completed.stderr + completed.stdout)
    assert not list(contest.path.parent.rglob("owned"))


def test_no_script_of_the_action_holds_an_expression():
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_every_action_of_others_is_pinned_by_its_commit():
    files = [ROOT / "action.yml", *(ROOT / ".github" / "workflows").iterdir()]
    used = [
        line.split("uses:")[1].strip() for path in files for line in path.read_text().splitlines() if "uses:" in line
    ]
    assert len(used) >= 3
    for line in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line


def test_the_action_installs_the_versions_of_the_constraints_and_these_name_all_that_golfcheck_needs():
    install = next(step["run"] for step in ACTION["runs"]["steps"] if step.get("name") == "Install golfcheck")
    assert '--constraint "$ACTION/constraints.txt"' in install
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    needed, pending = set(), ["golfcheck"]
    while pending:
        for text in importlib.metadata.requires(pending.pop()) or ():
            requirement = Requirement(text)
            name = canonicalize_name(requirement.name)
            if name not in needed and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
                needed.add(name)
                pending.append(name)
    assert needed <= pinned.keys()
