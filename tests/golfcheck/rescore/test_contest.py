"""The contest's unmodified script is recognized in any layout, and every edit that may affect the score is noticed."""

from pathlib import Path

import pytest

from golfcheck.rescore import contest, shipped
from golfcheck.rescore.devices import join
from golfcheck.rescore.report import RescoreOutcome
from golfcheck.rescore.rescoring import Request, rescore
from golfcheck.rescore.target import find
from golfcheck.submission import record
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World

SCRIPT = '''
"""A script that trains."""
import os

class Hyperparameters:
    lr = float(os.environ.get("LR", 0.04))
    rope_base = float(os.environ.get("ROPE_BASE", 10000.0))
    logit_softcap = float(os.environ.get("LOGIT_SOFTCAP", 30.0))

def norm(x: float, eps: float = 1e-6) -> float:
    """Return it normalized."""
    # a comment
    return x / (x * x + eps) ** 0.5

def main() -> None:
    args = Hyperparameters()
    print(norm(args.rope_base), f"{norm(args.logit_softcap):.3f}")

if __name__ == "__main__":
    main()
'''
SAME = {
    "as it is": ("", ""),
    "another comment": ("# a comment", "# other words"),
    "no docstrings": ('    """Return it normalized."""\n', ""),
    "another introduction": ("A script that trains.", "Run 17."),
    "other annotations": ("x: float, eps: float", "x, eps"),
    "another layout": ("x / (x * x + eps) ** 0.5", "(x\n        / (x * x + eps) ** 0.5)"),
    "another learning rate": ("0.04", "0.02"),
    "a new function that nothing calls": ("def main", "def other():\n    pass\n\ndef main"),
    "a setting that is given twice": ("    lr =", "    if True:\n        rope_base = 1\n    lr ="),
    "a new setting": ("    lr =", "    beta = 0.9\n    lr ="),
}
OTHER = {
    "a constant": ("eps: float = 1e-6", "eps: float = 1e-5"),
    "an operation": ("x * x + eps", "x * x - eps"),
    "a setting of the score": ("10000.0", "50000.0"),
    "the softcap": ("30.0", "15.0"),
    "the main function": ("norm(args.rope_base)", "norm(3.0)"),
    "a new function that is called": ("    print(", "    other()\n    print("),
    "a statement at the top": ("if __name__", "norm = abs\nif __name__"),
    "a patch at the top": ("if __name__", "norm.x = abs\nif __name__"),
    "a statement among the settings": ("    lr =", "    for rope_base in [1.0]:\n        g()\n    lr ="),
}


def edited(edit: tuple[str, str]) -> bytes:
    assert edit[0] in SCRIPT
    return SCRIPT.replace(*edit).encode() if edit[0] else SCRIPT.encode()


@pytest.mark.parametrize("name", SAME)
def test_edits_that_do_not_affect_the_score_do_not_change_the_digest(name: str):
    assert contest.digests(edited(SAME[name])) == contest.digests(SCRIPT.encode())


@pytest.mark.parametrize("name", OTHER)
def test_edits_that_may_affect_the_score_change_the_digest(name: str):
    assert contest.digests(edited(OTHER[name])) != contest.digests(SCRIPT.encode())


def test_the_digest_is_the_same_in_every_version_of_python():
    assert contest.digests(SCRIPT.encode()) == {
        "Hyperparameters": "d4d384ad",
        "Hyperparameters.logit_softcap": "892bd638",
        "Hyperparameters.rope_base": "5011eb61",
        "main": "ffbb1cbf",
        "norm": "027ae237",
        "the main program": "eea96cbb",
    }


@pytest.mark.parametrize("text", [b"def (:", b"\0", b"x = " + b"(" * 600 + b")" * 600, b"x=1\n" * 200_000])
def test_unreadable_code_has_no_digest(text: bytes):
    assert contest.digests(text) == {}


def test_shipping_the_contests_script_does_not_protect_a_false_claim(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = tiny.copy(world, tmp_path / "world")
    folder = world.record
    (folder / "submission.json").unlink()
    (folder / "train.log").write_text(tiny.log(world, bpb=world.score.val_bpb - 0.05))
    request = Request(data=world.shards, tokenizer=world.tokenizer)

    def outcome() -> RescoreOutcome:
        (target,) = find(folder, None, None, 16_000_000)
        return rescore(target, request, join("cpu"), lambda name: lambda *_: None).outcome

    (folder / "train_gpt.py").write_text(SCRIPT)
    assert shipped.difference(record.load(folder).sources) is not None
    assert outcome() is RescoreOutcome.INCOMPARABLE
    monkeypatch.setattr(contest, "DEFINITIONS", contest.digests(SCRIPT.encode()))
    assert shipped.difference(record.load(folder).sources) is None
    assert outcome() is RescoreOutcome.REFUTED
    (folder / "train_gpt.py").write_bytes(edited(OTHER["a constant"]))
    assert outcome() is RescoreOutcome.INCOMPARABLE


@pytest.mark.parametrize(
    ("tokens", "script", "words"),
    [
        (4736, "", "the claim is about 4,736 tokens, the text here has 4,800: they cannot be compared"),
        (
            4800,
            "class Net: pass\n",
            "ships other code than the reference's: a missed claim decides nothing, a predictor.py does",
        ),
        (4800, "", None),
    ],
)
def test_a_claim_that_will_stay_open_is_reported_before_the_evaluation(  # noqa: PLR0917 - fixtures and a case
    world: World, tokens: int, script: str, words: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = tiny.copy(world, tmp_path / "world")
    (world.record / "train.log").write_text(tiny.log(world, tokens=tokens))
    if script:
        (world.record / "train_gpt.py").write_text(script)
    (target,) = find(world.record, None, None, 16_000_000)
    before: list[str] = []

    def stage(name: str):
        before.append(capsys.readouterr().err)
        return lambda *_: None

    rescore(target, Request(data=world.shards, tokenizer=world.tokenizer), join("cpu"), stage)
    assert (words in before[0]) if words else before[0] == ""
