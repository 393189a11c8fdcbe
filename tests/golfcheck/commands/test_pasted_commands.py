"""Commands that golfcheck prints can be pasted: whatever a path is called, it is one word and runs nothing."""

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from golfcheck.cli import main
from golfcheck.commands import COMMANDS
from golfcheck.core.markers import BEGIN, END
from golfcheck.core.text import shell_word
from tests.conftest import ROOT
from tests.golfcheck.valid_record import Draft

NAMES = [
    "$(touch PWNED)",
    "`touch PWNED`",
    "; touch PWNED;",
    "a & touch PWNED",
    "'; touch PWNED; '",
    '"; touch PWNED; "',
    "\n touch PWNED",
    "*",
    "~",
    "x' $(touch PWNED) '" * 20,
    "é \u202e $(touch PWNED)",
]


def pasted(line: str, folder: Path) -> list[str]:
    """Return the words into which a shell splits a pasted golfcheck command; pasting must have no other effect."""
    script = f"golfcheck() {{ printf '%s\\0' \"$@\"; }}\n{line}\n"
    completed = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert (completed.returncode, completed.stderr) == (0, ""), (line, completed.stderr)
    assert not list(folder.glob("PWNED*")), line
    return completed.stdout.split("\0")[:-1]


@pytest.mark.parametrize("name", [*NAMES, "-rf", "--help"])
def test_a_path_is_one_word_of_a_shell(name: str, tmp_path: Path) -> None:
    (word,) = pasted(f"golfcheck {shell_word(name)}", tmp_path)
    assert not word.startswith("-")
    if name.isprintable() and len(name) < 100:
        assert word.removeprefix("./") == name


def commands(printed: str) -> list[str]:
    """Return the golfcheck commands in an output that name a path, without the explanations next to them."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed).replace("(golfcheck verify -v says why)", "")
    lines = re.findall(r"golfcheck (?:verify|rescore|diff|data|pack|leaderboard) .*", plain)
    return [line.partition("   ")[0].partition(" renews it")[0] for line in lines]


@pytest.mark.parametrize("form", ["text", "markdown", "concise", "json", "github"])
@pytest.mark.parametrize("name", NAMES)
def test_what_verify_prints_can_be_pasted(
    name: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = Draft(folder=f"2026-06-01_{name.replace('/', '')[:120]}").write(tmp_path)
    main(["verify", "--no-cache", "--select", "size", "--format", form, str(record)])
    printed = commands(capsys.readouterr().out)
    assert printed or form != "text"  # without a finding, it says how to go on
    for line in printed:
        words = pasted(line, tmp_path)
        assert words[0] in ("verify", "explain") and len(words) < 5


@pytest.mark.parametrize("name", NAMES)
def test_what_the_other_commands_print_can_be_pasted(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    flat = name.replace("/", "")[:60]
    (tmp_path / f"{flat}.py").write_text("x = 1\n")
    main(["pack", str(tmp_path / f"{flat}.py")])
    Path(tmp_path, "train.log").write_bytes(Draft().files["train_seed42.log"])
    main(["new", f"made {flat}", "--from", "train.log", "--name", "x", "--author", "y", "--github-id", "z"])
    (tmp_path / f"board {flat}.md").write_text(f"{BEGIN}\n{END}\n")
    main(["leaderboard", "--check", "--write", str(tmp_path / f"board {flat}.md"), str(tmp_path)])
    out, err = capsys.readouterr()
    printed = [line for text in (out, err) for line in commands(text)]
    assert {shlex.split(line.partition(" …")[0])[1] for line in printed} >= {"pack", "verify"}
    for line in printed:
        pasted(line.replace(" … ", " "), tmp_path)


_OURS = "|".join(COMMANDS)
_COMMAND = re.compile(rf"(?:^|[\s(`])(?:golfcheck (?:{_OURS})|git -C|python3?|torchrun|cd|pip install)\b[^\n;|&]*$")
# What follows a command in our texts and is no path: names of rules and extras, and numbers.
_NO_PATHS = {
    "rule.name", "worst.rule", "worst", "first.number", "extra", "pull.number", "world_size", "target",
    "bytes_text(packed)", "bytes_text(size_bytes - packed)",
}  # fmt: skip


def _is_quoted(value: ast.expr, function: ast.AST) -> bool:
    """Whether an expression is a shell word, or a variable that holds one."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) in ("shell_word", "shlex.quote", "shlex.join"):
        return True
    if isinstance(value, ast.Name):
        for node in ast.walk(function):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if value.id in {ast.unparse(target) for target in targets}:
                return _is_quoted(node.value, function) or "shell_word" in ast.unparse(node)
    return "shell_word" in ast.unparse(value)


def test_every_path_after_a_command_in_our_texts_is_made_a_shell_word() -> None:
    bare, seen = [], 0
    for path in (ROOT / "golfcheck").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for function in functions:
            for text in (node for node in ast.walk(function) if isinstance(node, ast.JoinedStr)):
                before = ""
                for part in text.values:
                    if isinstance(part, ast.Constant):
                        before += str(part.value)
                    elif isinstance(part, ast.FormattedValue):
                        if _COMMAND.search(before):
                            seen += 1
                            if not _is_quoted(part.value, function) and ast.unparse(part.value) not in _NO_PATHS:
                                bare.append(f"{path.relative_to(ROOT)}:{text.lineno} {ast.unparse(part.value)}")
                        before += "x"
    assert seen > 10
    assert bare == []
