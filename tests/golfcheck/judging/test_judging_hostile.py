"""Whatever a record says, judging it ends in a verdict: mutated records, absurd numbers, and floods."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck.core.ruleset import RULESETS
from golfcheck.core.verdict import Verdict
from golfcheck.judging.verify import judge
from golfcheck.rules import RULES
from golfcheck.submission.examined import examine
from golfcheck.submission.record import load
from tests.golfcheck.valid_record import SCRIPT, Draft, earlier

ABSURD = ("nan", "inf", "-inf", "0", "-1", "1e308", "1" * 300, "0.0", "1e-320", "", "-0", "9" * 19, "٣")


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return a text with some of its lines dropped, doubled or swapped, and some of its numbers made absurd."""
    lines = data.split(b"\n")
    for _ in range(rng.randint(1, 4)):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(4):
            case 0:
                del lines[i]
            case 1:
                lines.insert(j, lines[i])
            case 2:
                lines[i], lines[j] = lines[j], lines[i]
            case _:
                words = lines[i].split(b":")
                words[-1] = rng.choice(ABSURD).encode()
                lines[i] = b":".join(words)
        lines = lines or [b""]
    return b"\n".join(lines)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_a_mutated_record_is_judged_without_an_exception(tmp_path_factory, seed) -> None:
    rng = random.Random(seed)
    draft = Draft()
    for path in rng.sample(sorted(draft.files), 2):
        draft.files[path] = mutated(draft.files[path], rng)
    root = tmp_path_factory.mktemp("mutated")
    verdict = judge(examine(draft.load(root)), [earlier(root)], ruleset=rng.choice(list(RULESETS)))
    assert isinstance(verdict, Verdict)
    assert all(finding.message for finding in verdict.findings)


@pytest.mark.parametrize("value", ABSURD)
def test_an_absurd_score_is_no_score(value, tmp_path: Path) -> None:
    draft = Draft()
    for path in ("train_seed42.log", "train_seed1337.log", "train_seed2025.log"):
        lines = draft.files[path].decode().splitlines()
        lines[-1] = f"final_int8_zlib_roundtrip_exact val_loss:{value} val_bpb:{value}"
        draft.files[path] = "\n".join(lines).encode()
    verdict = judge(examine(draft.load(tmp_path)), [earlier(tmp_path)])
    mean = verdict.score.mean_bpb
    assert mean is None or 1 < mean < 2  # where the line was not read, the one with four decimals counts


FLOODS = {
    "scores of many names": "".join(f"a{i}_exact val_loss:2.0 val_bpb:1.1\n" for i in range(20_000)),
    "one score again and again": "x_exact val_loss:2.0 val_bpb:1.1\n" * 20_000,
    "the same step": "step:1/2 train_loss:1.0 train_time:5ms step_avg:5.00ms\n" * 20_000,
    "many runs": "seed:3\nstep:1/2 train_loss:1.0 train_time:5ms step_avg:5.00ms\nx val_loss:2 val_bpb:1\n" * 5_000,
    "calibration": "collected Hessians in 1s\n" * 20_000,
    "settings": ("a=1 " * 250 + "\n") * 5_000,
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_log_lines_is_judged(flood, tmp_path: Path) -> None:
    draft = Draft()
    draft.files["train_seed42.log"] += FLOODS[flood].encode()
    verdict = judge(examine(draft.load(tmp_path)), [earlier(tmp_path)])  # a quadratic rule would take minutes
    assert len(verdict.findings) < 100


PROGRAMS = {
    "calls": "f(val_tokens)\n" * 10_000,
    "functions of one name": "def f(val_tokens): f(val_tokens)\n" * 8_000,
    "functions in a chain": "".join(f"def f{i}(val_tokens): f{i - 1}(val_tokens)\n" for i in range(8_000)) + "f7999(v)",
    "assignments": "x = val_tokens\n" * 15_000,
    "imports": "import a\n" * 15_000,
    "loops": "for i in x:\n  val_tokens.backward(val_tokens)\n" * 5_000,
    "arguments": "f(" + ",".join(["val_tokens"] * 50_000) + ")",
    "brackets": "f(" * 20_000 + ")" * 20_000,
    "comments": "# x\n" * 50_000,
    "continued lines": "x = 1\n" + "    \\\n" * 20_000,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_flood_of_code_is_judged(name, tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_bytes(SCRIPT + PROGRAMS[name].encode())
    verdict = judge(examine(load(tmp_path)), [])  # a quadratic walk would take minutes
    assert {finding.rule for finding in verdict.findings} <= {rule.name for rule in RULES if rule.trainer}
