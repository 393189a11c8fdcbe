"""submission.json is understood under all the keys that real ones use, and new ones have one form."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from golfcheck.core import schema
from golfcheck.submission import strictjson
from golfcheck.submission.claims import SeedClaim, Submission, normalize, track_named

CANONICAL: dict[str, Any] = {
    "author": "A. Golfer",
    "github_id": "a-golfer",
    "name": "Valid",
    "blurb": "Nothing new.",
    "date": "2026-06-01",
    "track": "10min_16mb",
    "val_loss": 1.88,
    "val_bpb": 1.1147,
    "bytes_total": 15_900_000,
    "bytes_code": 47_000,
    "seeds": [42],
    "seed_results": {
        "42": {
            "val_loss": 1.88,
            "val_bpb": 1.1147,
            "bytes_total": 15_900_000,
            "bytes_model": 15_853_000,
            "train_time_ms": 599_920.0,
            "eval_time_ms": 77_000.0,
            "steps": 6922,
        }
    },
    "hardware": "8xH100 80GB SXM",
    "world_size": 8,
    "golfcheck": {"ignore": {"folder-name": "kept for its links"}},
}


def read(raw: dict[str, Any]) -> Submission:
    document = strictjson.parse(json.dumps(raw).encode())
    return normalize("submission.json", document.value, document.line_of)


def test_the_canonical_form_has_no_violation_no_unknown_key_and_keeps_every_value() -> None:
    assert schema.violations("submission", CANONICAL) == []
    result = read(CANONICAL)
    assert result.unknown_keys == ()
    assert (result.name, result.author, result.github_id, result.date) == (
        "Valid",
        "A. Golfer",
        "a-golfer",
        "2026-06-01",
    )
    assert (result.val_bpb, result.val_loss_nats) == (1.1147, 1.88)
    assert (result.total_bytes, result.code_bytes, result.track) == (15_900_000, 47_000, "10min_16mb")
    assert result.seeds == (SeedClaim(42, 1.88, 1.1147, 15_900_000, 599_920.0, 77_000.0, 15_853_000, 6922),)


@pytest.mark.parametrize(
    "key", [key for key in CANONICAL if key not in ("blurb", "hardware", "world_size", "golfcheck")]
)
def test_each_key_of_the_canonical_form_is_required(key: str) -> None:
    (result,) = schema.violations("submission", {name: value for name, value in CANONICAL.items() if name != key})
    assert result.pointer == "" and result.message.startswith(f"'{key}' is missing: ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("github_id", "@golfer"),
        ("date", "1 June 2026"),
        ("track", "10min-16mb"),
        ("val_bpb", "1.1"),
        ("val_bpb", True),
        ("val_loss", -1),
        ("bytes_total", 1.5),
        ("bytes_code", -1),
        ("seeds", {"42": {}}),
        ("seeds", []),
        ("seed_results", {"forty-two": {}}),
        ("golfcheck", {"ignore": {"folder-name": ""}}),
        ("golfcheck", {"ignores": {}}),
        ("world_size", 0),
    ],
)
def test_a_value_of_the_wrong_type_is_a_violation_at_its_key(key: str, value: object) -> None:
    result = schema.violations("submission", CANONICAL | {key: value})
    assert result and all(violation.pointer.startswith(f"/{key}") for violation in result)


def test_every_property_of_the_schemas_is_described() -> None:
    def undescribed(node: Any, location: str) -> list[str]:
        if not isinstance(node, dict):
            return []
        properties = node.get("properties", {})
        bare = [
            f"{location}/{name}" for name, value in properties.items() if not ({"description", "$ref"} & value.keys())
        ]
        inner = [undescribed(value, f"{location}/{name}") for name, value in node.items()]
        return bare + [item for result in inner for item in result]

    for name in ("submission", "train_log", "board", "stats"):
        assert undescribed(schema.load(name), name) == []


@pytest.mark.parametrize("key", ["val_bpb", "mean_val_bpb", "val_bpb_mean", "mean_bpb"])
def test_the_score_is_found_under_each_alias(key: str) -> None:
    result = read({key: 1.1747})
    assert (result.val_bpb, result.key_of["val_bpb"]) == (1.1747, key)


@pytest.mark.parametrize("key", ["bytes_total", "artifact_bytes", "artifact_bytes_max", "artifact_size_bytes"])
def test_the_total_is_found_under_each_alias(key: str) -> None:
    result = read({key: 15_374_243})
    assert (result.total_bytes, result.key_of["total_bytes"]) == (15_374_243, key)


def test_bits_per_byte_held_in_val_loss_are_understood_and_losses_are_not_taken_for_them() -> None:
    result = read({"val_loss": 1.14276})
    assert (result.val_bpb, result.val_loss_nats, result.key_of["val_bpb"]) == (1.14276, None, "val_loss")
    assert read({"val_loss": 1.88}).val_bpb is None
    both = read({"val_loss": 0.93547291, "val_bpb": 1.3496})
    assert (both.val_bpb, both.val_loss_nats) == (1.3496, 0.93547291)


def test_a_claim_in_quotes_is_a_claim() -> None:
    assert read({"val_bpb": "1.0962"}).val_bpb == 1.0962
    assert read({"bytes_total": "15980000"}).total_bytes == 15_980_000


@pytest.mark.parametrize("value", ["<0.001", True, None, [1.1], {"mean": 1.1}])
def test_a_value_that_is_not_a_number_is_not_a_score(value: object) -> None:
    assert read({"val_bpb": value, "p_value": "<0.001"}).val_bpb is None


def test_several_authors_are_joined() -> None:
    assert read({"authors": ["A", "B"]}).author == "A, B"


def test_seeds_are_read_as_a_list_a_dict_and_a_list_of_dicts() -> None:
    as_dict = read(
        {"seeds": {"0": {"val_bpb": 1.08, "bytes_total": 5, "train_time_ms": 588_004, "ttt_time_ms": 293_430}}}
    )
    assert as_dict.seeds == (SeedClaim(0, None, 1.08, 5, 588_004, 293_430),)
    assert read({"seeds": [42, 7]}).seeds == (SeedClaim(42), SeedClaim(7))
    assert read({"per_seed": [{"seed": 3, "val_bpb": 1.1}]}).seeds == (SeedClaim(3, val_bpb=1.1),)
    assert read({"seed_results": {"seed_42": 1.1}}).seeds == (SeedClaim(42, val_bpb=1.1),)


def test_lists_beside_the_list_of_seeds_belong_to_them_in_order() -> None:
    result = read({"seeds": [42, 0], "seed_scores": [1.09057, 1.09084], "eval_time_seconds": [83, 84]})
    assert [(claim.seed, claim.val_bpb, claim.eval_ms) for claim in result.seeds] == [
        (42, 1.09057, 83_000),
        (0, 1.09084, 84_000),
    ]
    assert read({"seeds": [42, 0], "seed_scores": [1.1]}).seeds == (SeedClaim(42), SeedClaim(0))


def test_without_a_total_the_largest_seed_counts() -> None:
    result = read({"seed_results": {"1": {"artifact_bytes": 5}, "2": {"artifact_bytes": 9}}, "artifact_bytes_mean": 7})
    assert (result.total_bytes, result.key_of["total_bytes"]) == (9, "seed_results")


@pytest.mark.parametrize(
    ("text", "track"),
    [
        ("10min_16mb", "10min_16mb"),
        ("track_10min_16mb", "10min_16mb"),
        ("10min-16mb", "10min_16mb"),
        ("non_record_16mb", "non_record_16mb"),
        ("non-record-16mb", "non_record_16mb"),
        ("non-record-unlimited-compute-16mb", "non_record_16mb"),
        ("track_non_record_16mb", "non_record_16mb"),
        ("elsewhere", None),
        ("", None),
        (None, None),
    ],
)
def test_a_track_is_recognized_in_any_spelling(text: str | None, track: str | None) -> None:
    assert track_named(text) == track


def test_a_key_that_means_nothing_is_unknown_also_when_it_looks_like_another() -> None:
    assert read({"val_\u0432pb": 1.1, "val_bpb": 1.1, "compliance": {}, "colour": 1}).unknown_keys == (
        "val_\u0432pb",
        "colour",
    )


def test_ten_thousand_odd_objects_are_normalized_without_a_crash() -> None:
    seed = 20260504
    print("seed", seed)
    rng = random.Random(seed)
    keys = [
        *CANONICAL,
        "mean_val_bpb",
        "per_seed",
        "seed_scores",
        "eval_time_seconds",
        "artifact_bytes",
        "x",
        "authors",
        "",
    ]
    atoms = [
        None,
        True,
        0,
        -1,
        10**18,
        1.5,
        -0.0,
        1e308,
        "",
        "42",
        "seed_7",
        "x",
        "9" * 30,
        [],
        {},
        [1, 2],
        ["a", None],
        {"seed": 3},
    ]
    for _ in range(10_000):
        raw = {key: rng.choice(atoms) for key in rng.choices(keys, k=rng.randrange(6))}
        for key in ("seeds", "seed_results", "seed_scores"):
            if rng.random() < 0.3:
                names = rng.choices(["1", "2", "x", "-1", "9" * 25], k=2)
                raw[key] = rng.choice(
                    [{name: rng.choice(atoms) for name in names}, [rng.choice(atoms) for _ in names], [1, 2]]
                )
        result = read(raw)
        assert result.raw == raw
        assert result.val_bpb is None or (
            isinstance(result.val_bpb, int | float) and not isinstance(result.val_bpb, bool)
        )
        assert result.total_bytes is None or isinstance(result.total_bytes, int)
        assert set(result.key_of.values()) <= set(raw)


# Every key of the submission files of the contest's merged records (names only; `../shared` holds 28 of the 60 files).
REAL_KEYS = """
    adam_weight_decay architecture artifact_bytes artifact_bytes_max artifact_bytes_mean artifact_size_bytes
    attribution author base_pr base_submission base_val_bpb based_on best_10min_byte260_bytes_total
    best_10min_byte260_val_bpb best_10min_sp1024_bytes_total best_10min_sp1024_val_bpb blurb bytes_code
    bytes_model_compressed bytes_model_int6_zstd bytes_model_int8_zlib bytes_total calibration code_bytes
    comparison_baseline_bpb comparison_baseline_pr compliance compliance_rerun compression context_length
    cuda_version date delta_vs_base_bpb delta_vs_base_loss_nats delta_vs_current_merged_sota_bpb
    delta_vs_current_merged_sota_nats delta_vs_leaderboard_bpb delta_vs_leaderboard_nats delta_vs_pr1019_bpb
    delta_vs_pr1179_bpb delta_vs_pr1179_nats delta_vs_pr549_bpb delta_vs_pr549_nats eval_method eval_stride
    eval_time_s_mean eval_time_seconds flash_attn_version fp16_embed_export github_id gpu hardware
    implementation_lineage_pr int6_layer_end int6_layer_start int6_layers int6_zstd_val_bpb int6_zstd_val_loss
    matrix_lr mean_bpb mean_val_bpb mean_val_loss mean_val_loss_nats merged_sota_reference mlp_mult model_dim
    model_params muon_momentum muon_weight_decay n_seeds name negative_results_pr non_record_reason notes
    num_heads num_kv_heads num_layers our_contribution p_value platform post_ema_mean_bpb
    post_quant_standard_val_bpb post_quant_standard_val_loss pre_quant_val_bpb pre_quant_val_loss
    pre_ttt_sliding_mean pytorch_version qat_enabled qat_int6 quant_roundtrip_mean_bpb quantization
    quantization_gap_bpb rank reproducibility_notes run_name scalar_lr seed seed_results
    seed_results_all_runs_disclosure seed_scores seeds seq_len sliding_bpb_mean sliding_val_bpb std_bpb
    std_val_loss_nats step_avg_ms step_avg_ms_mean step_stop submission_type supports_pr t_statistic
    technique_summary techniques tie_embeddings tied_embed_lr tokenizer track train_seq_len train_steps
    train_steps_mean train_time_s_mean train_time_seconds ttt_gain_mean_bpb use_zstd val_bpb val_bpb_method
    val_bpb_roundtrip val_bpb_std val_loss val_loss_nats val_loss_nats_std val_loss_roundtrip val_loss_sliding
    val_loss_std vocab_size wallclock_seconds welch_df zstd_level
""".split()


def test_all_139_keys_of_the_merged_records_are_known() -> None:
    assert len(set(REAL_KEYS)) == 139
    assert read(dict.fromkeys(REAL_KEYS)).unknown_keys == ()


def test_a_mean_total_counts_if_the_largest_is_not_stated() -> None:
    result = read({"val_bpb": 1.1502, "p_value": "<0.001", "artifact_bytes_mean": 15_427_455})
    assert (result.total_bytes, result.key_of["total_bytes"]) == (15_427_455, "artifact_bytes_mean")
    assert read({"artifact_bytes_mean": 7, "bytes_total": 9}).total_bytes == 9


def test_the_time_of_an_evaluation_that_trains_is_its_time() -> None:
    result = read({"seed_results": {"42": {"ttt_eval_time_s": 525.7}}})
    assert result.seeds == (SeedClaim(42, eval_ms=525_700.0),)


# Where a real file states the score: the key, for the two that do not call it val_bpb.
OTHER_KEYS = {
    "2026-03-19_SlidingWindow_FP16Emb_10L_MuonWD_OvertoneInit": "mean_val_bpb",
    "2026-03-20_10L_Int5MLP_MuonWD04_SWA50": "val_loss",
}


def test_all_28_real_submissions_say_name_author_date_score_and_total(shared_data: Path) -> None:
    files = sorted(shared_data.glob("records/*/*/submission*.json"))
    assert len(files) == 28
    expected = json.loads((shared_data / "records" / "expected.json").read_text())
    for file in files:
        document = strictjson.parse(file.read_bytes())
        result = normalize(file.name, document.value, document.line_of)
        assert result.name and result.author and result.date and result.total_bytes, file
        assert result.unknown_keys == (), file
        assert result.key_of["val_bpb"] == OTHER_KEYS.get(file.parent.name, "val_bpb")
        claimed = expected["/".join(file.parent.parts[-2:])]["claimed_val_bpb"]
        assert claimed is None or result.val_bpb == claimed
        lines = file.read_text().splitlines()
        assert all(f'"{key.rpartition("/")[2]}"' in lines[line - 1] for key, line in result.line_of.items())
