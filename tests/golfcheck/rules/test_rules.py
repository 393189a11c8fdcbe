"""Each rule has the smallest edit of a valid record that breaks it, and only it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from golfcheck.core.verdict import Severity
from golfcheck.render.findings import location
from golfcheck.rules import RULES
from golfcheck.submission.history import Change
from tests.golfcheck.valid_record import BPB, SCRIPT, Draft, verdict_of

LOG = "train_seed42.log"


@dataclass(frozen=True)
class Breaking:
    """How a rule is broken: a different draft, an edit of its files, or both; and what it is judged against."""

    edit: Callable[[Draft], object] = lambda draft: None
    make: Callable[[], Draft] = Draft
    shift: float = 0.04
    ruleset: str = "written"
    changes: tuple[Change, ...] = ()


def with_code(code: str) -> Callable[[], Draft]:
    """A record whose script has more code."""
    return lambda: Draft(script=SCRIPT + code.encode())


TRAINS_ON_VALIDATION = """
def adapt(model, tokens):
    for start in range(0, len(tokens), 64):
        loss = model(tokens[start : start + 64])
        loss.backward()


val_tokens = torch.load("fineweb_val.bin")
adapt(torch.nn.Linear(4, 4), val_tokens)
"""

LAST_LOG = "train_seed42.log"
CASES: dict[str, Breaking] = {
    "submission-missing": Breaking(lambda d: d.files.pop("submission.json")),
    "readme-missing": Breaking(lambda d: d.files.pop("README.md")),
    "log-missing": Breaking(lambda d: [d.files.pop(f"train_seed{seed}.log") for seed in BPB]),
    "script-missing": Breaking(lambda d: d.files.pop("train_gpt.py")),
    "script-empty": Breaking(make=lambda: Draft(script=b"\n")),
    "folder-name": Breaking(lambda d: setattr(d, "folder", "Valid")),
    "track-differs": Breaking(lambda d: d.set(track="non_record_16mb")),
    "date-differs": Breaking(lambda d: d.set(date="2026-06-02")),
    "date-in-future": Breaking(lambda d: d.set(date="2096-06-01"), make=lambda: Draft(folder="2096-06-01_Valid")),
    "secret-published": Breaking(
        lambda d: d.files.update({LOG: f"HF_TOKEN: hf_{'aB' * 17}\n".encode() + d.files[LOG]})
    ),
    "costly-to-read": Breaking(
        lambda d: d.files.update({LAST_LOG: d.files[LAST_LOG] + b"\n" * 160_000}),
        make=lambda: Draft(script=SCRIPT + b"x = (" + b"1," * 60_000 + b")\n", model_bytes=15_000_000),
    ),
    "unexpected-file": Breaking(lambda d: d.files.update({"notes.exe": b"MZ"})),
    "json-invalid": Breaking(lambda d: d.edit("submission.json", "}\n", "}}\n")),
    "schema-violation": Breaking(lambda d: d.set(github_id=None)),
    "log-schema-violation": Breaking(lambda d: d.edit(LOG, "model_params:17059912\n", "")),
    "unknown-key": Breaking(lambda d: d.set(favorite_color="green")),
    "date-invalid": Breaking(lambda d: d.set(date="2026-06-31")),
    "bytes-over-cap": Breaking(make=lambda: Draft(model_bytes=16_000_000)),
    "bytes-over-cap-as-shipped": Breaking(
        make=lambda: Draft(script=SCRIPT + b"#" * 60_000, packed_code=20_000, model_bytes=15_970_000)
    ),
    "total-not-sum": Breaking(lambda d: state_total(d, d.total(42) + 1)),
    "code-size-drift": Breaking(lambda d: d.set(bytes_code=d.code_bytes + 1)),
    "total-drift": Breaking(lambda d: d.set(bytes_total=15_000_000)),
    "artifact-size-drift": Breaking(lambda d: d.files.update({"final_model.int8.ptz": b"x" * 1_000})),
    "uncounted-source": Breaking(
        lambda d: d.files.update({"helper.py": b"x = 1\n"}), make=with_code("import helper\n")
    ),
    "wrapper-unreproducible": Breaking(make=lambda: Draft(packed_code=50)),
    "thin-margin": Breaking(make=lambda: Draft(model_bytes=16_000_000 - len(SCRIPT) - 100)),
    "lines-over-limit": Breaking(make=with_code("x = 1\n" * 1500)),
    "score-not-in-logs": Breaking(lambda d: d.set(val_bpb=1.05)),
    "best-seed-claimed": Breaking(lambda d: d.set(val_bpb=min(BPB.values()))),
    "rounding-mismatch": Breaking(lambda d: d.edit(LOG, "val_bpb:1.1144 eval", "val_bpb:1.1344 eval")),
    "bytes-not-conserved": Breaking(make=lambda: Draft(bytes_per_token=2.867)),
    "score-not-finite": Breaking(lambda d: d.edit(LOG, "Code size", "diagnostic val_loss:2.0 val_bpb:0.0\nCode size")),
    "readme-score-differs": Breaking(lambda d: d.edit("README.md", "A record", "Mean val_bpb: 1.1500. A record")),
    "readme-size-differs": Breaking(lambda d: d.edit("README.md", "A record", "Artifact: 15,100,000 bytes. A record")),
    "readme-run-differs": Breaking(lambda d: d.edit("README.md", "A record", "Hardware: 4xH100\n\nA record")),
    "unknown-score-label": Breaking(
        lambda d: [
            d.edit_logs("final_int8_zlib_roundtrip val", "dense val"),
            d.edit_logs("final_int8_zlib_roundtrip", "dense"),
        ]
    ),
    "implausible-score": Breaking(make=lambda: Draft(bpb_shift=-0.7), shift=-0.66),
    "implausible-gain": Breaking(shift=0.06),
    "pre-quantization-score": Breaking(lambda d: d.set(val_bpb=1.1088)),
    "unproven-tokenizer": Breaking(lambda d: [ship_tokenizer(d)]),
    "disputed-technique": Breaking(lambda d: setattr(d, "folder", "2026-06-01_Slot")),
    "partial-validation": Breaking(make=lambda: Draft(val_tokens=31_010_816)),
    "train-time-over-cap": Breaking(make=lambda: Draft(train_ms=601_000)),
    "eval-time-over-cap": Breaking(make=lambda: Draft(eval_ms=600_001)),
    "time-not-consistent": Breaking(lambda d: d.edit(LOG, "train_time:85703ms", "train_time:86703ms")),
    "step-average-constant": Breaking(lambda d: constant_average(d, LOG)),
    "steps-not-increasing": Breaking(lambda d: swap_lines(d, LOG, "step:2/", "step:3/")),
    "untimed-work": Breaking(lambda d: d.edit(LOG, "Code size", "gptq:collecting Hessians\nCode size")),
    "too-few-seeds": Breaking(make=lambda: Draft(seeds=(1337, 42))),
    "seed-repeated": Breaking(lambda d: same_losses(d, "train_seed1337.log", LOG)),
    "seed-mismatch": Breaking(lambda d: d.files.update({"train_seed43.log": d.files.pop(LOG)})),
    "duplicate-log": Breaking(lambda d: d.files.update({"train_seed42_copy.log": d.files[LOG]})),
    "settings-differ": Breaking(lambda d: d.edit(LOG, "model_params:17059912", "model_params:17059913")),
    "not-8xh100": Breaking(lambda d: d.edit(LOG, "NVIDIA H100 80GB HBM3", "NVIDIA H200         ")),
    "world-size": Breaking(lambda d: d.edit_logs("world_size:8", "world_size:4")),
    "syntax-error": Breaking(make=with_code("def (:\n")),
    "dump-not-shipped": Breaking(lambda d: d.edit("train_gpt.py", "1337", "1338")),
    "network-import": Breaking(make=with_code("import requests\n")),
    "external-program": Breaking(make=with_code("import subprocess\nsubprocess.run(['gcc', 'fast.c'])\n")),
    "validation-read-in-training": Breaking(make=with_code(TRAINS_ON_VALIDATION)),
    "gain-not-significant": Breaking(shift=0.0005),
    "seeds-needed": Breaking(make=lambda: Draft(spread=4.0), shift=0.0059, ruleset="audit-2026-05"),
    "foreign-files-touched": Breaking(changes=(Change("README.md", "M", "100644"),)),
    "waiver-without-reason": Breaking(lambda d: d.set(golfcheck={"ignore": {"thin-margin": " "}})),
    "waiver-unused": Breaking(lambda d: d.set(golfcheck={"ignore": {"thin-margin": "it fits"}})),
}


def state_total(draft: Draft, total_bytes: int) -> None:
    """Change the total in the log of seed 42, and in the submission accordingly."""
    draft.edit(LOG, f"int8+zlib: {draft.total(42)}", f"int8+zlib: {total_bytes}")
    draft.edit("submission.json", str(draft.total(42)), str(total_bytes))


def constant_average(draft: Draft, path: str) -> None:
    """Make a log state the same step average on 22 lines, with times that contradict it."""
    lines = draft.files[path].decode().splitlines(keepends=True)
    last = next(n for n, line in enumerate(lines) if line.startswith("step:1000/"))
    more = [
        f"step:{step}/20000 train_loss:3.0 train_time:{step * (85.7 - 0.002 * step):.0f}ms step_avg:85.70ms\n"
        for step in range(50, 1000, 50)
    ]
    draft.files[path] = "".join([*lines[:last], *more, *lines[last:]]).encode()


def ship_tokenizer(draft: Draft) -> None:
    """Ship a tokenizer, with logs from which the bytes per token cannot be computed."""
    draft.files["tokenizer.model"] = b"x"
    for path in draft.files:
        if path.endswith(".log"):
            text = re.sub(rb"(?m)^(final\S*) val_loss:\S+", rb"\1", draft.files[path])
            draft.files[path] = text.replace(b"val_bpb:1.2437", b"val_bpb:1.3437")


def swap_lines(draft: Draft, path: str, one: str, other: str) -> None:
    lines = draft.files[path].split(b"\n")
    i, j = (next(n for n, line in enumerate(lines) if line.startswith(start.encode())) for start in (one, other))
    lines[i], lines[j] = lines[j], lines[i]
    draft.files[path] = b"\n".join(lines)


def same_losses(draft: Draft, source: str, target: str) -> None:
    losses = re.findall(rb"train_loss:(\S+)", draft.files[source])
    remaining = iter(losses)
    draft.files[target] = re.sub(rb"train_loss:\S+", lambda _: b"train_loss:" + next(remaining), draft.files[target])


def test_a_valid_record_has_no_finding_and_skips_little(tmp_path: Path) -> None:
    verdict = verdict_of(Draft(), tmp_path)
    assert verdict.findings == ()
    assert {skipped.rule for skipped in verdict.skipped} <= {
        "artifact-size-drift",
        "readme-run-differs",
        "readme-score-differs",
        "readme-size-differs",
        "step-average-constant",
        "unproven-tokenizer",
        "waiver-without-reason",
        "waiver-unused",
    }
    assert len(verdict.passed) + len(verdict.skipped) == len(RULES)


@pytest.mark.parametrize("name", CASES)
def test_the_smallest_breaking_edit_fires_its_rule_and_no_other_and_is_its_example(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    draft = case.make()
    case.edit(draft)
    verdict = verdict_of(draft, tmp_path, shift=case.shift, ruleset=case.ruleset, changes=case.changes)
    assert {finding.rule for finding in verdict.findings} == {name}, verdict.findings
    example = next(rule.example for rule in RULES if rule.name == name)
    assert example == f"{location(verdict.findings[0])}: {verdict.findings[0].message}"


def test_an_empty_readme_is_missing(tmp_path: Path) -> None:
    draft = Draft()
    draft.files["README.md"] = b" \n"
    (finding,) = verdict_of(draft, tmp_path).findings
    assert (finding.rule, finding.path, finding.message) == ("readme-missing", "README.md", "README.md is empty")


def test_a_date_of_tomorrow_is_not_in_the_future_where_tomorrow_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golfcheck.judging.verify.today", lambda: date(2026, 5, 31))
    assert {finding.rule for finding in verdict_of(Draft(), tmp_path).findings} == {"date-in-future"}
    monkeypatch.setattr("golfcheck.judging.verify.today", lambda: date(2026, 6, 1))
    assert verdict_of(Draft(), tmp_path).findings == ()


def test_every_rule_has_a_breaking_case() -> None:
    assert set(CASES) == {rule.name for rule in RULES}


def test_a_rules_identifier_is_its_functions_name_and_its_docstring_says_how_to_fix_it() -> None:
    for rule in RULES:
        assert rule.name == rule.check.__name__.replace("_", "-")
        assert rule.doc.splitlines()[0].endswith(".")
        assert rule.hint.endswith(".")
        assert len(rule.hint) < 200
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_every_problem_found_while_loading_carries_the_name_of_a_rule(tmp_path: Path) -> None:
    source = (Path(__file__).parents[3] / "golfcheck" / "submission" / "record.py").read_text()
    named = set(re.findall(r'(?:LoadProblem\(|self\.say\(\s*)"([a-z-]+)"', source))
    assert named == {
        *("unexpected-file", "secret-published", "json-invalid", "schema-violation", "log-schema-violation"),
        "syntax-error",
    }


@pytest.mark.parametrize(
    ("claims", "severity", "words"),
    [
        ({"bytes_total": 15_790_000}, Severity.WARNING, "claims 15,790,000 bytes for seed 42; its log says 15,799,101"),
        ({"artifact_bytes": 15_790_000}, Severity.WARNING, "claims 15,790,000 bytes for seed 42; its log says"),
        (
            {"bytes_total": 15_800_101},
            Severity.INFO,
            "claims 15,800,101 bytes for seed 42, the total of another run; its",
        ),
        ({"bytes_model": 15_000_000}, Severity.WARNING, "claims 15,000,000 bytes of model for seed 42; its log says"),
    ],
)
def test_bytes_of_a_seed_that_its_log_does_not_have_drift(
    tmp_path: Path, claims: dict[str, int], severity: Severity, words: str
) -> None:
    draft = Draft()
    document = draft.submission()
    draft.set(seed_results={**document["seed_results"], "42": claims})  # type: ignore[dict-item]
    (finding,) = [finding for finding in verdict_of(draft, tmp_path).findings if finding.rule == "total-drift"]
    assert finding.severity is severity
    assert finding.message.startswith(words)


def test_the_code_of_our_own_trainer_needs_no_review(tmp_path: Path) -> None:
    draft = Draft()
    for module in (Path(__file__).parents[3] / "reference").glob("*.py"):
        draft.files["train_gpt.py" if module.name == "train.py" else module.name] = module.read_bytes()
    rules = {"external-program", "network-import", "wrapper-unreproducible", "validation-read-in-training"}
    findings = verdict_of(draft, tmp_path).findings
    assert [finding for finding in findings if finding.rule in rules and finding.severity > Severity.INFO] == []


@pytest.mark.parametrize("bytes_of_seed", [15_799_101, 15_799_000])
def test_the_artifact_of_a_seed_may_be_its_model_with_or_without_the_code(tmp_path: Path, bytes_of_seed: int) -> None:
    draft = Draft()
    document = draft.submission()
    draft.set(seed_results={**document["seed_results"], "42": {"artifact_bytes": bytes_of_seed}})  # type: ignore[dict-item]
    assert not [finding for finding in verdict_of(draft, tmp_path).findings if finding.rule == "total-drift"]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.set(val_loss=1.7), "claims a val_loss of 1.7; the logs' "),
        (lambda d: d.edit("submission.json", "1.11437394", "1.10437394"), "claims 1.10437394 bpb for seed 42; its log"),
    ],
)
def test_a_loss_or_a_seeds_score_that_no_log_has_is_a_false_claim(
    tmp_path: Path, edit: Callable[[Draft], object], words: str
) -> None:
    draft = Draft()
    edit(draft)
    findings = [f for f in verdict_of(draft, tmp_path).findings if f.severity > Severity.INFO]
    assert [finding.rule for finding in findings] == ["score-not-in-logs"]
    assert words in findings[0].message
    assert findings[0].line is not None


def test_a_claim_of_one_seed_is_cited_at_the_line_of_that_seed(tmp_path: Path) -> None:
    draft = Draft()
    draft.edit("submission.json", "1.11437394", "1.10437394")
    (finding,) = [f for f in verdict_of(draft, tmp_path).findings if f.rule == "score-not-in-logs"]
    assert finding.line
    assert draft.files["submission.json"].decode().splitlines()[finding.line - 1].strip() == '"42": {'
