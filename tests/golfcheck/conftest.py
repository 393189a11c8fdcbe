"""What the tests of boards and screens share."""

from pathlib import Path

import pytest

from tests.golfcheck.valid_record import write


@pytest.fixture
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep state and cache of the person who runs the tests out of them."""
    home = tmp_path_factory.mktemp("home")
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three records: a first, a better one, and one between the two, which comes too late."""
    root = tmp_path / "records"
    for folder, shift in (("2026-06-01_First", 0.0), ("2026-06-02_Better", -0.02), ("2026-06-03_Worse", -0.01)):
        write(root, folder, shift)
    return root
