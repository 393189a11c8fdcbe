"""The hostile records are read and judged, and contain their payloads."""

from pathlib import Path

import pytest

from golfcheck.board.load import load_board
from golfcheck.judging.config import JudgingSettings
from golfcheck.submission.record import Record, load
from golfcheck.trainlog import prefix
from tests.golfcheck import hostile_records
from tests.golfcheck.hostile_text import PAYLOADS


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def records(tree: Path) -> dict[str, Record]:
    return {label: load(folder) for label, folder in hostile_records.write_all(tree).items()}


@pytest.mark.parametrize("label", PAYLOADS)
def test_a_hostile_record_carries_its_payload_in_every_string(records: dict[str, Record], label: str):
    record, payload = records[label], PAYLOADS[label].encode("utf-8", "replace").decode()
    submission = record.submission
    assert submission is not None and submission.name == payload
    start = payload[:40]
    for text in (submission.author, submission.github_id, submission.raw["blurb"], submission.date, record.readme):
        assert text is not None and start in text
    run = record.logs[0].runs[0]
    shown = start.replace("\n", " ").replace("\r", " ").replace("\ufffd", "?")
    logged = prefix.without_colors(shown.encode()).decode()  # a log is read without its escape sequences
    assert {"blurb", "tokenizer_kind"} <= set(run.settings)
    values = (run.settings["blurb"].value, run.gpus[-1].value, run.calibration[0].value, run.scores[-1].name)
    for text in values:
        assert logged.strip()[:10].strip() in text.replace("\ufffd", "?") or label == "surrogate"
    assert any(start.replace("\n", " ").replace("\r", " ").encode("utf-8", "replace") in s.text for s in record.sources)


def test_hostile_records_are_ranked_like_any_other(tree: Path, records: dict[str, Record]):
    board = load_board([tree], JudgingSettings(cache=False, jobs=1))
    assert len(board.rows) == len(PAYLOADS)
    assert all(row.rank is not None and row.score_bpb is not None for row in board.rows)
    assert all(row.verdict.score and len(row.verdict.score.seeds) == 3 for row in board.rows)
    assert all(row.verdict.size and row.verdict.time for row in board.rows)


def test_a_folder_whose_name_is_no_unicode_is_judged_with_the_cache(
    tree: Path, records: dict[str, Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = records["surrogate"].path
    with pytest.raises(UnicodeEncodeError):
        str(folder).encode()
    for _ in range(2):
        assert load_board([folder], JudgingSettings(jobs=1)).rows[0].score_bpb is not None
