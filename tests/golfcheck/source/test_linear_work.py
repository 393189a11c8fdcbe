# ruff: noqa: E501 - one line a form is read more easily
"""The work of reading a source grows linearly with its length, whatever it contains. It is counted, not timed."""

from collections.abc import Callable

import pytest

from golfcheck.rules.code import _Started
from golfcheck.source import parsing, syntax
from golfcheck.source.dataflow import validation_paths
from golfcheck.source.parsing import MAX_PARSE_US, Parsing
from golfcheck.source.program import Program
from golfcheck.source.reach import reached
from golfcheck.source.syntax import cost_us, is_too_deep, parse
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


LIMIT_US = 100_000.0  # no text may take more


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
def test_code_that_parses_ever_more_slowly_is_abandoned_early(piece: bytes) -> None:
    text = piece * (2**21 // len(piece))
    tree, price_us = Parsing(text).within(LIMIT_US)
    assert is_too_deep(tree) and price_us >= LIMIT_US
    assert cost_us(text, LIMIT_US) >= LIMIT_US


# A hundred operations of the parser take milliseconds where each goes back over what stands before.
SLOW: dict[str, Callable[[int], bytes]] = {
    "comments after a statement": lambda n: b"x\n" + b"#\n" * n + b"y\n",
    "comments that end many blocks": lambda n: b"".join(b" " * i + b"if x:\n" for i in range(60)) + b" " * 60 + b"y\n"
    + (b" " * 63 + b"#\n") * n,
    "continued lines": lambda n: b"x=" + b"\\\n" * n + b"1\n",
    "continued lines in parentheses": lambda n: b"(" + b"\\\n" * n + b")\n",
    "words on continued lines": lambda n: b"x\\\n" * n,
    "words on continued lines of Windows": lambda n: b"x\\\r\n" * n,
    "comments in a dictionary": lambda n: b"{" + b"x:#\n" * n,
    "comments after mistakes": lambda n: b"x) #\n" * n,
    "unfinished names of characters": lambda n: b"print f'{" + b"\\N{" * n,
    "types": lambda n: b"type x[ = " * n,
    "unfinished classes": lambda n: b"class A(" * n,
}  # fmt: skip


@pytest.mark.parametrize("form", SLOW)
def test_text_that_the_parser_rereads_is_charged_again(form: str) -> None:
    """The price of what is parsed grows with the square, as the time does; what would cost too much is given up."""
    small, large = (parsing.Parsing(SLOW[form](size)).within(LIMIT_US)[1] for size in (300, 1_200))
    assert large > min(3 * small, LIMIT_US - 1)
    assert is_too_deep(Parsing(SLOW[form](20_000)).within(LIMIT_US)[0])


def test_parsing_a_text_with_an_error_in_every_word_is_given_up() -> None:
    """Found by the fuzzer: each report took 0.6 ms, 5.5 s in all on a busy machine."""
    parsing = Parsing(b"x" + "Ì\x81".encode() * 300_000)
    assert is_too_deep(parsing.within(MAX_PARSE_US)[0])
    assert parsing.calls < 4_600


@pytest.mark.parametrize("left_us", [1_000.0, 100_000.0])
def test_a_parse_stops_where_the_budget_ends(left_us: float) -> None:
    text = b"x = 1\n" * 20_000
    assert cost_us(text, left_us) >= left_us
    assert not is_too_deep(parse(text))  # of another record, which has more left


def test_a_comment_block_as_long_as_any_in_a_record_costs_nothing() -> None:
    assert parsing.runs_us(b"x = 1\n" + b"    # a comment of some length, as people write them\n" * 40) < 1_000


@pytest.mark.parametrize("character", [b"#", b"\\", b"# ", b"\\\r", b"#\n\n", b" "])
def test_runs_are_found_in_one_pass(character: bytes) -> None:
    from golfcheck.source.parsing import _RUN

    assert sum(1 for _ in _RUN.finditer(character * (2**21 // len(character)))) <= 1


def test_a_parse_leaves_nothing_behind() -> None:
    import resource

    def peak_kib() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    text = b"# a comment\n" * 170_000
    for _ in range(3):
        Parsing(text).within(MAX_PARSE_US)
    before = peak_kib()
    for _ in range(15):
        Parsing(text).within(MAX_PARSE_US)
    assert peak_kib() - before < 20_000  # ten parses of 2 MB once left 100 MB


def test_a_parse_that_is_counted_gives_the_tree_of_one_that_is_not() -> None:
    from pathlib import Path

    for path in sorted((Path(__file__).parents[3] / "golfcheck").rglob("*.py"))[::9]:
        text = path.read_bytes() * 3
        assert str(parse(text).root_node) == str(parsing.parser().parse(text).root_node), path


def test_an_error_with_a_hundred_thousand_brackets_in_it_is_not_queried() -> None:
    text = b"def main():\n" + b"[" * 100_000  # found by the fuzzer: the query took 5 s
    assert is_too_deep(parse(text)) and syntax.captures(text) == {}
