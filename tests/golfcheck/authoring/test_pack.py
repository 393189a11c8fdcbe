"""`golfcheck pack` and `unpack`: fewer bytes, the same program, the same bytes each time."""

import ast
import base64
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.authoring.pack import pack, read_script, tidy, unpack
from golfcheck.authoring.proof import difference
from golfcheck.cli import main
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.core.work import Work
from golfcheck.source import selfextracting
from golfcheck.source.minify import joined, lines_of
from golfcheck.source.selfextracting import packed_bytes
from golfcheck.source.unwrap import unwrap
from golfcheck.submission.record import load
from tests.conftest import ROOT
from tests.golfcheck.valid_record import Draft

SOURCE = b'''"""Train."""
import argparse  # a comment
from dataclasses import dataclass


@dataclass
class Config:
    """Settings."""

    width: int = 8
    name: str = "x"


def area(width: int, *sides: float, scale: float = 1.0, **rest: object) -> float:
    """Multiply."""
    total: float = width * scale
    note: str
    for side in sides:
        total *= side
    return total \\
        if rest else -total


async def nothing():
    """Only a docstring."""


def sort(x):
    match x:
        case [1, *_]: return "one"
        case {"a": y} if y: return f"{y!r:>{x['b']}}"
        case _:
            # nothing
            return not x


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Packed or not.")
    parser.add_argument("--width", type=int, default=Config().width)
    print(area(parser.parse_args().width, 2, 3, scale=1 if True else 2), sort([1]), Config())
'''


def run(script: Path, *words: str) -> str:
    completed = subprocess.run([sys.executable, str(script), *words], capture_output=True, text=True, check=True)
    return completed.stdout


def test_the_packed_script_is_smaller_and_behaves_the_same(tmp_path: Path) -> None:
    plain, packed = tmp_path / "train_gpt.py", tmp_path / "packed" / "train_gpt.py"
    plain.write_bytes(SOURCE)
    packed.parent.mkdir()
    packed.write_bytes(pack({"train_gpt.py": SOURCE}).best.packed)
    assert packed.stat().st_size < len(SOURCE)
    for words in (["--help"], ["--width", "5"]):
        assert run(packed, *words) == run(plain, *words)


def test_verify_says_in_the_ledger_what_packing_saves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draft = Draft(script=SOURCE * 3)
    folder = draft.write(tmp_path)
    size = len(pack({"train_gpt.py": draft.script}).best.packed)
    assert size == packed_bytes({"train_gpt.py": draft.script}, Work())  # an upper bound, and here the size itself
    main(["verify", "-v", "--no-cache", str(folder)])
    assert f"golfcheck pack makes it at most {size:,}, {len(draft.script) - size:,} fewer" in capsys.readouterr().out
    (folder / "train_gpt.py").write_bytes(pack({"train_gpt.py": draft.script}).best.packed)
    main(["verify", "-v", "--no-cache", str(folder)])
    assert "golfcheck pack makes it" not in capsys.readouterr().out


def test_a_packed_script_is_not_packed_again() -> None:
    with pytest.raises(UsageError, match=r"train_gpt.py: is packed already: pack what `golfcheck unpack train_gpt.py`"):
        pack({"train_gpt.py": pack({"train_gpt.py": SOURCE}).best.packed})


def test_unpacked_code_has_the_syntax_tree_of_the_source() -> None:
    for variant in pack({"t.py": SOURCE}).variants:
        text = unpack(variant.packed, "t.py")[1]["t.py"]
        assert difference(SOURCE, text) == ""
        names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        assert {"total", "width"} <= names


def test_the_bytes_are_the_same_each_time_and_in_every_process(tmp_path: Path) -> None:
    first = pack({"t.py": SOURCE}).best.packed
    assert pack({"t.py": SOURCE}).best.packed == first
    (tmp_path / "t.py").write_bytes(SOURCE)
    command = [sys.executable, "-m", "golfcheck", "pack", "t.py", "-o", "out.py"]
    for seed in ("1", "2"):  # of the hashes that order sets
        subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}, check=True)
        assert (tmp_path / "out.py").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ((b"total *= side", b"total += side"), "another operator"),
        ((b"return total", b"return"), "a token less"),
        ((b'"x"', b'"y"'), "another text"),
        ((b"width: int = 8\n    name", b"name"), "a field less"),
        ((b"-total\n", b"-total\n\n\nx = 1\n"), "a statement more"),
        ((b"    return total", b"        return total"), "another nesting"),
    ],
)
def test_the_check_detects_every_change_of_the_program(change: tuple[bytes, bytes], part: str) -> None:
    changed = SOURCE.replace(*change)
    assert changed != SOURCE
    assert difference(SOURCE, changed) != "", part


def test_if_the_tokens_agree_the_syntax_trees_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("golfcheck.authoring.proof._tokens", lambda *_: iter(()))
    assert difference(b"x = 1\n", b"x = 2\n") == "a different syntax tree"


def test_nothing_is_written_if_the_check_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selfextracting, "joined", lambda *_, **__: b"pass\n")
    with pytest.raises(GolfcheckError, match="would be a different program"):
        pack({"t.py": SOURCE})
    monkeypatch.undo()
    monkeypatch.setattr("golfcheck.authoring.pack.unwrap", lambda _: unwrap(b"x = 1"))
    with pytest.raises(GolfcheckError, match="does not unpack to the original source"):
        pack({"t.py": SOURCE})


@pytest.mark.parametrize(
    ("source", "stays"),
    [
        (b"import typing\ndef f(x: int): return x\nprint(typing.get_type_hints(f))\n", b"x:int"),
        (b'"""Help."""\nprint(__doc__)\n', b"Help."),
        (b"@triton.jit\ndef f(x, SIZE: tl.constexpr):\n    pass\n", b"SIZE:tl.constexpr"),
        (b"class A:\n    x: int = 3\n    y: str\n", b"x:int=3"),
        (b"def f():\n    x: int\n    def g():\n        nonlocal x\n        x = 1\n", b"x:int"),
    ],
)
def test_annotations_and_docstrings_that_a_program_may_read_are_kept(source: bytes, stays: bytes) -> None:
    lines = lines_of(source, "t.py")
    assert lines is not None
    assert stays in joined(lines, b" ", one_line=True)


@pytest.mark.parametrize("word", [b"annotation", b"docstring", b"comment"])
def test_content_that_no_program_can_read_is_removed(word: bytes) -> None:
    source = b'def f(x: "annotation") -> "annotation":\n    """docstring"""\n'
    source += b'    y: "annotation" = x  # comment\n    return y\n'
    lines = lines_of(source, "t.py")
    assert lines is not None
    assert joined(lines, b" ", one_line=True) == b"def f(x):y=x;return y\n"
    assert word not in joined(lines, b" ", one_line=False)


@pytest.mark.parametrize("path", sorted((ROOT / "golfcheck" / "source").glob("*.py")), ids=lambda path: path.stem)
def test_every_form_of_our_own_modules_is_the_same_program(path: Path) -> None:
    text = path.read_bytes()
    lines = lines_of(text, path.name)
    assert lines is not None
    for one_line in (False, True):
        smaller = joined(lines, b" ", one_line=one_line)
        assert len(smaller) < len(text)
        assert difference(text, smaller) == ""


NAMES = st.sampled_from(["a", "b", "é", "_1"])
ATOMS = NAMES | st.sampled_from(["1", "0x1f", "1.5", "'s'", "f'{a}'", "b'x'", "...", "None"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["+", "-", "**", "//", " in ", " not in ", " is not ", " if a else "]), inner
        ).map(lambda parts: f"({''.join(parts)})"),
        inner.map("not {}".format).map("({})".format),
        inner.map("lambda *a, k=1: {}".format).map("({})".format),
        st.tuples(NAMES, inner).map(lambda parts: f"{parts[0]}({parts[1]}, *a, **b)"),
        inner.map("[{} for a in b if a]".format),
        inner.map("{{**a, 'k': {}}}".format),
        st.tuples(NAMES, inner).map(lambda parts: f"({parts[0]} := {parts[1]})"),
    ),
    max_leaves=6,
)
SIMPLE = st.one_of(
    EXPRESSIONS.map("a = {}".format),
    EXPRESSIONS.map("a: int = {}".format),
    EXPRESSIONS.map("return {}".format),
    st.sampled_from(["pass", "'text'", "global a", "import os.path as a, sys", "from . import b", "del a", "x: int"]),
)


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


BODIES = st.recursive(
    st.lists(SIMPLE, min_size=1, max_size=3).map(lambda lines: "\n".join(lines) + "\n"),
    lambda inner: st.one_of(
        st.tuples(EXPRESSIONS, inner, inner).map(
            lambda parts: f"if {parts[0]}:\n{indented(parts[1])}elif a:\n    pass\nelse:\n{indented(parts[2])}"
        ),
        inner.map(lambda text: f"for a, *b in c:\n{indented(text)}else: pass\n"),
        inner.map(lambda text: f"try:\n{indented(text)}except (A, B) as e: pass\nfinally:\n    pass\n"),
        inner.map(lambda text: f"async def f(a: int, /, b, *, c: str = 's') -> None:\n{indented(text)}"),
        inner.map(lambda text: f"@a.b(1)\n@c\nclass A(B, k=1):\n{indented(text)}"),
        inner.map(lambda text: f"with a as b, (c):  # note\n{indented(text)}"),
    ),
    max_leaves=4,
)


@given(BODIES, BODIES)
def test_every_form_of_a_program_is_the_same_program(first: str, second: str) -> None:
    source = f"def f():\n{indented(first)}{indented(second)}".encode()
    lines = lines_of(source, "t.py")
    assert lines is not None
    for one_line in (False, True):
        text = joined(lines, b"\t", one_line=one_line)
        assert difference(source, text) == ""
        compile(text, "t.py", "exec", ast.PyCF_ONLY_AST)


def test_a_script_and_its_imports_are_packed_and_unpacked(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("import a\n\nVALUE = a.VALUE + 1\n")
    (tmp_path / "a.py").write_text("VALUE = 1  # é \"'\n")
    (tmp_path / "unused.py").write_text("x = 1\n")
    (tmp_path / "train.py").write_text("import b\n\nprint(b.VALUE, __name__)\n")
    files = read_script(tmp_path / "train.py", alone=False)
    assert set(files) == {"train.py", "a.py", "b.py"}
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "train.py").write_bytes(pack(files).best.packed)
    assert run(alone / "train.py") == run(tmp_path / "train.py") == "2 __main__\n"
    packed = (alone / "train.py").read_bytes()
    assert unwrap(packed).unfollowed == ()  # a judge reads all of it
    inside = unpack(packed, "train.py")[1]
    assert set(inside) == set(files)
    assert all(difference(files[name], text) == "" for name, text in inside.items())


def test_an_import_cycle_is_refused_with_the_names() -> None:
    with pytest.raises(UsageError, match=r"a\.py: is part of an import cycle with b"):
        pack({"t.py": b"import a\n", "a.py": b"import b\n", "b.py": b"import a\n"})


def test_a_packed_program_can_read_its_own_source(tmp_path: Path) -> None:
    script = tmp_path / "t.py"
    script.write_bytes(pack({"t.py": b"import inspect\ndef f(): return 7\nprint(inspect.getsource(f))\n"}).best.packed)
    assert "def f():return 7" in run(script)


def test_the_reference_trainer_packed_prints_the_same_help(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the train extra: torch")
    files = read_script(ROOT / "reference" / "train.py", alone=False)
    packed = tmp_path / "train.py"
    packed.write_bytes(pack(files).best.packed)
    assert len(packed.read_bytes()) * 2 < sum(map(len, files.values()))
    assert run(packed, "--help") == run(ROOT / "reference" / "train.py", "--help")


def test_verify_reads_the_packed_script_as_its_source(tmp_path: Path) -> None:
    folder = Draft().write(tmp_path)
    (script,) = [source for source in load(folder).sources if source.main]
    (folder / script.path).write_bytes(pack({script.path: script.text}).best.packed)
    (again,) = [source for source in load(folder).sources if source.main]
    assert again.wrapper == "lzma+base85"
    assert again.unwrapped is not None
    assert difference(script.text, again.unwrapped) == ""


def test_packed_scripts_of_any_kind_are_unpacked_as_data_and_never_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = b"import pathlib\npathlib.Path('owned').touch()\nprint('\x1b]0;x\x07')\n"
    data = base64.b85encode(lzma.compress(inner)).decode()
    text = f'import lzma as L,base64 as B\nexec(L.decompress(B.b85decode("{data}")))'
    script = tmp_path / "train_gpt.py"
    script.write_text(text)
    assert main(["unpack", str(script)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("import pathlib\n")
    assert "\x1b" not in shown.out
    assert "lzma+base85" in shown.err
    assert not Path("owned").exists()
    assert main(["unpack", str(script), "-o", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "train_gpt.py").read_bytes() == inner


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"x = 1\n", "is not a packed script"),
        (b"import zlib,sys\nexec(zlib.decompress(sys.stdin.buffer.read()))\n", "cannot be unpacked as data"),
        (b"(" * 2000 + b"x" + b")" * 2000, "nested over"),
    ],
    ids=["plain", "from stdin", "deep"],
)
def test_scripts_that_cannot_be_unpacked_give_one_line(text: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        unpack(text, "t.py")
    assert "\n" not in str(refused.value)


def test_minified_code_is_reformatted() -> None:
    assert tidy(b"def f(x):y=x;return y\n") == b"def f(x):\n    y = x\n    return y\n"
    newer = b"type X=int;x=1\n"  # Python 3.12
    assert b"x" in tidy(newer)


def test_a_broken_script_gives_one_line_with_its_location(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.py").write_text("x = 1\ndef f(:\n")
    assert main(["pack", str(tmp_path / "t.py")]) == 2
    error = capsys.readouterr().err
    assert "t.py:2: not Python" in error
    assert error.count("\n") == 1


def test_a_script_is_never_overwritten_by_its_packed_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "t.py"
    script.write_bytes(SOURCE)
    assert main(["pack", str(script), "-o", str(script)]) == 2
    assert "is the script itself" in capsys.readouterr().err
    assert script.read_bytes() == SOURCE
    assert main(["pack", str(script)]) == 0
    assert "the smallest saves" in capsys.readouterr().out
