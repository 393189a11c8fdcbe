"""Settings: flags before the environment, before the file, before the default; mistakes are named."""

from pathlib import Path

import pytest

from golfcheck.core.errors import UsageError
from golfcheck.judging.config import CHOICES, JudgingSettings, resolve
from tests.golfcheck import folders


def file(folder: Path, text: str, name: str = "golfcheck.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_without_any_configuration_the_defaults_apply(tmp_path: Path):
    assert resolve({}, {}, tmp_path) == JudgingSettings()


def test_a_flag_beats_the_environment_beats_the_file(tmp_path: Path):
    file(tmp_path, 'fail-on = "warning"\nformat = "json"\njobs = 3\n')
    environment = {"GOLFCHECK_FORMAT": "concise", "GOLFCHECK_FAIL_ON": "never"}
    got = resolve({"fail_on": "error", "format": None}, environment, tmp_path)
    assert (got.fail_on, got.format, got.jobs) == ("error", "concise", 3)


def test_pyproject_is_read_where_it_has_the_table(tmp_path: Path):
    file(tmp_path, '[tool.golfcheck]\nignore = ["thin-margin", "hardware"]\n', "pyproject.toml")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    file(tmp_path / "a", "[tool.other]\n", "pyproject.toml")
    assert resolve({}, {}, below).ignore == ("thin-margin", "hardware")


def test_a_submission_does_not_choose_how_it_is_judged(tmp_path: Path):
    record = folders.make(tmp_path)
    file(record, 'fail-on = "never"\n')
    assert resolve({}, {}, record).fail_on == "error"


def test_lists_in_the_environment_are_separated_by_commas(tmp_path: Path):
    got = resolve({}, {"GOLFCHECK_SELECT": "score, size", "GOLFCHECK_CACHE": "0"}, tmp_path)
    assert got.select == ("score", "size")
    assert got.cache is False


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('fail_on = "error"', "unknown key 'fail_on' - did you mean 'fail-on'?"),
        ('ingore = ["x"]', "unknown key 'ingore' - did you mean 'ignore'?"),
        ('format = "jsno"', "'jsno' is not one of"),
        ("jobs = -1", "expected a number, 0 or more, not -1"),
        ("jobs = true", "expected a number"),
        ('ignore = "x"', "expected a list of rule or family names"),
        ("cache = 1", "expected true or false"),
        ("a = [", "not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_line(text: str, said: str, tmp_path: Path):
    path = file(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        resolve({}, {}, tmp_path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path):
    with pytest.raises(UsageError, match=r"GOLFCHECK_JOBS: expected a number.*'two'"):
        resolve({}, {"GOLFCHECK_JOBS": "two"}, tmp_path)


def test_every_default_is_one_of_its_choices():
    for name, choices in CHOICES.items():
        assert getattr(JudgingSettings(), name) in (*choices, "")
