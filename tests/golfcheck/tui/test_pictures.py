"""What the screens look like: a few pictures, compared cell by cell and color by color.

After a wanted change: `pytest tests/golfcheck/tui/test_pictures.py --snapshot-update`, and `python docs/pictures.py`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.golfcheck.boards import app_of

pytestmark = pytest.mark.usefixtures("own_home")
Compare = Callable[..., bool]


@pytest.mark.parametrize("size", [(80, 24), (120, 34)], ids=["80x24", "120x34"])
def test_the_board_looks_as_it_did(snap_compare: Compare, size: tuple[int, int]):
    assert snap_compare(app_of(40), press=["j", "space", "j"], terminal_size=size)


@pytest.mark.parametrize("size", [(80, 24), (120, 34)], ids=["80x24", "120x34"])
def test_the_timeline_looks_as_it_did(snap_compare: Compare, size: tuple[int, int]):
    assert snap_compare(app_of(40), press=["t", "h", "h"], terminal_size=size)


def test_the_help_looks_as_it_did(snap_compare: Compare):
    assert snap_compare(app_of(40), press=["question_mark"])


def test_the_picture_of_our_record_matches_its_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    assert spec is not None and spec.loader is not None
    pictures: Any = module_from_spec(spec)
    spec.loader.exec_module(pictures)
    (picture,) = pictures.make(tmp_path)
    assert picture.read_bytes() == (ROOT / "docs" / "record.svg").read_bytes(), "run: python docs/pictures.py"
    assert "url(http" not in picture.read_text(encoding="utf-8").replace('"', "")
    shown = picture.read_text(encoding="utf-8").replace("&#160;", " ")
    assert all(text in shown for text in ("FineWeb_SP1024_4x256_CPU", "3 seeds", "seed 1339"))
