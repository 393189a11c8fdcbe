"""--fix makes only edits that follow from the logs, and never one of the score."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck import schema
from golfcheck.fix import fix
from golfcheck.record import load
from golfcheck.verify import verify
from tests.golfcheck import folders

DERIVABLE = ("track", "val_loss", "bytes_total", "bytes_code", "seeds", "seed_results")


def fixed(record: Path) -> dict[str, Any]:
    made = fix(load(record))
    assert made is not None
    made.path.write_text(made.after)
    return dict(json.loads(made.after))


def test_a_complete_submission_has_nothing_to_fix(tmp_path: Path):
    assert fix(load(folders.make(tmp_path))) is None


def test_a_folder_without_submission_has_nothing_to_fix(tmp_path: Path):
    record = folders.make(tmp_path)
    (record / "submission.json").unlink()
    assert fix(load(record)) is None


@pytest.mark.parametrize("key", DERIVABLE)
def test_a_missing_key_is_filled_in_from_the_logs(key: str, tmp_path: Path):
    record = folders.make(tmp_path, **{key: None})
    expected = folders.submission()[key]
    got = fixed(record)[key]
    if key == "seed_results":
        assert {seed: {name: got[seed][name] for name in values} for seed, values in expected.items()} == expected
    elif key == "seeds":
        assert sorted(got) == sorted(expected)
    else:
        assert got == expected


@settings(max_examples=25, deadline=None)
@given(missing=st.sets(st.sampled_from(DERIVABLE)))
def test_what_is_fixed_fits_the_schema_and_needs_no_second_fix(missing: set[str], tmp_path_factory):
    record = folders.make(tmp_path_factory.mktemp("r"), **dict.fromkeys(missing))
    made = fix(load(record))
    if made is None:
        assert not missing
        return
    made.path.write_text(made.after)
    assert schema.violations("submission", json.loads(made.after)) == []
    assert fix(load(record)) is None
    assert not [f.rule for f in verify(load(record)).findings if f.rule in ("schema-violation", "total-drift")]


@pytest.mark.parametrize(
    ("written", "day"), [("2026-4-1", "2026-04-01"), ("2026/04/01", "2026-04-01"), ("2026.04.01", "2026-04-01")]
)
def test_a_loose_date_is_written_as_the_day_it_means(written: str, day: str, tmp_path: Path):
    assert fixed(folders.make(tmp_path, date=written))["date"] == day


@pytest.mark.parametrize("written", ["2026-04-01T10:00:00Z", "April 1st", "2026-13-01", "01-04-2026"])
def test_a_date_that_is_fine_or_ambiguous_is_left(written: str, tmp_path: Path):
    assert fix(load(folders.make(tmp_path, date=written))) is None


def test_aliases_get_their_canonical_names_in_their_places(tmp_path: Path):
    record = folders.make(tmp_path)
    content = folders.submission()
    renamed = {{"val_bpb": "mean_val_bpb", "bytes_total": "total_bytes"}.get(key, key): x for key, x in content.items()}
    (record / "submission.json").write_text(json.dumps(renamed))
    assert list(fixed(record).items()) == list(content.items())


def test_a_total_that_the_logs_contradict_is_corrected_and_said(tmp_path: Path):
    made = fix(load(folders.make(tmp_path, bytes_total=1_000)))
    assert made is not None
    assert made.edits == ("bytes_total: 15900015 (was 1000)",)
    assert '-  "bytes_total": 1000,' in made.diff()
    assert '+  "bytes_total": 15900015,' in made.diff()


@given(bpb=st.floats(0.5, 2.0))
@settings(max_examples=20, deadline=None)
def test_the_score_is_never_touched(bpb: float, tmp_path_factory):
    record = folders.make(tmp_path_factory.mktemp("r"), val_bpb=bpb, bytes_total=None, val_loss=None)
    assert fixed(record)["val_bpb"] == bpb


def test_a_loss_is_not_made_up_for_a_score_that_is_not_in_the_logs(tmp_path: Path):
    record = folders.make(tmp_path, val_bpb=1.0, val_loss=None, bytes_code=None)
    assert "val_loss" not in fixed(record)


def test_unknown_keys_keep_their_values(tmp_path: Path):
    record = folders.make(tmp_path, blurb="new: 李 é", mine={"a": [1, None]}, bytes_code=None)
    got = fixed(record)
    assert (got["blurb"], got["mine"]) == ("new: 李 é", {"a": [1, None]})
