"""Fixtures for the tests of boards and screens."""

from pathlib import Path

import pytest

from tests.golfcheck.valid_record import write


@pytest.fixture
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests away from the state and cache of whoever runs them."""
    home = tmp_path_factory.mktemp("home")
    for name in ("STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three records: the first, a better one, and a later one that is not better."""
    root = tmp_path / "records"
    for folder, shift in (("2026-06-01_First", 0.0), ("2026-06-02_Better", -0.02), ("2026-06-03_Worse", -0.01)):
        write(root, folder, shift)
    return root
