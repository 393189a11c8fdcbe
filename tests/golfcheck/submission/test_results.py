"""Which score of a record counts, and which numbers belong to it, on drafts and on 28 real records."""

import json
from pathlib import Path

import pytest

from golfcheck.core import stats
from golfcheck.submission.discover import record_folders
from golfcheck.submission.examined import results
from golfcheck.submission.identity import seed_in_name
from golfcheck.submission.record import Record, load
from golfcheck.submission.results import step_ms, train_ms
from golfcheck.submission.selection import select
from tests.golfcheck.valid_record import BPB, Draft

# The claims that are not the mean of the chosen score over the record's logs, each with its reason.
OTHER_CLAIMS = {
    "2026-03-18_FP16Embed_WD3600": "the best of 2 seeds",
    "2026-03-18_LongContextSeq2048": "the best of 3 seeds",
    "2026-03-19_Seq2048_FP16Emb_TunedLR": "the best of 3 seeds",
    "2026-03-20_11L_XSA4_EMA_Int6_MLP3x_WD04_1.1271": "the best of 3 seeds",
    "2026-03-22_11L_EMA_GPTQ-lite_warmdown3500_QAT015_1.1233": "the best of 3 seeds",
    "2026-03-24_74M_Ternary_UNet_FP8_10L_8192BPE_YaRN_NeoMuon": "the best of 3 seeds",
}


@pytest.fixture(scope="module")
def real(shared_data: Path) -> dict[str, Record]:
    return {folder.name: load(folder) for folder in record_folders([shared_data / "records"])}


def test_the_chosen_score_is_the_claimed_one_but_for_listed_reasons(real) -> None:
    differ = set()
    for name, record in real.items():
        claim = record.submission.val_bpb
        mean = stats.mean([result.score.val_bpb for result in results(record)])
        decimals = len(repr(claim).partition(".")[2])
        if abs(claim - mean) > 0.51 * 10.0**-decimals + 1e-12 and abs(claim - mean) > 1e-5:
            differ.add(name)
    assert differ == set(OTHER_CLAIMS)


def test_every_claim_that_is_not_the_mean_is_the_score_of_one_run(real) -> None:
    for name in OTHER_CLAIMS:
        claim = real[name].submission.val_bpb
        assert any(abs(result.score.val_bpb - claim) < 5e-9 for result in results(real[name])), name


def test_the_runs_of_every_real_record_are_those_of_its_distinct_logs(real, shared_data: Path) -> None:
    expected = json.loads((shared_data / "records" / "expected.json").read_text())
    for key, facts in expected.items():
        record = real[key.split("/")[-1]]
        distinct = {log["content_md5"] for log in facts["logs"]}
        selection = select(record)
        assert len(selection.results) + len(selection.left_out) == len(distinct), key


def test_the_total_of_every_real_run_is_the_logged_one(real, shared_data: Path) -> None:
    expected = json.loads((shared_data / "records" / "expected.json").read_text())
    for key, facts in expected.items():
        by_path = {result.log.path: result for result in results(real[key.split("/")[-1]])}
        for log in facts["logs"]:
            if log["total_bytes"] and log["file"] in by_path:
                assert by_path[log["file"]].total_bytes.size_bytes == int(log["total_bytes"][-1][1]), log["file"]


def test_a_line_that_repeats_a_score_under_another_name_keeps_the_earlier_name(real) -> None:
    runs = results(real["2026-03-25_ValCalib_GPTQ_XSA_BigramHash3072"])
    assert {result.score.name for result in runs} == {"final_int8_zlib_roundtrip_exact"}
    assert {result.name for result in runs} == {"final_int6_sliding_window_exact"}
    assert [round(result.eval_ms) for result in runs] == [105_090, 77_178, 77_150]


def test_a_run_has_its_own_numbers(tmp_path: Path) -> None:
    draft = Draft()
    for result in results(draft.load(tmp_path)):
        assert result.score.val_bpb == BPB[result.seed]
        assert result.total_bytes.size_bytes == draft.total(result.seed)
        assert result.total_bytes.size_bytes - result.model_bytes.size_bytes == draft.code_bytes
        assert result.eval_ms == draft.eval_ms
        assert result.bytes_per_token == pytest.approx(draft.bytes_per_token, rel=1e-7)
        assert train_ms(result.run) == draft.train_ms
        assert step_ms(result.run) == pytest.approx(draft.train_ms / 7_000)


def test_without_a_stop_the_last_exact_time_counts(tmp_path: Path) -> None:
    draft = Draft(train_ms=420_000)
    draft.edit_logs("stopping_early: wallclock_cap train_time:420000ms step:7000/20000\n", "")
    for result in results(draft.load(tmp_path)):
        assert train_ms(result.run) == 420_000
        assert step_ms(result.run) == 60.0


def test_the_raw_models_total_is_never_the_one_that_counts(tmp_path: Path) -> None:
    draft = Draft()
    draft.edit("train_seed42.log", f"Total submission size int8+zlib: {draft.total(42)} bytes\n", "")
    by_seed = {result.seed: result for result in results(draft.load(tmp_path))}
    assert by_seed[42].total_bytes is None


@pytest.mark.parametrize(
    ("path", "seed"),
    [
        ("train_seed42.log", 42),
        ("logs/train0.txt", 0),
        ("ternary_log_1337.txt", 1337),
        ("train.log", None),
        ("run2_seed-7.log", 7),
        ("2026-03-25_run.log", None),
        (f"train_seed{'9' * 40}.log", int("9" * 18)),
    ],
)
def test_a_seed_is_read_from_a_files_name_when_it_is_clear(path, seed) -> None:
    assert seed_in_name(path) == seed
