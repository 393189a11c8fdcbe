# ruff: noqa: E501 - one line a form is read more easily
"""The work of reading a source grows with its length and no faster, whatever it holds: counted, not timed."""

from collections.abc import Callable

import pytest

from golfcheck.rules.code import _Started
from golfcheck.source import syntax
from golfcheck.source.dataflow import validation_paths
from golfcheck.source.program import Program
from golfcheck.source.reach import reached
from golfcheck.source.syntax import MAX_PARSE_CALLS, _Parsing, cost_us, is_too_deep, parse
from golfcheck.source.wrap import without_comments
from tests.golfcheck.work import work_of

NEST = b"g(" * 60 + b"len(val_tokens)" + b")" * 60 + b"\n"


def numbered(template: str, count: int) -> bytes:
    return "".join(template.replace("#", str(number)) for number in range(count)).encode()


FORMS: dict[str, Callable[[int], bytes]] = {
    "nested calls": lambda n: NEST * (n // 20),
    "nested calls that train": lambda n: b"def h(val_tokens):\n" + b"  " * 1 + (NEST + b"  ") * (n // 20)
    + b"x.backward()\nh(val_tokens)\n",
    "arguments": lambda n: b"def f(" + numbered("a#,", n) + b"): pass\nf(" + b"val_tokens," * n + b")\n",
    "keywords": lambda n: b"def f(" + numbered("a#,", n) + b"): pass\nf(" + numbered("a#=val_tokens,", n) + b")\n",
    "loops that train": lambda n: b"for a in b: l.backward()\n" * n + b"for a in b: f(val_tokens)\n" * n,
    "assignments in order": lambda n: b"a0=val_tokens\n" + numbered("b#=a0;a0=b#\n", n),
    "assignments backwards": lambda n: b"".join(b"a%d=a%d\n" % (i, i - 1) for i in range(n, 0, -1)) + b"a0=val_tokens\n",
    "functions in a row": lambda n: b"".join(b"def f%d(x): f%d(x)\n" % (i, i + 1) for i in range(n)) + b"f0(val_tokens)\n",
    "functions of one name": lambda n: b"def f(x): f(val_tokens)\n" * n,
    "functions in functions": lambda n: b"".join(b" " * i + b"def f%d(x):\n" % i for i in range(60))
    + b" " * 60 + b"y(val_tokens)\n" * n,
    "calls of calls": lambda n: (b"f" + b"()" * 60 + b"\n") * (n // 10),
    "methods of methods": lambda n: (b"f" + b".a()" * 60 + b"\n") * (n // 10),
    "programs in a wide function": lambda n: b"import subprocess\ndef f(" + numbered("a#,", n) + b"):\n"
    + b" subprocess.run(b)\n" * n,
    "programs handed on": lambda n: b"import subprocess\ndef f(a):\n" + b" subprocess.run(a)\n" * n + b"f('gcc')\n" * n,
    "exec": lambda n: b"exec(x)\n" * (300 + n),
    "exec as a value": lambda n: b"f(exec)\n" * (300 + n),
    "names bound again": lambda n: b"x=f(x)\nx.a()\n" * n,
    "aliases": lambda n: b"e0=exec\n" + b"".join(b"e%d=e%d\n" % (i + 1, i) for i in range(n)) + b"e%d(x)\n" % n,
    "globals": lambda n: b"x=globals().get(y)\n" * (300 + n),
    "decoders": lambda n: b"import zlib\n" + b"zlib.decompress(b'x')\n" * (1_100 + n),
    "names of files": lambda n: b"'a.py'\n" * n,
    "imports": lambda n: numbered("import zlib as a#\na#.x()\n", n),
}  # fmt: skip


def read(text: bytes) -> None:
    sources = reached(["train.py"], {"train.py": text}.get)
    for program in [Program(source.path, source.text) for source in sources]:
        started = _Started(program)
        for call in program.calls:
            started.by(call)
    list(validation_paths([Program(source.path, one) for source in sources for one in source.texts]))
    without_comments(text)


@pytest.mark.parametrize("form", FORMS)
def test_twice_the_source_takes_no_more_than_twice_the_work(form: str) -> None:
    small, large = (work_of(lambda size=size: read(FORMS[form](size))) for size in (150, 300))  # type: ignore[misc]
    assert large < 2.3 * small, (small, large)


@pytest.mark.parametrize(
    "piece",
    [
        b"x += if x:\n  ",
        b"\\\n",
        b"x\\\n",
        b'"\\N{',
        b"type x[ = ",
        b"a<b ",
        b"printexec x in a if b else ;",
        b"x = 1\n",
    ],
)
def test_what_parses_ever_slower_is_given_up_early(piece: bytes) -> None:
    text = piece * (2**21 // len(piece))
    parsing = _Parsing(text)
    assert parsing.tree() is None
    assert parsing.calls <= MAX_PARSE_CALLS + 10
    assert is_too_deep(parse(text))
    assert cost_us(text) >= 1e6


@pytest.mark.parametrize("piece", [b"x += if x:\n  ", b"\\\n", b'"\\N{', b"x = 1\n", b"f([{", b"'", b"a.b"])
def test_the_count_of_operations_alone_ends_what_parses_slowly(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "PARSE_SECONDS", 1_000.0)
    assert _Parsing(piece * (2**21 // len(piece))).tree() is None


def test_a_parse_leaves_nothing_behind() -> None:
    import resource

    def peak_kib() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    text = b"# a comment\n" * 170_000
    for _ in range(3):
        _Parsing(text).tree()
    before = peak_kib()
    for _ in range(15):
        _Parsing(text).tree()
    assert peak_kib() - before < 20_000  # ten parses of 2 MB once left 100 MB


def test_a_parse_that_is_counted_gives_the_tree_of_one_that_is_not() -> None:
    from pathlib import Path

    for path in sorted((Path(__file__).parents[3] / "golfcheck").rglob("*.py"))[::9]:
        text = path.read_bytes() * 3
        assert str(parse(text).root_node) == str(syntax._parser().parse(text).root_node), path


def test_an_error_with_a_hundred_thousand_brackets_in_it_is_not_queried() -> None:
    text = b"def main():\n" + b"[" * 100_000  # found by the fuzzer: the query took 5 s
    assert is_too_deep(parse(text)) and syntax.captures(text) == {}
