"""A refusal is one short line that ends with what to do, however long the names in a file, setting or path are."""

import copy
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golfcheck import cli
from golfcheck.reference import artifact
from golfcheck.rescore import messages, shipped
from golfcheck.submission import record
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World

Tree = dict[str, Any]
LONG = "blocks.0." + "x" * 4000  # the reader takes strings of up to 4,096 bytes
SPACED = "a b " * 1000
LINE_CHARS = messages.MAX_CHARS + 40  # with the command's name and the label in front


@given(st.text(max_size=3000))
def test_a_brief_text_is_no_longer_than_the_limit_and_keeps_both_ends(text: str) -> None:
    brief = messages.brief(text)
    assert len(brief) <= messages.MAX_CHARS
    assert (brief[:50], brief[-50:]) == (text[:50], text[-50:])
    assert len(text) > messages.WORD_CHARS or brief == text


def moved(section: str, to: str, name: str) -> Callable[[Tree], object]:
    """An edit that gives an entry of a section another name, or puts it into another section."""
    return lambda tree: tree[to].update({name: next(iter(tree[section].values()))})


EDITS: dict[str, Callable[[Tree], object]] = {
    "ART_KEYS": moved("passthrough", "passthrough", LONG),
    "ART_KEYS, spaced": moved("passthrough", "passthrough", SPACED),
    "ART_MISSING": moved("quantized", "quantized", LONG),
    "ART_DUP_NAME": lambda tree: [tree[s].update({LONG: torch.ones(2, 2)}) for s in ("quantized", "passthrough")],
    "ART_TYPE": lambda tree: tree["passthrough"].update({LONG: 3}),
    "ART_NONFINITE": lambda tree: tree["passthrough"].update({LONG: torch.tensor([float("nan")])}),
    "ART_DTYPE": lambda tree: tree["passthrough"].update({LONG: torch.ones(2, dtype=torch.int32)}),
    "ART_DTYPE_NAME": lambda tree: tree["dtypes"].update({next(iter(tree["dtypes"])): LONG}),
    "ART_QFORMAT": lambda tree: tree.update(__quant_format__=LONG),
    "ART_CONFIG": lambda tree: tree.update(model_config={"rope_base": LONG}),
}
for _code, _values in {
    "ART_Q_DTYPE": (torch.ones(2, 2), torch.ones(2).half(), "float32", {}),
    "ART_SCALE_SHAPE": (torch.ones(2, 2, dtype=torch.int8), torch.ones(5).half(), "float32", {}),
    "ART_QMETA": (torch.ones(2, 2, dtype=torch.int8), torch.ones(2).half(), "float32", {"scheme": LONG}),
}.items():
    EDITS[_code] = lambda tree, values=_values: [  # type: ignore[misc]
        tree.setdefault(section, {}).update({LONG: value})
        for section, value in zip(("quantized", "scales", "dtypes", "qmeta"), values, strict=True)
        if value != {}
    ]


@pytest.fixture(scope="module")
def tree() -> Tree:
    """An artifact's tree that has entries in all sections."""
    state = {**tiny.model().state_dict(), "big": torch.ones(2, 40_000)}
    return artifact.quantize(state, tiny.KEEP)


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["rescore", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize("code", EDITS)
def test_long_names_in_an_artifact_leave_a_refusal_short(
    code: str, tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = copy.deepcopy(tree)
    EDITS[code](changed)
    (path := tmp_path / "a.int8.ptz").write_bytes(zlib.compress(artifact.dump(changed)))
    error = said([str(path)], capsys)
    assert code.partition(",")[0] in error
    assert len(error) < LINE_CHARS + len(str(path))


@pytest.mark.parametrize("option", ["", "--log", "--data", "--tokenizer", "--raw", "--control", "--json", "--claim"])
def test_a_long_path_or_value_leaves_a_refusal_short(
    option: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "/".join(["y" * 250] * 15)
    data = [] if option == "--data" else ["--data", str(world.shards)]
    given_options = [text] if not option else [str(world.artifact), "--seq-len", "64", option, text, *data]
    error = said(given_options, capsys)
    assert "yyy" in error
    assert len(error) < LINE_CHARS


def test_long_names_of_definitions_leave_the_difference_short(tmp_path: Path) -> None:
    names = [f"{'Z' * 50_000}{i}" for i in range(8)]
    text = "".join(f"class {name}:\n    pass\n" for name in names) + f"class GPT({', '.join(names)}):\n    pass\n"
    (tmp_path / "train_gpt.py").write_text(text)
    assert len(shipped.difference(record.load(tmp_path).sources) or "") < messages.MAX_CHARS


def test_a_whole_disk_is_refused_at_once_with_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(["/"], capsys).endswith("folders in it; expected an artifact or a record folder\n")


def test_as_many_folders_as_the_limit_are_searched_and_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (tmp_path / f"f{number}").mkdir()
    monkeypatch.setattr("golfcheck.rescore.target._MAX_FOLDERS", 2)
    assert "more than 2 folders" in said([str(tmp_path)], capsys)
    monkeypatch.setattr("golfcheck.rescore.target._MAX_FOLDERS", 3)
    assert "no artifact (*.ptz)" in said([str(tmp_path)], capsys)
