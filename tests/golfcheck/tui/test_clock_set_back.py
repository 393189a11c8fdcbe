"""Files dated in the future, as after a clock was set back: no age is negative."""

import os
import time
from pathlib import Path

import pytest

pytest.importorskip("textual", reason="needs the tui extra: textual")

from golfcheck.live.newest import is_fresh
from golfcheck.tui.drawing.glyphs import UNICODE
from golfcheck.tui.screens.prompt import _why
from golfcheck.tui.screens.rivallist import _line


def test_a_log_of_the_future_is_as_old_as_one_of_now(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.touch()
    os.utime(log, (time.time() + 86_400 * 400,) * 2)
    assert "written 0 min ago" in _why(log)
    assert ", 0 min old" in _line(log, UNICODE).plain
    assert is_fresh(log)
