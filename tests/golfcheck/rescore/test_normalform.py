"""Shipping code is no shield: what does not change a score makes no difference, and past versions are known."""

import subprocess
from pathlib import Path

import pytest

from golfcheck.rescore import normalform, shipped, versions
from golfcheck.submission import record
from tests.conftest import ROOT

MODULES = [ROOT / "reference" / name for name in ("model.py", "bpb.py")]


def ship(folder: Path, edit: tuple[str, str] = ("", ""), more: str = "") -> str | None:
    """Ship the reference with an edit, and `more` behind its model; return the difference."""
    (folder / "train_gpt.py").write_text("import model, bpb\n")
    texts = [path.read_text() for path in MODULES]
    assert not edit[0] or sum(edit[0] in text for text in texts) == 1
    for path, text in zip(MODULES, texts, strict=True):
        (folder / path.name).write_text((text.replace(*edit) if edit[0] else text) + more * (path.name == "model.py"))
    return shipped.difference(record.load(folder).sources)


@pytest.mark.parametrize(
    "edit",
    [
        ("RMS_EPS = 2.0**-23", "RMS_EPS = 2.0 ** -23 + 0.0"),
        ("RMS_EPS = 2.0**-23", "RMS_EPS = 1.1920928955078125e-07"),
        ("RMS_EPS = 2.0**-23", "RMS_EPS: float = 1 / 8388608  # a comment"),
        ("QUERY_BLOCK = 128", "QUERY_BLOCK = 64"),
        ("qk_gain_init: float = 1.5", "qk_gain_init: float = 2.5"),
        ("tied_embed_init_std: float = 0.005", "tied_embed_init_std: float = 0.02"),
        ("nn.init.zeros_(p)", "nn.init.ones_(p)"),
    ],
    ids=lambda edit: edit[1],
)
def test_what_does_not_change_a_score_is_no_other_code(tmp_path: Path, edit: tuple[str, str]) -> None:
    assert ship(tmp_path, edit) is None


def test_what_nothing_reaches_is_no_other_code(tmp_path: Path) -> None:
    more = "\n\nclass Unused:\n    pass\n\n\ndef spare(x):\n    return x + 1\n\n\nSPARE = 3\n"
    assert ship(tmp_path, more=more) is None


def test_names_of_arguments_and_locals_make_no_difference() -> None:
    one = normalform.definitions(b"def f(x, y=2):\n    a, b = x, y\n    return [a * i for i in b]\n")
    two = normalform.definitions(
        b"def f(p, q=1 + 1):\n    'A docstring.'\n    u: int = p\n    v = q\n    return [u * k for k in v]\n"
    )
    assert one == two
    assert one != normalform.definitions(b"def f(x, y=2):\n    a, b = y, x\n    return [a * i for i in b]\n")
    swapped = [
        normalform.definitions(f"def f(x, y):\n    x, y = {right}\n    return x\n".encode())
        for right in ("y, x", "x, y")
    ]
    assert swapped[0] != swapped[1]


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (("RMS_EPS = 2.0**-23", "RMS_EPS = 2.0**-22"), "RMS_EPS"),
        (("F.relu(self.mlp", "F.gelu(self.mlp"), "Block.forward"),
        (("rope_base: float = 10000.0", "rope_base: float = 500.0"), "GPTConfig.rope_base"),
        (("b * cos - a * sin", "b * cos + a * sin"), "rotate"),
        (("math.log(2.0) * self.tokens", "math.log(2.1) * self.tokens"), "Score.val_bpb"),
        (("table.worth[i] = 1", "table.worth[i] = 2"), "ByteTable.from_tokenizer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_changes_a_score_is_other_code(tmp_path: Path, edit: tuple[str, str], name: str) -> None:
    found = ship(tmp_path, edit)
    assert found is not None
    assert found.endswith(f": {name}")


def test_endless_arithmetic_is_not_done() -> None:
    (form,) = normalform.definitions(b"X = 9 ** 9 ** 9 ** 9\n").values()
    assert "Pow" in form


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def test_every_past_version_of_the_reference_is_known_but_the_two_left_out() -> None:
    commits = git("log", "--format=%h", "--", "reference/model.py", "reference/bpb.py").split()
    if len(commits) < 5:
        pytest.skip("needs the project's history")
    unknown = []
    for commit in commits:
        texts = [git("show", f"{commit}:reference/{path.name}") for path in MODULES]
        if all(texts):
            forms = {name: form for text in texts for name, form in normalform.definitions(text.encode()).items()}
            if normalform.digest(normalform.reached(forms)) not in versions.DIGESTS:
                unknown.append(commit[:7])
    left_out = {"67b4d1f", "705f0f7"}
    assert set(unknown) == left_out, (
        "add the digests of these to golfcheck/rescore/versions.py, once they score the same"
    )


def test_our_own_record_ships_a_version_that_is_known() -> None:
    (folder,) = (ROOT / "records" / "track_non_record_16mb").iterdir()
    assert shipped.difference(record.load(folder).sources) is None
