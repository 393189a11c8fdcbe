"""A user's own folder is absolute, and a user without one has none: nothing lands in the folder that is judged."""

import pwd
from pathlib import Path

import pytest

from golfcheck.core.userfolders import expanded, user_folder
from golfcheck.judging.cache import Cache, default_path
from tests.golfcheck.valid_record import Draft


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a user that the system does not know, as in a container with an arbitrary user number."""

    def none(user: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {user}")

    monkeypatch.setattr(pwd, "getpwuid", none)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


def test_a_relative_cache_folder_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/a")
    for named in ("", "cache", "../cache", "~/cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", named)
        assert user_folder("XDG_CACHE_HOME", ".cache") == Path("/home/a/.cache/golfcheck")
    monkeypatch.setenv("XDG_CACHE_HOME", "/c")
    assert user_folder("XDG_CACHE_HOME", ".cache") == Path("/c/golfcheck")


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_without_a_home_folder_records_are_read_and_nothing_is_cached(
    home: str | None, nobody: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if home is not None:
        monkeypatch.setenv("HOME", home)
    folder = Draft().write(tmp_path / "records")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with Cache() as cache:
        assert cache.connection is None or home == ""
        assert cache.load(folder).submission is not None
    assert list((tmp_path / "here").iterdir()) == []
    assert default_path().is_absolute()


def test_the_home_of_an_unknown_user_is_an_ordinary_name() -> None:
    assert expanded("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
