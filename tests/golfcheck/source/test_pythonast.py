"""Warnings of Python's parser about a submission's code are not printed."""

import subprocess
import sys
import warnings

import pytest

from golfcheck.source.pythonast import parsed
from tests.conftest import ROOT

NOISY = [
    b"x = '\\d'\n",
    b"if x is 1: pass\n",
    b"assert (x, 'always')\n",
    b"1if x else 2\n",
    b"x = 0xfor y in z\n",
    b"x = '\\777'\n",
]


@pytest.mark.parametrize("text", NOISY)
def test_no_warning_leaves_the_parser(text: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            parsed(text)
        except SyntaxError:
            assert text == NOISY[4]  # of newer versions


def test_no_module_of_ours_parses_without_it() -> None:
    calls = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "golfcheck").rglob("*.py")
        if "ast.parse(" in path.read_text(encoding="utf-8")
    }
    assert calls == {"golfcheck/source/pythonast.py", "golfcheck/data/stdlib_text.py"}  # the latter reads Python's own


def test_commands_that_parse_a_source_print_no_warnings_about_its_style(tmp_path) -> None:  # type: ignore[no-untyped-def]
    script = tmp_path / "train_gpt.py"
    script.write_bytes(b"x = 1\n" + NOISY[0] + b"type y[ = 1\n" + NOISY[1])
    for arguments in (["pack", script, "-o", tmp_path / "out.py"], ["verify", tmp_path], ["diff", tmp_path, tmp_path]):
        completed = subprocess.run(
            [sys.executable, "-W", "always", "-m", "golfcheck", *map(str, arguments)], cwd=ROOT, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert "Warning" not in completed.stderr, completed.stderr
