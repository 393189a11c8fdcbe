"""A whole verdict: its blocks, waivers, selections, and what is not judged at all."""

import re
from pathlib import Path

import pytest

from golfcheck.core.errors import UsageError
from golfcheck.core.outcome import Outcome, outcome
from golfcheck.core.ruleset import RULESETS
from golfcheck.core.verdict import LedgerRow, Severity
from golfcheck.judging.verify import MAX_FINDINGS, MAX_MESSAGE_CHARS, chosen_rules, judge, verify
from golfcheck.rules import RULES
from golfcheck.submission.discover import record_folders
from golfcheck.submission.examined import examine
from golfcheck.submission.record import load
from tests.golfcheck.valid_record import SCRIPT, Draft, verdict_of

OVER = {"ignore": {"bytes-over-cap": "the next release of zlib makes it fit"}}


def test_the_blocks_of_a_verdict_are_those_of_the_logs(tmp_path: Path) -> None:
    draft = Draft()
    verdict = verdict_of(draft, tmp_path)
    assert (verdict.name, verdict.author, verdict.date, verdict.track) == (
        "Valid",
        "A. Golfer",
        "2026-06-01",
        "10min_16mb",
    )
    assert verdict.score.mean_bpb == pytest.approx(1.11473509, abs=1e-8)
    assert verdict.score.sd_bpb == pytest.approx(0.000354, abs=1e-6)
    assert set(verdict.score.seeds) == {1337, 42, 2025}
    assert verdict.score.name == "final_int8_zlib_roundtrip_exact"
    assert (verdict.size.total_bytes, verdict.size.seed, verdict.size.cap_bytes) == (
        draft.total(1337),
        1337,
        16_000_000,
    )
    assert (verdict.time.train_ms, verdict.time.train_cap_ms, verdict.time.eval_ms) == (599_920, 600_000, 77_000)
    assert verdict.token_bytes.tokenizer == "sp1024"
    assert verdict.to_beat.delta_bpb == pytest.approx(-0.04)
    assert verdict.to_beat.p_margin < 0.01
    assert verdict.ruleset == "written"
    assert verdict.seconds > 0


def test_the_ledger_sets_disk_log_and_claim_side_by_side(tmp_path: Path) -> None:
    draft = Draft()
    draft.files["final_model.int8.ptz"] = b"x" * 1000
    code, model, total = verdict_of(draft, tmp_path).ledger
    size = len(SCRIPT)
    assert code == LedgerRow("code", "train_gpt.py", size, size, size)
    assert model == LedgerRow("model", "final_model.int8.ptz", 1000, draft.model_bytes, draft.model_bytes)
    assert total == LedgerRow("total", None, size + 1000, draft.total(1337), draft.total(1337))


def test_a_real_record_reads_as_the_design_shows_it(shared_data: Path) -> None:
    records = [load(folder) for folder in record_folders([shared_data / "records"])]
    ours = next(record for record in records if record.path.name.startswith("2026-03-25_ValCalib"))
    verdict = verify(ours, field=records)
    assert verdict.score.mean_bpb == pytest.approx(1.11474, abs=5e-6)
    assert verdict.score.mean_nats == pytest.approx(1.88218, abs=5e-6)
    assert verdict.score.seeds == (314, 42, 999)
    assert verdict.score.sd_bpb == pytest.approx(0.00035, abs=5e-6)
    assert (verdict.size.total_bytes, verdict.size.seed) == (15_984_850, 42)
    assert verdict.token_bytes.bytes_per_token == pytest.approx(2.4359, abs=5e-5)
    assert verdict.to_beat.ci_nats == pytest.approx((-0.0098, -0.0058), abs=5e-5)
    assert "gain-not-significant" in verdict.passed


@pytest.mark.parametrize("ruleset", RULESETS)
def test_no_real_record_has_an_error(shared_data: Path, ruleset: str) -> None:
    records = [load(folder) for folder in record_folders([shared_data / "records"])]
    entries = [entry for record in records if (entry := examine(record).entry())]
    rules = chosen_rules((), ("script-missing", "readme-missing"))  # left out of the data
    for record in records:
        verdict = judge(examine(record), entries, ruleset=ruleset, rules=rules)
        assert [f for f in verdict.findings if f.severity is Severity.ERROR] == [], record.path


def test_an_honest_record_of_one_cpu_is_judged_without_error_or_warning(tmp_path: Path) -> None:
    draft = Draft(track="non_record_16mb", val_tokens=131_072, seeds=(1337,), train_ms=4_000_000)
    draft.edit_logs("world_size:8 grad_accum_steps:1", "world_size:1 grad_accum_steps:8")
    for line in [line for line in draft.files["train_seed1337.log"].decode().splitlines() if "NVIDIA" in line]:
        draft.edit_logs(line + "\n", "")
    draft.edit_logs(
        "seed:1337", "settings:numerics rope_tables:bf16 activations:bf16 device:cpu compiled:False\nseed:1337"
    )
    findings = verdict_of(draft, tmp_path).findings
    assert {(f.rule, f.severity.label) for f in findings} == {("partial-validation", "info")}
    draft.track = "10min_16mb"
    draft.set(track="10min_16mb")
    ranked = verdict_of(draft, tmp_path / "ranked").findings
    assert {"not-8xh100", "world-size", "partial-validation", "too-few-seeds"} <= {f.rule for f in ranked}
    assert not {f.rule for f in ranked if f.severity is Severity.ERROR}  # the cap is for a faster machine


def test_this_repositorys_trainer_is_judged_by_the_rules_about_code() -> None:
    verdict = judge(examine(load(Path(__file__).parents[3] / "reference")), [])
    judged = {*verdict.passed, *(finding.rule for finding in verdict.findings)}
    assert judged == {rule.name for rule in RULES if rule.trainer}
    assert {"lines-over-limit", "syntax-error", "network-import"} <= judged
    assert verdict.track is None
    assert {skipped.reason for skipped in verdict.skipped} == {"a trainer's folder, not a record"}


def test_a_script_that_is_too_long_is_only_mentioned_in_a_record_and_alone(tmp_path: Path) -> None:
    script = SCRIPT + b"x = 1\n" * 1500
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "train_gpt.py").write_bytes(script)
    trainer = judge(examine(load(tmp_path / "trainer")), [])
    assert [(f.rule, f.severity) for f in trainer.findings] == [("lines-over-limit", Severity.INFO)]
    record = verdict_of(Draft(script=script), tmp_path)
    assert [(f.rule, f.severity) for f in record.findings] == [("lines-over-limit", Severity.INFO)]


def test_lines_are_counted_for_each_script_and_not_added_up(tmp_path: Path) -> None:
    (tmp_path / "trainer").mkdir()
    for name in ("train_gpt.py", "model.py"):
        (tmp_path / "trainer" / name).write_bytes((SCRIPT if name == "train_gpt.py" else b"") + b"x = 1\n" * 1400)
    assert "lines-over-limit" in judge(examine(load(tmp_path / "trainer")), []).passed


def test_a_waiver_with_a_reason_is_shown_and_does_not_count(tmp_path: Path) -> None:
    draft = Draft()
    del draft.files["README.md"]
    before = verdict_of(draft, tmp_path)
    (missing,) = before.findings
    draft.set(golfcheck={"ignore": {missing.rule: "it is in the paper"}})
    waived = verdict_of(draft, tmp_path)
    assert before.count(missing.severity) == 1 and waived.count(missing.severity) == 0
    assert [finding.waived for finding in waived.findings] == ["it is in the paper"]


def test_a_waiver_of_what_proves_the_claim_wrong_has_no_effect(tmp_path: Path) -> None:
    draft = Draft(model_bytes=16_000_000)
    draft.set(golfcheck=OVER)
    assert verdict_of(draft, tmp_path).count(Severity.ERROR) == 2


def test_a_waiver_without_a_reason_has_no_effect(tmp_path: Path) -> None:
    draft = Draft(model_bytes=16_000_000)
    draft.set(golfcheck={"ignore": {"bytes-over-cap": "  "}})
    verdict = verdict_of(draft, tmp_path)
    assert verdict.count(Severity.ERROR) == 2
    assert "waiver-without-reason" in {f.rule for f in verdict.findings}


@pytest.mark.parametrize(
    "block", [7, [], {"ignore": []}, {"ignore": {"thin-margin": 5}}, {"ignore": {"thin-margin": None}}]
)
def test_a_waiver_of_the_wrong_form_waives_nothing(block, tmp_path: Path) -> None:
    draft = Draft(model_bytes=16_000_000)
    draft.set(golfcheck=block)
    assert all(finding.waived is None for finding in verdict_of(draft, tmp_path).findings)


def test_select_and_ignore_take_rules_and_families() -> None:
    assert {rule.family for rule in chosen_rules(("size",), ())} == {"size"}
    assert {rule.name for rule in chosen_rules(("size", "world-size"), ("thin-margin",))} >= {
        "world-size",
        "total-drift",
    }
    assert "thin-margin" not in {rule.name for rule in chosen_rules(("size",), ("thin-margin",))}
    assert chosen_rules((), ()) == RULES


def test_an_unknown_rule_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match=r"'thin-margins' - did you mean 'thin-margin'\?"):
        chosen_rules(("thin-margins",), ())
    with pytest.raises(UsageError, match="no rule is left"):
        chosen_rules(("size",), ("size",))


def test_an_unknown_ruleset_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="written, audit-2026-05"):
        verify(Draft().load(tmp_path), ruleset="lenient")


@pytest.mark.parametrize("files", [{}, {"notes.md": b"hello"}, {"data.csv": b"1,2"}])
def test_a_folder_without_recognized_files_is_unverified_and_says_why(files, tmp_path: Path) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    verdict = verify(load(tmp_path))
    assert outcome(verdict) is Outcome.UNVERIFIED
    assert not verdict.findings and not verdict.passed
    assert {"nothing to check here: no submission.json, no log, no script"} == {s.reason for s in verdict.skipped}


def test_a_rule_that_cannot_decide_says_why(tmp_path: Path) -> None:
    draft = Draft()
    del draft.files["submission.json"]
    reasons = {skipped.rule: skipped.reason for skipped in verdict_of(draft, tmp_path).skipped}
    assert reasons["score-not-in-logs"] == "there is no readable submission.json"
    assert "score-not-in-logs" not in verdict_of(draft, tmp_path).passed


def test_without_a_field_there_is_nothing_to_beat_and_the_gain_is_not_judged(tmp_path: Path) -> None:
    verdict = verify(Draft().load(tmp_path))
    assert verdict.to_beat is None
    reasons = {skipped.rule: skipped.reason for skipped in verdict.skipped}
    assert "no earlier record" in reasons["gain-not-significant"]


def test_a_run_two_steps_late_is_mentioned_up_to_four_a_warning_and_later_an_error(tmp_path: Path) -> None:
    step = 600_000 / 7_000
    for late, severity in ((1.9 * step, Severity.INFO), (2.1 * step, Severity.WARNING), (4.1 * step, Severity.ERROR)):
        verdict = verdict_of(Draft(train_ms=round(600_000 + late)), tmp_path / severity.label)
        assert {f.severity for f in verdict.findings if f.rule == "train-time-over-cap"} == {severity}


def test_the_same_losses_under_another_seed_are_proof_and_the_same_seed_is_evidence(tmp_path: Path) -> None:
    draft = Draft()
    steps = "".join(f"step:{step}/20000 train_loss:3.{step}\n" for step in range(2_000, 2_020))
    draft.edit("train_seed42.log", "step:7000/20000 train_loss", f"{steps}step:7000/20000 train_loss")
    own = draft.files["train_seed2025.log"].split(b"\n")[-3:]
    draft.files["train_seed2025.log"] = b"\n".join(
        [*draft.files["train_seed42.log"].replace(b"\nseed:42\n", b"\nseed:2025\n").split(b"\n")[:-3], *own]
    )
    proof = [f for f in verdict_of(draft, tmp_path).findings if f.rule == "seed-repeated"]
    assert [f.severity for f in proof] == [Severity.ERROR]
    edited = re.sub(rb"train_loss:6\.(\d)", rb"train_loss:7.\1", draft.files["train_seed2025.log"])
    draft.files["train_seed2025.log"] = edited.replace(b"loss:3.2005", b"loss:3.2055")  # a few lines do not hide it
    proof = [f for f in verdict_of(draft, tmp_path / "edited").findings if f.rule == "seed-repeated"]
    assert [f.severity for f in proof] == [Severity.ERROR]
    draft = Draft()
    draft.edit("train_seed2025.log", "\nseed:2025\n", "\nseed:42\n")
    evidence = [f for f in verdict_of(draft, tmp_path / "2").findings if f.rule == "seed-repeated"]
    assert [f.severity for f in evidence] == [Severity.WARNING]


@pytest.mark.parametrize("loss", ["2.{}", "6.9315"])
def test_losses_of_few_decimals_and_of_a_run_that_does_not_learn_may_agree_by_chance(loss: str, tmp_path: Path) -> None:
    draft = Draft()
    for path in (f"train_seed{seed}.log" for seed in draft.seeds):
        steps = "".join(f"step:{step}/20000 train_loss:{loss.format(step % 10)}\n" for step in range(2_000, 2_030))
        draft.edit(path, "step:7000/20000 train_loss", f"{steps}step:7000/20000 train_loss")
    assert "seed-repeated" not in {f.rule for f in verdict_of(draft, tmp_path).findings}


def test_calibration_within_the_time_reserved_for_it_is_not_reported_as_untimed(tmp_path: Path) -> None:
    draft = Draft(train_ms=588_000)
    draft.edit_logs(
        "Code size", "GPTQ:collecting Hessians from calibration data...\nGPTQ:collected 67 Hessians in 11.3s\nCode size"
    )
    assert verdict_of(draft, tmp_path).findings == ()
    late = Draft(train_ms=588_000)
    late.edit_logs(
        "Code size", "GPTQ:collecting Hessians from calibration data...\nGPTQ:collected 67 Hessians in 13.0s\nCode size"
    )
    result = verdict_of(late, tmp_path / "late").findings
    assert {f.rule for f in result} == {"untimed-work"}
    assert "1.0 s over the cap" in result[0].message


@pytest.mark.parametrize(
    ("claim", "rules"),
    [
        (1.11473509, set()),
        (1.1147, set()),
        (1.115, set()),  # 1.1150 as written out, which is that of the worst run
        (1.11, {"score-not-in-logs"}),
        (1.1148, set()),  # the mean of scores that were rounded before
        (1.1146, {"score-not-in-logs"}),
        (1.113, {"score-not-in-logs"}),
        (1.0, {"score-not-in-logs"}),
        (1.11437394, {"best-seed-claimed"}),
        (1.1144, {"best-seed-claimed"}),
        (1.11508120, set()),  # the worst of three: nobody gains by it
        (1.1088, {"pre-quantization-score"}),
        (1.2437, {"pre-quantization-score"}),  # the validation of step 1000
    ],
)
def test_a_claim_must_be_the_mean_or_a_finding_says_what_it_is(claim: float, rules: set[str], tmp_path: Path) -> None:
    draft = Draft()
    draft.set(val_bpb=claim)
    assert {finding.rule for finding in verdict_of(draft, tmp_path).findings} == rules


def test_a_score_edited_in_the_log_contradicts_its_other_numbers(tmp_path: Path) -> None:
    draft = Draft()
    draft.edit("train_seed42.log", "val_bpb:1.11437394", "val_bpb:1.10437394")
    result = {finding.rule for finding in verdict_of(draft, tmp_path).findings}
    assert result == {"rounding-mismatch"}


@pytest.mark.parametrize(
    ("shipped", "counted"),
    [
        (b"\xef\xbb\xbf" + SCRIPT, len(SCRIPT) + 3),
        (SCRIPT.replace(b"\n", b"\r\n"), len(SCRIPT) + SCRIPT.count(b"\n")),
        (SCRIPT.replace(b"\n", b"\r\n"), len(SCRIPT)),
    ],
    ids=["byte order mark", "CRLF", "CRLF, counted as printed"],
)
def test_a_mark_or_crlf_of_a_script_makes_its_dump_no_other_source(
    shipped: bytes, counted: int, tmp_path: Path
) -> None:
    draft = Draft()
    draft.files["train_gpt.py"] = shipped
    draft.edit_logs(f"Code size: {len(SCRIPT)} bytes", f"Code size: {counted} bytes")
    assert "dump-not-shipped" in verdict_of(draft, tmp_path).passed


@pytest.mark.parametrize(("encoding", "end", "said"), [("utf-16", "\n", "UTF-16-LE"), ("utf-8", "\r\n", "CRLF")])
def test_unusual_lines_in_a_log_are_reported_and_change_nothing(
    encoding: str, end: str, said: str, tmp_path: Path
) -> None:
    draft = Draft()
    draft.files["train_seed42.log"] = draft.files["train_seed42.log"].decode().replace("\n", end).encode(encoding)
    (result,) = verdict_of(draft, tmp_path).findings
    assert (result.rule, result.severity, result.path) == ("log-schema-violation", Severity.INFO, "train_seed42.log")
    assert said in result.message


def test_the_findings_of_a_rule_are_capped_and_the_rest_is_counted(tmp_path: Path) -> None:
    verdict = verdict_of(Draft(script=b"import requests\n" * 5_000), tmp_path)
    messages = [finding.message for finding in verdict.findings if finding.rule == "network-import"]
    assert len(messages) == MAX_FINDINGS + 1
    assert messages[-1] == f"and {5_000 - MAX_FINDINGS:,} more findings of this rule"


def test_a_message_has_a_bounded_length(tmp_path: Path) -> None:
    draft = Draft()
    for number, path in enumerate(path for path in draft.files if path.endswith(".log")):
        draft.edit(path, "model_params:17059912", f"model_params:{str(number) * 9_000}")
    assert all(len(finding.message) <= MAX_MESSAGE_CHARS + 1 for finding in verdict_of(draft, tmp_path).findings)
