"""--fix makes only edits that follow from the logs, and never changes the score."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck.authoring.fix import fix
from golfcheck.authoring.jsonedit import edited
from golfcheck.core import schema
from golfcheck.core.errors import GolfcheckError
from golfcheck.judging.verify import verify
from golfcheck.submission import strictjson
from golfcheck.submission.record import load
from tests.golfcheck import folders
from tests.golfcheck.valid_record import Draft

DERIVABLE = ("track", "val_loss", "bytes_total", "bytes_code", "seeds", "seed_results")


def fixed(record: Path) -> dict[str, Any]:
    change = fix(load(record))
    assert change is not None
    change.path.write_text(change.after)
    return dict(json.loads(change.after))


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


@settings(max_examples=25)
@given(missing=st.sets(st.sampled_from(DERIVABLE)))
def test_a_fixed_file_fits_the_schema_and_needs_no_second_fix(missing: set[str], tmp_path_factory):
    record = folders.make(tmp_path_factory.mktemp("r"), **dict.fromkeys(missing))
    change = fix(load(record))
    if change is None:
        assert not missing
        return
    change.path.write_text(change.after)
    assert schema.violations("submission", json.loads(change.after)) == []
    assert fix(load(record)) is None
    assert not [f.rule for f in verify(load(record)).findings if f.rule in ("schema-violation", "total-drift")]


@pytest.mark.parametrize(
    ("written", "day"), [("2026-4-1", "2026-04-01"), ("2026/04/01", "2026-04-01"), ("2026.04.01", "2026-04-01")]
)
def test_a_nonstandard_date_is_rewritten(written: str, day: str, tmp_path: Path):
    assert fixed(folders.make(tmp_path, date=written))["date"] == day


@pytest.mark.parametrize("written", ["2026-04-01T10:00:00Z", "April 1st", "2026-13-01", "01-04-2026"])
def test_a_valid_or_ambiguous_date_is_unchanged(written: str, tmp_path: Path):
    assert fix(load(folders.make(tmp_path, date=written))) is None


def test_aliases_get_their_canonical_names_in_their_places(tmp_path: Path):
    record = folders.make(tmp_path)
    content = folders.submission()
    renamed = {{"val_bpb": "mean_val_bpb", "bytes_total": "total_bytes"}.get(key, key): x for key, x in content.items()}
    (record / "submission.json").write_text(json.dumps(renamed))
    assert list(fixed(record).items()) == list(content.items())


def test_a_total_that_contradicts_the_logs_is_corrected_and_reported(tmp_path: Path):
    change = fix(load(folders.make(tmp_path, bytes_total=1_000)))
    assert change is not None
    assert change.edits == ("bytes_total: 15900015 (was 1000)",)
    assert '-  "bytes_total": 1000,' in change.diff()
    assert '+  "bytes_total": 15900015,' in change.diff()


@given(bpb=st.floats(0.5, 2.0))
@settings(max_examples=20)
def test_the_score_is_never_touched(bpb: float, tmp_path_factory):
    record = folders.make(tmp_path_factory.mktemp("r"), val_bpb=bpb, bytes_total=None, val_loss=None)
    assert fixed(record)["val_bpb"] == bpb


def test_no_loss_is_invented_for_a_score_that_is_not_in_the_logs(tmp_path: Path):
    record = folders.make(tmp_path, val_bpb=1.0, val_loss=None, bytes_code=None)
    assert "val_loss" not in fixed(record)


def rewritten(record: Path, text: str) -> str:
    (record / "submission.json").write_bytes(text.encode())
    change = fix(load(record))
    assert change is not None
    return change.after


def test_everything_else_keeps_its_digits_and_layout(tmp_path: Path):
    record = folders.make(tmp_path)
    text = json.dumps(folders.submission(), indent=2)
    text = text.replace("{", '{\n  "mine": [1.50,   2e-3, -0.0],', 1).replace('"bytes_total"', '"total_bytes"', 1)
    assert rewritten(record, text) == text.replace('"total_bytes"', '"bytes_total"', 1)
    crlf = text.replace("\n", "\r\n")
    assert rewritten(record, crlf) == crlf.replace('"total_bytes"', '"bytes_total"', 1)


def test_new_keys_are_appended_in_the_layout_of_the_file(tmp_path: Path):
    record = folders.make(tmp_path)
    content = {key: value for key, value in folders.submission().items() if key != "bytes_code"}
    tabs = json.dumps(content, indent="\t").replace("\n", "\r\n")
    size = folders.submission()["bytes_code"]
    assert rewritten(record, tabs) == tabs.removesuffix("\r\n}") + f',\r\n\t"bytes_code": {size}\r\n}}'
    assert rewritten(record, json.dumps(content)) == json.dumps({**content, "bytes_code": size})


def test_a_byte_order_mark_is_removed(tmp_path: Path):
    record = folders.make(tmp_path)
    text = (record / "submission.json").read_text()
    assert rewritten(record, "\ufeff" + text) == text


def test_results_under_the_key_seeds_are_renamed_and_seeds_are_listed(tmp_path: Path):
    record = folders.make(tmp_path)
    content = folders.submission()
    results = content.pop("seed_results")
    (record / "submission.json").write_text(json.dumps(content | {"seeds": results}))
    got = fixed(record)
    assert got["seed_results"] == results
    assert got["seeds"] == [int(seed) for seed in results]
    assert fix(load(record)) is None


KEYS = st.text(max_size=5)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.data(), st.sampled_from([None, 2, "\t"]))
def test_the_edited_text_has_the_edited_value(content: dict[str, Any], data: st.DataObject, indent: int | str | None):
    names = sorted(content)
    renamed = {key: f"new {key}" for key in data.draw(st.sets(st.sampled_from(names)))} if names else {}
    changed = {key: data.draw(VALUES) for key in data.draw(st.sets(st.sampled_from(names)))} if names else {}
    added = {f"added {key}": value for key, value in data.draw(st.dictionaries(KEYS, VALUES, max_size=2)).items()}
    text = json.dumps(content, indent=indent, ensure_ascii=data.draw(st.booleans()))
    spans = strictjson.parse(text.encode()).spans
    after = edited(text, spans, renamed=renamed, changed=changed, added=added)
    expected = {renamed.get(key, key): changed.get(key, value) for key, value in content.items()} | added
    assert list(strictjson.parse(after.encode()).value.items()) == list(expected.items())


def test_unknown_keys_keep_their_values(tmp_path: Path):
    record = folders.make(tmp_path, blurb="new: 李 é", mine={"a": [1, None]}, bytes_code=None)
    got = fixed(record)
    assert (got["blurb"], got["mine"]) == ("new: 李 é", {"a": [1, None]})


@pytest.mark.parametrize(
    ("line", "stated", "key"),
    [("eval_time:77000ms", "eval_time:nanms", "eval_time_ms"), ("eval_time:77000ms", "eval_time:infms", "eval_time_ms"),
     ("submission size int8+zlib: 1", "submission size int8+zlib: 99999999999999991", "bytes_total")],
)  # fmt: skip
def test_no_value_is_written_that_the_reader_of_submissions_refuses(
    line: str, stated: str, key: str, tmp_path: Path
) -> None:
    draft = Draft()
    draft.set(seed_results=None, bytes_total=None)
    for log in [path for path in draft.files if path.endswith(".log")]:
        assert line in draft.files[log].decode()
        draft.edit(log, line, stated)
    record = load(draft.write(tmp_path))
    change = fix(record)
    assert change is not None
    after = strictjson.parse(change.after.encode()).value  # it is read again
    assert after.get(key) is None and "NaN" not in change.after and "Infinity" not in change.after
    before = strictjson.parse(change.before.encode()).value
    assert before.items() <= after.items()  # nothing is lost


def test_a_text_that_would_read_back_differently_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from golfcheck.authoring import fix as fixing

    draft = Draft()
    draft.set(bytes_total=None)
    record = load(draft.write(tmp_path))
    monkeypatch.setattr(fixing, "edited", lambda text, *_, **__: text.replace("1.11", "1.10"))
    with pytest.raises(GolfcheckError, match="not changed"):
        fix(record)


def test_a_file_that_became_a_link_or_no_json_since_it_was_read_is_not_changed(tmp_path: Path) -> None:
    draft = Draft()
    draft.set(bytes_total=None)
    record = load(draft.write(tmp_path))
    file = record.path / "submission.json"
    elsewhere = tmp_path / "elsewhere.json"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(GolfcheckError):
        fix(record)
    file.unlink()
    file.write_text("{")
    with pytest.raises(GolfcheckError, match="changed since"):
        fix(record)
