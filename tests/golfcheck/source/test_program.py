"""Programs are read as trees; paths from validation tokens to training are found exactly where they exist."""

import ast
import base64
import lzma
import random
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck.source.dataflow import validation_paths
from golfcheck.source.program import Program
from golfcheck.source.wrap import _STUB, without_comments, wrapped_bytes

ROOT = Path(__file__).parents[3]


def program(text: str, path: str = "train_gpt.py") -> Program:
    return Program(path, text.encode())


def ways(text: str) -> list[list[int]]:
    return [[step.line for step in way] for way in validation_paths([program(text)])]


def test_imports_give_names_their_meaning() -> None:
    read = program(
        "import a.b as c, d\nfrom x.y import z as w, q\nfrom . import s\nimport subprocess as sp\n"
        "def f():\n    import late\n"
    )
    assert [(item.module, item.line) for item in read.imports] == [
        ("a.b", 1), ("d", 1), ("subprocess", 4), ("late", 6), ("x.y", 2), (".", 3),
    ]  # fmt: skip
    assert read.resolved("sp.run") == "subprocess.run"
    assert read.resolved("w") == "x.y.z"
    assert read.resolved("c.f") == "a.b.f"
    assert read.resolved("other.thing") == "other.thing"


def test_functions_know_their_parameters_in_every_form() -> None:
    read = program("def f(a, b=1, *args, c: int = 2, d: str, **more): pass\ndef g(*command: str, /): pass\n")
    assert [function.parameters for function in read.functions] == [("a", "b", "args", "c", "d", "more"), ("command",)]


def test_calls_know_their_arguments_and_their_function() -> None:
    read = program("def outer():\n    def inner():\n        go('a b', k=x)\n    go(['c', sys.executable])\ngo(1)\n")
    assert [(call.callee, call.words, call.span.line) for call in read.calls] == [
        ("go", ("a", "b"), 3),
        ("go", ("c", "sys.executable"), 4),
        ("go", ("1",), 5),
    ]
    names = [function.name if (function := read.function_at(call.span)) else None for call in read.calls]
    assert names == ["inner", "outer", None]
    outer, inner = read.functions
    assert [read.function_at(call.span) for call in read.calls] == [inner, outer, None]


def test_the_newest_syntax_is_read_whatever_python_runs_this() -> None:
    read = program('type Name[T] = list[T]\ndef f[T](x: T) -> T:\n    return g(f"{x["a"]}")\n')
    assert [call.callee for call in read.calls] == ["g"]
    assert read.functions[0].name == "f"


def test_a_source_that_nests_too_deep_has_no_calls_imports_or_names() -> None:
    deep = program("x = " + "(" * 5_000 + ")" * 5_000)
    assert deep.calls == deep.imports == () and not deep.names


@given(st.binary(max_size=400))
@settings(max_examples=300)
def test_any_bytes_can_be_read(data) -> None:
    read = Program("x.py", data)
    assert isinstance(list(validation_paths([read])), list)
    assert all(0 <= position < len(data) for name in read.names for position in read.uses(name))


PIECES = (*b'( ) def : import from * = , # \' """ lambda [ ] @ . for'.split(), b"\n", b"\xff", b"    ")


def test_mutated_programs_are_read_without_an_exception() -> None:
    rng = random.Random(5)
    texts = [path.read_bytes()[:5_000] for path in sorted((ROOT / "reference").glob("*.py"))]
    for _ in range(300):
        text = bytearray(rng.choice(texts) or b"x = 1")
        for _ in range(rng.randint(1, 30)):
            i = rng.randrange(len(text) + 1)
            if rng.random() < 0.5:
                del text[i : i + rng.randint(1, 20)]
            else:
                text[i:i] = rng.choice(PIECES)
        read = Program("x.py", bytes(text))
        counts = (read.imports, read.functions, read.loops, read.calls, read.assignments)
        assert all(isinstance(kind, tuple) for kind in counts)
        assert all(len(way) > 0 for way in validation_paths([read]))
        assert len(without_comments(bytes(text))) <= len(text)


def test_a_comment_between_arguments_is_not_an_argument() -> None:
    (call,) = program("f(  # first\n    a,\n    # second\n    b,\n)\n").calls
    assert [span.line for span in call.arguments.values()] == [2, 4]
    assert call.words == ("a",)


EVALUATION = """
def eval_val(model, val_tokens):
    total = 0
    for start in range(0, len(val_tokens), 64):
        total += model(val_tokens[start : start + 64]).item()
    return total
"""
TRAINING = """
def main():
    val_tokens = load("fineweb_val_000.bin")
    while True:
        val_loss = eval_val(model, val_tokens)
        log(f"{val_loss} {len(val_tokens)}")
        for micro in range(8):
            x, y = train_loader.next_batch()
            loss = model(x, y)
            (loss * 0.125).backward()
        optimizer.step()
"""


def test_evaluating_between_training_steps_is_not_training_on_validation_tokens() -> None:
    assert ways(EVALUATION + TRAINING + "main()\n") == []


def test_this_repositorys_trainer_does_not_train_on_validation_tokens() -> None:
    programs = [Program(path.name, path.read_bytes()) for path in sorted((ROOT / "reference").glob("*.py"))]
    assert list(validation_paths(programs)) == []


def test_training_on_validation_tokens_is_detected_with_its_path() -> None:
    adapt = "def adapt(model, tokens):\n    for i in range(9):\n        x = tokens[i]\n        model(x).backward()\n"
    text = adapt + "val_tokens = load('v')\nadapt(net, val_tokens)\n"
    (way,) = validation_paths([program(text)])
    assert [(step.line, step.what) for step in way] == [
        (6, "val_tokens given to adapt()"),
        (4, "x used by model()"),
        (4, "backward()"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "for x in range(3):\n    loss = net(val_tokens[x])\n    loss.backward()\n",
        "def f(t):\n    net(t).backward()\nf(val_tokens)\n",
        "def f(a, t=None):\n    net(t).backward()\nf(1, t=load(args.val_files))\n",
        "batch = val_data[:8].to(device)\nwhile 1:\n    net(batch).backward()\n",
        "def g(t):\n    f(t)\ndef f(t):\n    net(t).backward()\ng(validation_ids)\n",
        "collect_hessians(model, val_tokens)\n",
        "from tools import calibrate\ncalibrate(model, loader(val_files))\n",
    ],
)
def test_these_are_ways_to_training(text) -> None:
    assert len(ways(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "def never(val_tokens):\n    net(val_tokens).backward()\n",  # nothing calls it
        "for x in range(3):\n    loss = net(train_tokens[x])\n    loss.backward()\n",
        "for x in range(3):\n    print(len(val_tokens))\n    loss.backward()\n",
        "value_tokens = 1\nfor x in y:\n    net(value_tokens).backward()\n",
        "# val_tokens\nfor x in y:\n    net('val_tokens').backward()\n",
        "def loss_of(t):\n    return net(t)\nlow = loss_of(val_tokens)\nfor x in y:\n    net(x, low).backward()\n",
    ],
)
def test_these_scripts_have_no_way_from_validation_to_training(text) -> None:
    assert ways(text) == []


def test_without_comments_a_program_is_the_same_program_and_smaller() -> None:
    for path in sorted((ROOT / "golfcheck").rglob("*.py"))[::25]:
        text = path.read_bytes()
        short = without_comments(text)
        assert len(short) < len(text)

        class Strip(ast.NodeTransformer):
            def visit_Expr(self, node):
                is_string = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
                return ast.Expr(ast.Constant(0)) if is_string else node

        assert ast.dump(ast.parse(short)) == ast.dump(Strip().visit(ast.parse(text)))


def test_a_wrapped_program_unwraps_to_itself() -> None:
    text = b"x = 1\n" * 3_000
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
    packed = lzma.compress(text, lzma.FORMAT_RAW, filters=filters)
    assert lzma.decompress(packed, lzma.FORMAT_RAW, filters=[{"id": 33}]) == text
    assert 5 * len(packed) / 4 < wrapped_bytes([text]) < 5 * len(packed) / 4 + 120


def test_packing_real_code_is_no_worse_than_zlib() -> None:
    text = (ROOT / "golfcheck" / "judging" / "verify.py").read_bytes()
    assert wrapped_bytes([text]) < 1.3 * len(zlib.compress(text, 9))


def test_the_dictionary_for_packing_changes_no_byte() -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
    for path in sorted((ROOT / "golfcheck").rglob("*.py"))[::15]:
        text = without_comments(path.read_bytes())
        whole = len(base64.b85encode(lzma.compress(text, lzma.FORMAT_RAW, filters=filters)))
        assert wrapped_bytes([path.read_bytes()]) - whole == len(_STUB), path


def test_comments_cost_nothing_when_packed() -> None:
    assert wrapped_bytes([b"x = 1\n" + b"# note %d\n" % 7 * 500]) < 200
