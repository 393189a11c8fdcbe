"""The wheel in a fresh environment, as `pip install golfcheck` installs it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.golfcheck.valid_record import Draft

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # a build leaves files next to the sources
    names = ("golfcheck", "reference", "schemas", "pyproject.toml", "README.md", "LICENSE")
    for name in names:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(path, source / name)
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source], check=True)
    (wheel,) = folder.glob("golfcheck-*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    bin_ = folder / "env" / "bin"
    subprocess.run([*PIP, "--python", bin_ / "python", "install", "--no-compile", wheel], check=True)
    return bin_


def test_help_works_without_torch_or_textual(installed: Path, tmp_path: Path) -> None:
    completed = subprocess.run([installed / "golfcheck", "--help"], capture_output=True, text=True, cwd=tmp_path)
    assert completed.returncode == 0
    assert "golfcheck verify" in completed.stdout
    absent = "import importlib.util as u; print([m for m in ('torch', 'numpy', 'textual') if u.find_spec(m)])"
    absence = subprocess.run([installed / "python", "-c", absent], capture_output=True, text=True, cwd=tmp_path)
    assert absence.stdout.strip() == "[]"


def test_verify_judges_a_record_with_the_schemas_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    record = Draft().write(tmp_path)
    command = [installed / "golfcheck", "verify", str(record), "--no-cache"]
    good = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "VERDICT" in good.stdout
    path = record / "submission.json"
    path.write_text(path.read_text().replace('"github_id"', '"github"'))
    bad = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert bad.returncode == 1, bad.stdout + bad.stderr
    assert "schema-violation" in bad.stdout


def test_the_wheel_installs_no_package_but_golfcheck(installed: Path) -> None:
    (listed,) = installed.parent.glob("lib/*/site-packages/golfcheck-*.dist-info/RECORD")
    tops = {line.partition("/")[0] for line in listed.read_text().splitlines()}
    assert {top for top in tops if not top.endswith(".dist-info") and top != ".."} == {"golfcheck"}


def test_the_wheel_can_copy_its_trainer(installed: Path, tmp_path: Path) -> None:
    completed = subprocess.run(
        [installed / "golfcheck", "new", "--trainer", "mine"], capture_output=True, text=True, cwd=tmp_path
    )
    assert completed.returncode == 0, completed.stderr
    for path in (ROOT / "reference").glob("*.py"):
        if path.name != "__init__.py":
            assert (tmp_path / "mine" / path.name).read_bytes() == path.read_bytes()


def test_without_its_extra_a_page_is_refused_before_any_record_is_read(installed: Path, tmp_path: Path) -> None:
    Draft().write(tmp_path)
    command = [installed / "golfcheck", "leaderboard", "--format", "html", "-o", "site"]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert completed.returncode == 2
    assert completed.stderr == "golfcheck: leaderboard --format html needs jinja2: pip install 'golfcheck[site]'\n"


@pytest.mark.parametrize("command", ["rescore", "demo"])
def test_a_command_that_needs_an_extra_says_which(installed: Path, tmp_path: Path, command: str) -> None:
    artifact = tmp_path / "final_model.int8.ptz"
    artifact.write_bytes(b"x")
    words = [command, str(artifact)] if command == "rescore" else [command]
    completed = subprocess.run([installed / "golfcheck", *words], capture_output=True, text=True, cwd=tmp_path)
    assert completed.returncode == 2
    assert completed.stderr.strip().endswith("pip install 'golfcheck[train]'")
    assert completed.stderr.count("\n") == 1
