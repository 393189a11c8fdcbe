"""Edits that do not affect a score make no difference, and past versions of the reference are recognized."""

import subprocess
from pathlib import Path

import pytest

from golfcheck.rescore import normalform, shipped, versions
from golfcheck.submission import record
from tests.conftest import ROOT

MODULES = [ROOT / "reference" / name for name in ("model.py", "bpb.py")]


def ship(folder: Path, edit: tuple[str, str] = ("", ""), more: str = "") -> str | None:
    """Ship the reference with an edit, and `more` appended to its model; return the difference."""
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
def test_an_edit_that_does_not_change_a_score_is_not_different_code(tmp_path: Path, edit: tuple[str, str]) -> None:
    assert ship(tmp_path, edit) is None


def test_definitions_that_nothing_reaches_are_not_different_code(tmp_path: Path) -> None:
    more = "\n\nclass Unused:\n    pass\n\n\ndef spare(x):\n    return x + 1\n\n\nSPARE = 3\n"
    assert ship(tmp_path, more=more) is None


def function(*lines: str) -> bytes:
    """The source of a function `f(x, y)` with these lines, after the imports that they use."""
    body = "".join(f"    {line}\n" for line in lines)
    return f"import torch.nn.functional as F\nimport time\n\ndef f(x, y):\n{body}".encode()


SAME = {
    "a docstring": (["return x"], ["'It says.'", "return x"]),
    "an annotation": (["z = x", "return z"], ["z: int = x", "return z"]),
    "names of locals": (["a, b = x, y", "return [a * i for i in b]"], ["u = x", "v = y", "return [u * k for k in v]"]),
    "folded constants": (["return x * 0.5"], ["return x * (1 / 2 + 0.0)"]),
    "plus nothing": (["return x"], ["return 0.0 + (x + 0.0 - 0)"]),
    "times one": (["return x * y"], ["return 1.0 * x * 1 * y / 1.0"]),
    "the power of one": (["return x"], ["return x ** 1"]),
    "order of keywords": (["return g(x, b=y, a=1)"], ["return g(x, a=1, b=y)"]),
    "code behind a return": (["return x"], ["return x", "x = y", "return g(y)"]),
    "an unused variable": (["return x"], ["z = x.shape[0] * 2", "return x"]),
    "a chain of unused variables": (["return x"], ["a = y", "b = a", "return x"]),
    "an unused stopwatch": (["return x"], ["start = time.perf_counter()", "return x"]),
    "an unused inner function": (["return x"], ["def g(z):", "    return z + 1", "return x"]),
    "a printed line": (["return x"], ["print(f'{x.sum():.3f} of {len(y)}', flush=True)", "return x"]),
    "a logged line": (["return x"], ["if y:", "    logger.info('%s', x.mean().item())", "return x"]),
    "what a printed line alone reads": (["return x"], ["n = len(y)", "print(n)", "return x"]),
    "an assertion": (["return x"], ["assert x.ndim == 2, g(x)", "return x"]),
    "if False": (["return x"], ["if False:", "    x = y", "return x"]),
    "if not 0": (["return x"], ["if not 0:", "    return x", "else:", "    return y"]),
    "while False": (["return x"], ["while False:", "    x = y", "return x"]),
    "an else behind a return": (
        ["if y:", "    return x", "return y"], ["if y:", "    return x", "else:", "    return y"],
    ),
    "a local import": (["return F.relu(x)"], ["import torch", "return torch.nn.functional.relu(x)"]),
    "another name of an import": (
        ["return F.relu(x)"], ["from torch.nn import functional as G", "return G.relu(x)"],
    ),
    "a string without fields": (["return g('a')"], ["return g(f'a')"]),
    "return None": (["return"], ["return None"]),
    "pass": (["return x"], ["pass", "return x"]),
}  # fmt: skip
OTHER = {
    "swapped": (["x, y = y, x", "return x"], ["x, y = x, y", "return x"]),
    "a constant": (["return x * 0.5"], ["return x * (1 / 2 + 0.1)"]),
    "plus nothing the other way": (["return 0 - x"], ["return x"]),
    "one over": (["return 1.0 / x"], ["return x"]),
    "one to the power": (["return 1 ** x"], ["return x"]),
    "a value in a log line that computes": (["print(g(x))"], ["print(1)"]),
    "a name in a log line": (["print(z := y)", "return z"], ["return y"]),
    "a call whose value is not used": (["z = x.relu_()", "return x"], ["return x"]),
    "a branch": (["if y:", "    x = y", "return x"], ["return x"]),
    "another function of the same name": (["return F.relu(x)"], ["import mine as F", "return F.relu(x)"]),
    "keywords of a mapping": (["return g(b=1, **y)"], ["return g(**y, b=2)"]),
    "a local that an inner function reads": (
        ["z = y", "def g():", "    return z", "return g()"], ["z = x", "def g():", "    return z", "return g()"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_what_computes_the_same_has_one_form(name: str) -> None:
    one, two = (normalform.definitions(function(*lines))["f"] for lines in SAME[name])
    assert one == two


@pytest.mark.parametrize("name", OTHER)
def test_functions_that_may_compute_different_values_have_different_forms(name: str) -> None:
    one, two = (normalform.definitions(function(*lines))["f"] for lines in OTHER[name])
    assert one != two


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (("RMS_EPS = 2.0**-23", "RMS_EPS = 2.0**-22"), "RMS_EPS"),
        (("F.relu(self.mlp", "F.gelu(self.mlp"), "Block.forward"),
        (("rope_base: float = 10000.0", "rope_base: float = 500.0"), "GPTConfig.rope_base"),
        (("b * cos - a * sin", "b * cos + a * sin"), "rotate"),
        (("math.log(2.0) * self.tokens", "math.log(2.1) * self.tokens"), "Score.val_bpb"),
        (("table.num_bytes[i] = 1", "table.num_bytes[i] = 2"), "ByteTable.from_tokenizer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_edit_that_changes_a_score_is_different_code(tmp_path: Path, edit: tuple[str, str], name: str) -> None:
    difference = ship(tmp_path, edit)
    assert difference is not None
    assert difference.endswith(f": {name}")


def test_endless_arithmetic_is_not_done() -> None:
    (form,) = normalform.definitions(b"X = 9 ** 9 ** 9 ** 9\n").values()
    assert "Pow" in form


def test_a_method_that_is_replaced_from_outside_its_class_is_other_code(tmp_path: Path) -> None:
    difference = ship(tmp_path, more="\n\nGPT.forward = lambda self, ids, targets: 0.0\n")
    assert difference is not None
    assert difference.endswith(": the top level")


def git(*arguments: str) -> str:
    completed = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return completed.stdout if completed.returncode == 0 else ""


def test_every_past_version_of_the_reference_is_known_but_the_two_left_out() -> None:
    commits = git("log", "--format=%h", "--", "reference/model.py", "reference/bpb.py").split()
    if len(commits) < 5:
        pytest.skip("needs the project's history")
    unknown = []
    for commit in commits:
        texts = [git("show", f"{commit}:reference/{path.name}") for path in MODULES]
        digest = normalform.digest(shipped.reached([text.encode() for text in texts]))
        if all(texts) and digest not in versions.DIGESTS:
            unknown.append(commit[:7])
    left_out = {"67b4d1f", "705f0f7"}
    assert set(unknown) == left_out, (
        "add the digests of these to golfcheck/rescore/versions.py, once they score the same"
    )


def test_our_own_record_ships_a_version_that_is_known() -> None:
    (folder,) = (ROOT / "records" / "track_non_record_16mb").iterdir()
    assert shipped.difference(record.load(folder).sources) is None
