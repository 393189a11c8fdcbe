"""Kinds of submissions that were once judged wrongly: the smallest input of each, with the right verdict."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from golfcheck.core.outcome import Outcome, outcome, undecided
from golfcheck.core.verdict import Severity, Verdict
from golfcheck.judging.verify import verify
from golfcheck.submission.examined import examine
from golfcheck.submission.record import load
from tests.golfcheck.valid_record import BPB, SCRIPT, Draft, verdict_of

LOGS = tuple(f"train_seed{seed}.log" for seed in BPB)


def errors(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings if finding.severity is Severity.ERROR}


def warnings(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings if finding.severity is Severity.WARNING}


def prefixed(draft: Draft, before: Callable[[int], str], after: str = "") -> None:
    """Put something before every line of every log."""
    for path in LOGS:
        lines = draft.files[path].decode().splitlines()
        draft.files[path] = "".join(f"{before(n)}{line}{after}\n" for n, line in enumerate(lines)).encode()


PREFIXES: dict[str, tuple[Callable[[int], str], str]] = {
    "two blanks": (lambda n: "  ", ""),
    "a tab": (lambda n: "\t", ""),
    "torchrun": (lambda n: "[default0]:[rank0]: ", ""),
    "a rank": (lambda n: "rank0: ", ""),
    "a rank in brackets": (lambda n: "[rank 0] ", ""),
    "srun": (lambda n: "0: ", ""),
    "mpirun": (lambda n: "[1,0]<stdout>:", ""),
    "a clock": (lambda n: f"[12:{n // 60 % 60:02}:{n % 60:02}] ", ""),
    "an ISO time": (lambda n: f"2026-03-18T12:00:{n % 60:02}.{n:06}Z ", ""),
    "an epoch": (lambda n: f"{1776142348 + n}.135 ", ""),
    "Python logging": (lambda n: f"2026-03-18 12:00:{n % 60:02},{n:03} - INFO - ", ""),
    "Python logging, levels": (lambda n: f"{('INFO', 'WARNING')[n % 2]}:root:", ""),
    "loguru": (lambda n: f"2026-03-18 12:00:00.{n:03} | INFO     | __main__:{('log', 'main')[n % 2]}:{n} - ", ""),
    "docker compose": (lambda n: "train-1  | ", ""),
    "Kubernetes": (lambda n: f"2026-03-18T12:00:00.{n:09}Z stdout F ", ""),
    "ray": (lambda n: f"(train pid={4000 + n % 2}, ip=10.0.0.1) ", ""),
    "syslog": (lambda n: f"Mar 18 12:00:{n % 60:02} host train[{300 + n}]: ", ""),
    "colors": (lambda n: "\x1b[32m", "\x1b[0m"),
    "colors and a clock": (lambda n: f"\x1b[2m12:00:{n % 60:02}\x1b[0m ", ""),
}


@pytest.mark.parametrize("form", PREFIXES)
def test_a_prefix_before_every_line_hides_no_evidence(form: str, tmp_path: Path) -> None:
    plain = verdict_of(Draft(), tmp_path / "plain")
    over = Draft(model_bytes=16_700_000, train_ms=700_000)
    prefixed(over, *PREFIXES[form])
    verdict = verdict_of(over, tmp_path)
    assert {"bytes-over-cap", "train-time-over-cap"} <= errors(verdict)
    draft = Draft()
    prefixed(draft, *PREFIXES[form])
    same = verdict_of(draft, tmp_path / "same")
    assert replace(same.score, left_out=()) == replace(plain.score, left_out=())
    assert (same.size, same.time, same.findings) == (plain.size, plain.time, plain.findings)


@pytest.mark.parametrize("line", ["Total submission size int8+zlib: 16700101 bytes", "seed:7"])
def test_a_prefix_before_a_single_line_does_not_hide_it(line: str, tmp_path: Path) -> None:
    draft = Draft()
    old = re.search(rf"\n{re.escape(line.partition(':')[0])}:.*\n", draft.files[LOGS[0]].decode())
    assert old
    draft.edit(LOGS[0], old[0], f"\nmy own words: {line}\n")
    rules = {finding.rule for finding in verdict_of(draft, tmp_path).findings}
    assert rules & {"bytes-over-cap", "seed-mismatch"}


SCORE_LINES = {
    "bpb alone": ("final val_bpb:{bpb:.4f}", "final_exact val_bpb:{bpb:.8f}"),
    "bpb before loss": (
        "final val_bpb:{bpb:.4f} val_loss:{loss:.4f}",
        "final_exact val_bpb:{bpb:.8f} val_loss:{loss:.8f}",
    ),
    "equals signs": ("final_ttt:done val_loss={loss:.6f} val_bpb={bpb:.8f} elapsed=352.4s",),
    "a name of its own": ("mixer: mix_bpb={bpb:.8f}",),
    "exact beside it": ("final_int8 val_loss:{loss:.4f} val_bpb:{bpb:.4f} exact:{bpb:.8f} eval_time:1500ms",),
    "words": ("Sliding window BPB: {bpb:.8f} (stride 64)",),
    "blanks": ("final_int8_zlib_roundtrip_exact val_bpb {bpb:.8f}",),
    "a name of progress": ("final_research_export_chunked val_loss:{loss:.8f} val_bpb:{bpb:.8f}",),
    "bits per byte in words": ("eval_bits_per_token={loss:.8f}", "eval_bits_per_byte={bpb:.8f}"),
    "nothing but the score": ("val_bpb={bpb:.8f}",),
    "a harness": ("[RESULT] run=9b13b924 | score={bpb:.8f} | size=15,154,068B | fits 16MB | OK | 1071s",),
    "done": ("ngram_eval DONE: bpb={bpb:.8f} tokens=62023616 t=133s",),
}


@pytest.mark.parametrize("form", SCORE_LINES)
def test_a_score_is_read_whatever_its_line_looks_like(form: str, tmp_path: Path) -> None:
    draft = Draft()
    for seed in BPB:
        text = draft.files[f"train_seed{seed}.log"].decode()
        text = "".join(line + "\n" for line in text.splitlines() if not line.startswith("final_int8"))
        lines = [line.format(bpb=draft.bpb(seed), loss=draft.loss(seed)) for line in SCORE_LINES[form]]
        draft.files[f"train_seed{seed}.log"] = (text + "\n".join(lines) + "\n").encode()
    verdict = verdict_of(draft, tmp_path)
    assert verdict.score and verdict.score.mean_bpb == pytest.approx(1.11473511, abs=1e-7)
    assert not errors(verdict)
    draft.set(val_bpb=1.10, seed_results={})
    assert "score-not-in-logs" in errors(verdict_of(draft, tmp_path / "false"))


OTHER_WEIGHTS = "unquantized fp32_model raw_weights post_ema best_checkpoint final_bf16 before_quantization".split()


@pytest.mark.parametrize("name", OTHER_WEIGHTS)
def test_a_claim_that_is_a_score_of_other_weights_is_an_error_wherever_it_stands(name: str, tmp_path: Path) -> None:
    for index, after in enumerate(("Serialized model: ", "final_int8_zlib_roundtrip val_loss")):
        draft = Draft()
        draft.edit_logs(after, f"{name} val_loss:1.8500 val_bpb:1.0950\n{after}")
        draft.set(val_bpb=1.0950, val_loss=None, seed_results={})
        assert "pre-quantization-score" in errors(verdict_of(draft, tmp_path / str(index)))


def test_a_claim_that_is_the_last_validation_of_logs_without_an_artifact_score_is_an_error(tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        lines = draft.files[path].decode().splitlines()
        draft.files[path] = "".join(line + "\n" for line in lines if not line.startswith("final_int8")).encode()
    draft.set(val_bpb=1.1087, val_loss=None, seed_results={})
    assert "pre-quantization-score" in errors(verdict_of(draft, tmp_path))


def test_the_runs_that_the_claim_names_are_judged_and_an_ablation_beside_them_is_not(tmp_path: Path) -> None:
    draft = Draft()
    other = Draft(model_bytes=17_000_000, train_ms=900_000, bpb_shift=0.05)
    for seed in BPB:
        draft.files[f"ablation/no_warmup_seed{seed}.log"] = other.log(seed)
    verdict = verdict_of(draft, tmp_path)
    assert not verdict.findings
    assert verdict.score and len(verdict.score.left_out) == 3
    assert verdict.score.mean_bpb == pytest.approx(1.11473511, abs=1e-7)


def test_runs_in_a_subfolder_that_give_the_claim_are_the_ones_it_is_about(tmp_path: Path) -> None:
    draft, better = Draft(folder="2026-04-01_Valid"), Draft(bpb_shift=-0.01)
    for seed in BPB:
        draft.files[f"second/seed_{seed}.log"] = better.log(seed)
    mean = sum(map(better.bpb, BPB)) / len(BPB)
    draft.set(val_bpb=round(mean, 5), val_loss=None, seed_results={})
    verdict = verdict_of(draft, tmp_path)
    assert not errors(verdict)
    assert verdict.score and verdict.score.mean_bpb == pytest.approx(mean, abs=1e-8)


def test_a_second_submission_in_a_subfolder_is_never_pooled(tmp_path: Path) -> None:
    draft, other = Draft(), Draft(bpb_shift=0.05)
    draft.files |= {f"second/{path}": data for path, data in other.files.items()}
    verdict = verdict_of(draft, tmp_path)
    assert verdict.score and not verdict.score.left_out
    assert [finding.message for finding in verdict.findings] == ["a second submission: judged separately"]


def test_two_runs_in_one_file_are_two_and_their_steps_do_not_go_backwards(tmp_path: Path) -> None:
    draft = Draft()
    draft.files["train_seed42.log"] = draft.log(1337).replace(b"seed:1337", b"seed:1338") + draft.log(42)
    verdict = verdict_of(draft, tmp_path)
    assert "steps-not-increasing" in verdict.passed
    assert verdict.score and set(verdict.score.seeds) == set(BPB)


def test_a_start_that_failed_before_its_first_step_is_not_a_run(tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        head, step, _ = draft.files[path].partition(b"step:1/20000")
        assert step
        draft.files[path] = head.replace(b"\nseed:", b"\nseed:9") + draft.files[path]
    verdict = verdict_of(draft, tmp_path)
    assert not {"not-8xh100", "dump-not-shipped", "seed-mismatch"} & {finding.rule for finding in verdict.findings}


@pytest.mark.parametrize(
    "name", [".ipynb_checkpoints/train_seed42-checkpoint.log", "._train_seed42.log", "train_seed42.log~"]
)
def test_files_left_behind_by_programs_are_not_evidence(name: str, tmp_path: Path) -> None:
    draft = Draft()
    draft.files[name] = draft.files["train_seed42.log"].replace(b"seed:42", b"seed:43")
    verdict = verdict_of(draft, tmp_path)
    assert {(finding.rule, finding.severity) for finding in verdict.findings} == {("unexpected-file", Severity.INFO)}


def test_a_log_that_states_no_score_leaves_a_record_unverified(tmp_path: Path) -> None:
    draft = Draft(folder="2026-04-01_Valid")
    for path in LOGS:
        draft.files[path] = re.sub(rb"(?m)^final_int8.*\n", b"", draft.files[path])
    draft.set(val_bpb=1.055, val_loss=None, seed_results={})
    verdict = verify(draft.load(tmp_path))
    assert undecided(verdict).startswith("no score")
    assert outcome(verdict) is Outcome.UNVERIFIED


def test_an_unknown_label_is_named_with_its_line(tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        text = re.sub(r"(?m)^final_int8.*\n", "", draft.files[path].decode())
        draft.files[path] = (text + "scores=[1.1147, 1.1151]\n").encode()
    reason = examine(draft.load(tmp_path)).selection.reason
    assert re.search(r"train_seed1337\.log:\d+ has an unknown label", reason)


def test_of_several_lines_in_no_known_form_the_last_about_bits_per_byte_is_named(tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        text = re.sub(r"(?m)^final_int8.*\n", "", draft.files[path].decode())
        head, _, tail = text.partition("seed:")
        draft.files[path] = f"{head}scoring=exact 1.25 each\nseed:{tail}[VAL] all: val_bpb≈1.1147\n".encode()
    last = len(draft.files[LOGS[0]].decode().splitlines())
    assert f"{LOGS[0]}:{last} has an unknown label" in examine(draft.load(tmp_path)).selection.reason


@pytest.mark.parametrize("line", ["val_bpb -> 1.1147", "val_bpb ~ 1.1147", "bpb, all shards: [1.1147, 1.1151]"])
def test_a_score_in_a_form_that_cannot_be_read_is_an_unknown_label(line: str, tmp_path: Path) -> None:
    draft = Draft(folder="2026-04-01_Valid")
    for path in LOGS:
        draft.files[path] = re.sub(rb"(?m)^final_int8.*\n", b"", draft.files[path]) + f"{line}\n".encode()
    draft.set(val_bpb=1.1147, val_loss=None, seed_results={})
    record = draft.load(tmp_path)
    assert "has an unknown label" in examine(record).selection.reason
    assert outcome(verify(record)) is Outcome.UNVERIFIED


def test_a_log_with_nothing_but_a_validation_is_reported_with_its_line(tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        draft.files[path] = re.sub(rb"(?m)^final_int8.*\n", b"", draft.files[path])
    reason = examine(draft.load(tmp_path)).selection.reason
    assert re.search(r"train_seed1337\.log:\d+ is the validation at step 7000", reason)


@pytest.mark.parametrize("folder", ["2026-03-20_Case", "2026-06-01_Case"])
def test_a_dated_folder_of_code_alone_is_unverified(folder: str, tmp_path: Path) -> None:
    record = tmp_path / "records" / "track_10min_16mb" / folder
    record.mkdir(parents=True)
    (record / "train_gpt.py").write_bytes(SCRIPT)
    assert outcome(verify(load(record))) is Outcome.UNVERIFIED


def test_a_record_without_a_log_is_unverified_because_nothing_is_proven(tmp_path: Path) -> None:
    draft = Draft(folder="2026-04-01_Valid")
    for path in LOGS:
        del draft.files[path]
    verdict = verify(draft.load(tmp_path))
    assert {(f.rule, f.severity) for f in verdict.findings if f.rule.endswith("missing")} == {
        ("log-missing", Severity.INFO)
    }
    assert outcome(verdict) is Outcome.UNVERIFIED


@pytest.mark.parametrize("name", ["README.md", "submission.json", "train_gpt.py"])
def test_a_missing_file_proves_no_number_wrong(name: str, tmp_path: Path) -> None:
    draft = Draft(folder="2026-04-01_Valid")
    del draft.files[name]
    verdict = verdict_of(draft, tmp_path)
    assert not errors(verdict)
    assert any(rule.endswith("-missing") for rule in warnings(verdict))
    strict = Draft()
    del strict.files[name]
    assert any(rule.endswith("-missing") for rule in errors(verdict_of(strict, tmp_path / "strict")))


def test_a_folder_with_a_tokenizer_and_no_run_needs_review(tmp_path: Path) -> None:
    record = tmp_path / "records" / "track_non_record_16mb" / "2026-04-03_Tokenizer"
    record.mkdir(parents=True)
    (record / "README.md").write_text("# A tokenizer\n")
    (record / "words.meta.npz").write_bytes(b"PK")
    verdict = verify(load(record))
    assert warnings(verdict) == {"unproven-tokenizer"}
    assert outcome(verdict) is Outcome.REVIEW


def test_a_folder_of_code_alone_is_unverified(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text("import torch\n")
    assert outcome(verify(load(tmp_path))) is Outcome.UNVERIFIED


def test_minutes_are_not_compared_with_an_average_in_milliseconds(tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        text = draft.files[path].decode()
        draft.files[path] = re.sub(r"(step:\d+/\d+ .*train_time:)\d+ms", r"\g<1>0.0m", text).encode()
    assert "time-not-consistent" not in errors(verdict_of(draft, tmp_path))


def test_the_time_of_several_passes_is_added(tmp_path: Path) -> None:
    draft = Draft()
    for seed in BPB:
        draft.edit(
            f"train_seed{seed}.log",
            "final_int8_zlib_roundtrip val_loss",
            f"ngram_pass1_total bpb:{draft.bpb(seed) + 0.1:.8f} time:400000ms\n"
            f"ngram_pass2_total bpb:{draft.bpb(seed) - 0.05:.8f} time:300000ms\nfinal_int8_zlib_roundtrip val_loss",
        )
    results = {str(seed): {"val_bpb": round(draft.bpb(seed) - 0.05, 8)} for seed in BPB}
    draft.set(val_bpb=round(sum(map(draft.bpb, BPB)) / 3 - 0.05, 8), val_loss=None, seed_results=results)
    verdict = verdict_of(draft, tmp_path)
    assert "eval-time-over-cap" in errors(verdict)
    assert any(finding.message.startswith("700,000 ms") for finding in verdict.findings)


def test_documents_scored_one_by_one_lose_a_token_each_but_no_bytes(tmp_path: Path) -> None:
    ratio = 151_080_000 / (62_021_632 - 50_000)
    verdict = verdict_of(Draft(bytes_per_token=ratio), tmp_path)
    assert "bytes-not-conserved" in verdict.passed


def test_evaluations_that_share_their_lines_under_two_seeds_are_one_run(tmp_path: Path) -> None:
    draft = Draft()
    progress = "".join(f"ttt_chunk [{n}/40] bpb=1.{1000 + n} time={n}.5s\n" for n in range(1, 41))
    draft.edit_logs("final_int8_zlib_roundtrip val_loss", f"{progress}final_int8_zlib_roundtrip val_loss")
    assert "seed-repeated" in errors(verdict_of(draft, tmp_path))


def test_a_mean_over_a_seed_whose_log_is_missing_is_not_proven_false(tmp_path: Path) -> None:
    draft = Draft(spread=10)
    del draft.files["train_seed2025.log"]
    draft.set(seed_results={}, val_loss=None)
    verdict = verdict_of(draft, tmp_path)
    assert "score-not-in-logs" not in errors(verdict)
    assert "score-not-in-logs" in warnings(verdict)


def test_a_claim_that_a_table_in_the_folder_has_is_no_proven_lie_nor_is_the_size_of_another_run(tmp_path: Path) -> None:
    draft = Draft(model_bytes=16_100_000)
    draft.set(val_bpb=1.0912, val_loss=None, seed_results={}, bytes_total=15_900_000)
    assert {"score-not-in-logs", "bytes-over-cap"} <= errors(verdict_of(draft, tmp_path / "alone"))
    draft.files["eval.csv"] = b"name,bpb\nsliding,1.09118842\n"
    verdict = verdict_of(draft, tmp_path)
    assert not errors(verdict) & {"score-not-in-logs", "bytes-over-cap"}
    assert any("eval.csv:2 has it" in finding.message for finding in verdict.findings)


def test_a_dumped_source_that_prints_progress_is_not_an_unfinished_evaluation(tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        program = "".join(f'    print(f"ttt_chunk [{{n}}/1893] bpb={{x:.4f}} in {n}.25s")\n' for n in range(8))
        draft.files[path] += program.encode()
    draft.set(val_bpb=1.1001, val_loss=None, seed_results={})
    assert "score-not-in-logs" in errors(verdict_of(draft, tmp_path))


def test_notes_that_show_the_claim_are_not_a_log_and_a_readme_only_repeats_it(tmp_path: Path) -> None:
    draft = Draft()
    draft.set(val_bpb=1.0912, val_loss=None, seed_results={})
    draft.files["README.md"] = b"# Valid\n\nquantized_ttt val_bpb:1.09118842\n"
    assert "score-not-in-logs" in errors(verdict_of(draft, tmp_path / "readme"))
    draft.files["report.md"] = b"# Report\n\n**val_bpb: 1.0912**, at a loss of 1.8400\n"
    assert "score-not-in-logs" in errors(verdict_of(draft, tmp_path / "report"))
    draft.files["terminal_runs.md"] = b"# Terminal\n\nquantized_ttt val_loss:1.84238800 val_bpb:1.09118842\n"
    assert "score-not-in-logs" not in errors(verdict_of(draft, tmp_path))


def test_a_score_at_a_step_of_a_log_that_saved_nothing_is_a_validation(tmp_path: Path) -> None:
    draft = Draft(folder="2026-04-01_Valid")
    for seed in BPB:
        draft.files[f"train_seed{seed}.log"] = (
            f"seed:{seed}\n"
            "step:9000 val_loss:1.9000 val_bpb:1.1253\n"
            "step:10000 val_loss:1.8700 val_bpb:1.1075\n"
            "final step:10000 val_loss:1.8700 val_bpb:1.1075\n"
        ).encode()
    draft.set(val_bpb=1.1147, val_loss=None, seed_results={})
    verdict = verify(draft.load(tmp_path))
    assert not errors(verdict)
    assert outcome(verdict) in (Outcome.UNVERIFIED, Outcome.REVIEW)


def test_a_claim_beyond_an_evaluation_that_its_log_shows_no_end_of_is_no_proven_lie(tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        draft.files[path] += b"".join(b"ttt_chunk [%d/1893] bpb=1.1%d time=9.5s\n" % (n, n) for n in range(100, 140))
    draft.set(val_bpb=1.1001, val_loss=None, seed_results={})
    verdict = verdict_of(draft, tmp_path)
    assert "score-not-in-logs" not in errors(verdict)
    assert any("an evaluation that does not end" in finding.message for finding in verdict.findings)


@pytest.mark.parametrize("said", ["README", "JSON"])
def test_a_mean_over_more_runs_than_there_are_logs_of_is_no_proven_lie(said: str, tmp_path: Path) -> None:
    draft = Draft(spread=10)
    del draft.files["train_seed2025.log"]
    draft.set(seeds=None, seed_results=None, val_loss=None)
    if said == "README":
        draft.files["README.md"] = b"# Valid\n\n**val_bpb: 1.1147** (3-seed mean)\n"
    else:
        draft.set(n_seeds=3)
    assert "score-not-in-logs" in warnings(verdict_of(draft, tmp_path))


@pytest.mark.parametrize("words", ["README", "JSON"])
def test_a_time_over_the_cap_is_no_proof_against_what_calls_itself_no_record(words: str, tmp_path: Path) -> None:
    draft = Draft(train_ms=1_200_000, eval_ms=900_000)
    assert {"train-time-over-cap", "eval-time-over-cap"} <= errors(verdict_of(draft, tmp_path / "record"))
    if words == "README":
        draft.files["README.md"] = b"# Valid (WIP, non-record)\n\nRun on one GPU.\n"
    else:
        draft.set(notes="Single seed. Non-record submission: documents a technique.")
    verdict = verdict_of(draft, tmp_path)
    assert not errors(verdict) & {"train-time-over-cap", "eval-time-over-cap"}
    assert {"train-time-over-cap", "eval-time-over-cap"} <= warnings(verdict)


@pytest.mark.parametrize(
    ("old", "new"), [("world_size:8", "world_size:1"), ("NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB")]
)
def test_a_time_over_the_cap_on_a_slower_machine_is_no_proof(old: str, new: str, tmp_path: Path) -> None:
    draft = Draft(train_ms=1_200_000, eval_ms=900_000)
    for path in LOGS:
        draft.files[path] = draft.files[path].replace(old.encode(), new.encode())
    verdict = verdict_of(draft, tmp_path)
    assert not errors(verdict)
    assert {"train-time-over-cap", "eval-time-over-cap"} <= warnings(verdict)


def test_a_record_that_mentions_others_non_record_work_is_still_a_record(tmp_path: Path) -> None:
    draft = Draft(train_ms=1_200_000)
    draft.files["README.md"] = b"# Valid\n\nAs in the non-record leaderboard, but faster.\n"
    assert "train-time-over-cap" in errors(verdict_of(draft, tmp_path))


def test_the_caps_are_no_proof_against_several_runs_of_which_nothing_is_claimed(tmp_path: Path) -> None:
    draft = Draft(folder="2026-04-01_Study", model_bytes=16_500_000, train_ms=900_000)
    del draft.files["submission.json"]
    assert not errors(verdict_of(draft, tmp_path))


def test_a_baselines_log_beside_the_submissions_is_not_judged(tmp_path: Path) -> None:
    draft = Draft()
    other = Draft(model_bytes=17_000_000, train_ms=900_000, bpb_shift=0.05)
    for seed in BPB:
        draft.files[f"control_seed{seed}.log"] = other.log(seed)
    draft.set(val_bpb=1.05, val_loss=None, seed_results={}, seeds=None)  # what no run has
    verdict = verdict_of(draft, tmp_path)
    assert errors(verdict) - {"schema-violation"} == {"score-not-in-logs"}
    assert verdict.score and verdict.score.mean_bpb == pytest.approx(1.11473511, abs=1e-7)


def test_a_run_that_was_tried_again_in_the_same_log_is_not_judged(tmp_path: Path) -> None:
    draft = Draft()
    first = Draft(model_bytes=17_000_000, bpb_shift=0.05)
    for seed in BPB:
        draft.files[f"train_seed{seed}.log"] = first.log(seed) + draft.files[f"train_seed{seed}.log"]
    draft.set(val_bpb=1.05, val_loss=None, seed_results={}, seeds=None)
    verdict = verdict_of(draft, tmp_path)
    assert verdict.score and verdict.score.mean_bpb == pytest.approx(1.11473511, abs=1e-7)
    assert "bytes-over-cap" not in errors(verdict)


def test_a_score_before_quantization_is_cited_where_it_is_nearest_the_claim(tmp_path: Path) -> None:
    draft = Draft()
    draft.edit("train_seed42.log", "val_bpb:1.1084", "val_bpb:1.1090")
    draft.set(val_bpb=1.1090, val_loss=None, seed_results={})
    (finding,) = [f for f in verdict_of(draft, tmp_path).findings if f.rule == "pre-quantization-score"]
    assert finding.path == "train_seed42.log"


def test_the_last_steps_say_how_late_a_run_that_got_slower_ended(tmp_path: Path) -> None:
    draft = Draft(train_ms=600_218)  # 2.5 average steps late
    for path in LOGS:
        text = draft.files[path].decode().replace("step:7000/20000 train_loss", "step:6990/20000 train_loss")
        draft.files[path] = text.replace(
            "train_loss:1.9000 train_time:600218ms", "train_loss:1.9000 train_time:598800ms"
        ).encode()
    severities = {f.severity for f in verdict_of(draft, tmp_path).findings if f.rule == "train-time-over-cap"}
    assert severities == {Severity.INFO}


def test_a_stop_at_another_time_than_the_line_of_its_step_is_evidence(tmp_path: Path) -> None:
    draft = Draft()
    draft.edit(LOGS[0], "wallclock_cap train_time:599920ms", "wallclock_cap train_time:590920ms")
    assert {(f.rule, f.severity) for f in verdict_of(draft, tmp_path).findings} == {
        ("time-not-consistent", Severity.WARNING)
    }


ADAPTS = """

def {name}(model, tokens):
    for start in range(0, len(tokens), 64):
        loss = model(tokens[start : start + 64])
        loss.backward()


val_tokens = torch.load("fineweb_val.bin")
{name}(torch.nn.Linear(4, 4), val_tokens)
"""


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("eval_val_ttt", Severity.INFO),
        ("ttt_adapt", Severity.WARNING),
        ("prequant_ttt_eval", Severity.WARNING),
        ("collect_hessians", Severity.WARNING),
    ],
)
def test_adapting_in_an_evaluation_is_mentioned_and_elsewhere_it_is_evidence(
    name: str, severity: Severity, tmp_path: Path
) -> None:
    verdict = verdict_of(Draft(script=SCRIPT + ADAPTS.format(name=name).encode()), tmp_path)
    assert {(f.rule, f.severity) for f in verdict.findings} == {("validation-read-in-training", severity)}


@pytest.mark.parametrize(
    ("readme", "rules"),
    [
        ("Hardware: 8×H100 SXM. Artifact: 15,799,101 bytes", set()),  # the size of one of the seeds
        ("| Total | 15.80 MB |", set()),
        ("All artifacts are under 16,000,000 bytes.", set()),
        ("This is not a 4×H100 run.", set()),
        ("It would take 4×H100 20 minutes.", set()),
        ("```\n# 1xH100\ntorchrun train_gpt.py\n```", set()),
        ("Training time: 599.9 s on 8xH100", set()),
        ("Training time: 10 minutes", set()),
        ("Ablations ran on 2xA100. Final training on 8 H100 GPUs.", set()),
        ("Thanks for the 1xH100 credits used to run sweeps.", set()),
        ("Wall-clock: 11.5 minutes including compilation and evaluation", set()),
        ("The previous record was 1.1194 bpb; this improves val_bpb by 0.0047 over 1.1194.", set()),
        ("| Quantization | artifact |\n|-|-|\n| int8 | 19.21 MB |\n| int6 | 14.20 MB |", set()),
        ("Zstd shrank the compressed model from 16.91 MB to 15.44 MB.", set()),
        ("| Seed | val_bpb |\n|-|-|\n| baseline | 1.2244 |\n| 42 | 1.0501 |", {"readme-score-differs"}),
        ("| Total | 15.10 MB |", {"readme-size-differs"}),
        ("Trained for 80 minutes.", {"readme-run-differs"}),
        ("Ran on 1xA100, artifact 15,000,000 bytes", {"readme-run-differs", "readme-size-differs"}),
    ],
)
def test_a_readmes_statements_about_its_run_are_compared_with_the_logs(
    readme: str, rules: set[str], tmp_path: Path
) -> None:
    draft = Draft()
    draft.files["README.md"] = f"# Valid\n\n{readme}\n".encode()
    assert {finding.rule for finding in verdict_of(draft, tmp_path).findings} == rules


PASSES = {
    "bare times": ("pass 1 eval_time: 312.5s", "pass 2 eval_time: 300.0s"),
    "milliseconds": ("pass 1 time: 312500ms", "pass 2 time: 300000ms"),
    "a unit in the key": ("pass 1 eval_time_s: 312.5", "pass 2 eval_time_s: 300"),
    "words": ("first pass took 5.2 min", "second pass took 5.0 min"),
    "of two": ("ngram pass 1/2: 312.5 s", "ngram pass 2/2: 300.0 s"),
    "with scores": ("ngram: Pass 1 done val_bpb=1.13 time=312.5s", "ngram: Pass 2 done val_bpb=1.12 time=300.0s"),
}


@pytest.mark.parametrize("form", PASSES)
def test_an_evaluation_in_passes_takes_as_long_as_all_of_them(form: str, tmp_path: Path) -> None:
    draft = Draft()
    draft.edit_logs("final_int8_zlib_roundtrip val", "\n".join((*PASSES[form], "final_int8_zlib_roundtrip val")))
    assert "eval-time-over-cap" in errors(verdict_of(draft, tmp_path))


def test_passes_of_calibration_are_no_part_of_the_evaluation(tmp_path: Path) -> None:
    draft = Draft()
    draft.edit_logs(
        "final_int8_zlib_roundtrip val", "gptq pass 1 took 400s\ngptq pass 2 took 400s\nfinal_int8_zlib_roundtrip val"
    )
    assert verdict_of(draft, tmp_path).findings == ()


def test_a_limit_of_time_in_the_settings_is_no_time_of_the_evaluation(tmp_path: Path) -> None:
    draft = Draft()
    draft.edit_logs("Code size", "max_eval_time_seconds: 900\nCode size")
    assert verdict_of(draft, tmp_path).findings == ()


def test_a_total_over_the_cap_that_fits_with_the_packed_code_as_shipped_is_a_warning(tmp_path: Path) -> None:
    draft = Draft(script=SCRIPT + b"#" * 60_000, model_bytes=15_970_000)
    draft.files["train_gpt.py"] = SCRIPT
    verdict = verdict_of(draft, tmp_path)
    assert "bytes-over-cap" in warnings(verdict)
    assert not errors(verdict)
    assert "which fits" in next(finding.message for finding in verdict.findings if finding.rule == "bytes-over-cap")


def test_the_size_of_a_rejected_attempt_is_not_the_saved_artifacts_total(tmp_path: Path) -> None:
    draft = Draft()
    for seed in BPB:
        model, total = draft.total(seed) - draft.code_bytes, draft.total(seed)
        old = f"Total submission size int8+zlib: {total} bytes"
        draft.edit(
            f"train_seed{seed}.log",
            f"Serialized model int8+zlib: {model}",
            f"artifact: 16,328,917 bytes\nSerialized model int8+zlib: {model}",
        )
        draft.edit(f"train_seed{seed}.log", old, f"Total submission size: {total} bytes")
    verdict = verdict_of(draft, tmp_path)
    assert verdict.findings == ()
    assert verdict.size and verdict.size.total_bytes == draft.total(1337)


@pytest.mark.parametrize("said", [None, "8xH100 SXM"])
def test_a_time_over_a_cap_is_proof_only_if_the_machine_is_shown_or_claimed(said: str | None, tmp_path: Path) -> None:
    draft = Draft(train_ms=700_000, eval_ms=700_000)
    for path in LOGS:
        lines = draft.files[path].decode().splitlines(keepends=True)
        draft.files[path] = "".join(line for line in lines if "H100" not in line and "world_size" not in line).encode()
    draft.set(hardware=said)
    verdict = verdict_of(draft, tmp_path)
    rules = {"train-time-over-cap", "eval-time-over-cap"}
    assert rules <= (errors(verdict) if said else warnings(verdict))


def test_two_readings_of_the_clock_for_one_line_contradict_nothing(tmp_path: Path) -> None:
    draft = Draft()
    draft.edit(LOGS[0], "train_time:85703ms", "train_time:85761ms")
    assert verdict_of(draft, tmp_path).findings == ()


@pytest.mark.parametrize("blank", ["", "\n", " \r\n\t\n", "\ufeff\n"])
def test_a_log_of_blank_lines_is_as_empty_as_one_of_no_byte(blank: str, tmp_path: Path) -> None:
    draft = Draft()
    for path in LOGS:
        draft.files[path] = blank.encode()
    assert "log-missing" in errors(verdict_of(draft, tmp_path))


@pytest.mark.parametrize(("has_final", "severity"), [(True, Severity.ERROR), (False, Severity.WARNING)])
def test_a_name_alone_does_not_prove_that_a_score_is_of_other_weights(
    has_final: bool, severity: Severity, tmp_path: Path
) -> None:
    draft = Draft()
    for path in LOGS:
        lines = draft.files[path].decode().splitlines(keepends=True)
        lines = [line for line in lines if has_final or not line.startswith("final_")]
        draft.files[path] = "".join([*lines, "original model val_loss:1.83 val_bpb:1.0837\n"]).encode()
    draft.set(val_bpb=1.0837, val_loss=None, seed_results={})
    findings = [f for f in verdict_of(draft, tmp_path).findings if f.rule == "pre-quantization-score"]
    assert [f.severity for f in findings] == [severity]


def test_a_claim_that_no_log_has_says_whether_its_size_is_in_one(tmp_path: Path) -> None:
    draft = Draft()
    draft.set(val_bpb=1.05)
    (finding,) = [f for f in verdict_of(draft, tmp_path / "1").findings if f.rule == "score-not-in-logs"]
    assert "other runs" not in finding.message
    draft.set(bytes_total=15_000_000)
    (finding,) = [f for f in verdict_of(draft, tmp_path / "2").findings if f.rule == "score-not-in-logs"]
    assert finding.message.endswith(
        "; no log has the claimed 15,000,000 bytes either, so the logs may be of other runs"
    )
