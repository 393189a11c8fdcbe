"""What a script reaches and what it packs is found without running a line of it."""

import ast
import base64
import bz2
import gzip
import lzma
import random
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from golfcheck.source import syntax
from golfcheck.source.decoders import MAX_UNPACKED_BYTES
from golfcheck.source.reach import Source, main_script, reached

SOURCE = b"import torch\n\n\ndef main():\n    return torch.zeros(3)  # \xc3\xa9\n\n\nmain()\n" * 40
XZ = lzma.compress(SOURCE)
RAW = lzma.compress(SOURCE, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}])
ALONE = lzma.compress(SOURCE, lzma.FORMAT_ALONE)
DEFLATE = zlib.compress(SOURCE, wbits=-15)
B85 = base64.b85encode


def main_of(text: bytes) -> Source:
    (source,) = reached(["train_gpt.py"], {"train_gpt.py": text}.get)
    return source


def in_pieces(data: bytes, size: int) -> bytes:
    return b"(\n" + b"\n".join(b'    "%s"' % data[at : at + size] for at in range(0, len(data), size)) + b"\n)"


ZLIB = zlib.compress(SOURCE)
Z85 = B85(ZLIB)
Z = b"import zlib, base64\n"
PACKS: dict[str, tuple[bytes, str]] = {
    "raw": (
        b'import lzma as L,base64 as B\nexec(L.decompress(B.b85decode("%s"),format=L.FORMAT_RAW,'
        b'filters=[{"id":L.FILTER_LZMA2,"preset":9|L.PRESET_EXTREME}]))' % B85(RAW),
        "lzma+base85",
    ),
    "xz": (b'import lzma, base64\nexec(lzma.decompress(base64.b85decode("%s")))' % B85(XZ), "lzma+base85"),
    "lzma alone": (b'import lzma, base64\nexec(lzma.decompress(base64.b85decode("%s")))' % B85(ALONE), "lzma+base85"),
    "zlib": (
        b"import zlib\nfrom base64 import b64decode as d\n"
        b'exec(compile(zlib.decompress(d("%s")).decode("utf-8"), "x", "exec"))' % base64.b64encode(ZLIB),
        "zlib+base64",
    ),
    "raw deflate": (
        b'import zlib, binascii\nexec(zlib.decompress(binascii.unhexlify("%s"), -15))' % DEFLATE.hex().encode(),
        "zlib+hex",
    ),
    "gzip": (
        b'import gzip, base64\nexec(gzip.decompress(base64.b32decode("%s")))' % base64.b32encode(gzip.compress(SOURCE)),
        "gzip+base32",
    ),
    "bz2": (
        b'exec(__import__("bz2").decompress(bytes.fromhex("%s")))' % bz2.compress(SOURCE).hex().encode(),
        "bz2+hex",
    ),
    "ascii85": (Z + b"exec(zlib.decompress(base64.a85decode(%r)))" % base64.a85encode(ZLIB), "zlib+ascii85"),
    "bytes literal": (Z + b"exec(zlib.decompress(%r))" % ZLIB, "zlib"),
    "pieces": (Z + b"P = %s\nexec(zlib.decompress(base64.b85decode(P)))" % in_pieces(Z85, 60), "zlib+base85"),
    "joined": (
        Z + b'a = "%s"\nb = "%s"\nexec(zlib.decompress(base64.b85decode("".join([a, b]))))' % (Z85[:50], Z85[50:]),
        "zlib+base85",
    ),
    "added": (Z + b'exec(zlib.decompress(base64.b85decode("%s" + "%s")))' % (Z85[:50], Z85[50:]), "zlib+base85"),
    "backwards": (Z + b'exec(zlib.decompress(base64.b85decode("%s"[::-1])))' % Z85[::-1], "zlib+base85"),
    "full-width": (Z + "ｅｘｅｃ(zlib.decompress(base64.b85decode('%s')))".encode() % Z85, "zlib+base85"),
    "by name": (Z + b's = zlib.decompress(base64.b85decode("%s"))\nexec(s, globals())' % Z85, "zlib+base85"),
    "in main": (Z + b'def main():\n    exec(zlib.decompress(base64.b85decode("%s")))\nmain()' % Z85, "zlib+base85"),
}


@pytest.mark.parametrize("name", PACKS)
def test_packed_source_is_unpacked_to_the_byte(name: str) -> None:
    text, wrapper = PACKS[name]
    source = main_of(text)
    assert (source.wrapper, source.unwrapped, source.note) == (wrapper, SOURCE, "")


@pytest.mark.parametrize("package", ["brotli", "zstandard"])
def test_packed_source_of_an_extra_is_unpacked_or_the_extra_is_named(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip(package)
    data = module.compress(SOURCE)
    text = b"import %s, base64\nexec(%s.decompress(base64.b85decode('%s')))" % (
        package.encode(),
        package.encode(),
        B85(data),
    )
    assert main_of(text).unwrapped == SOURCE
    monkeypatch.setitem(sys.modules, package, None)
    source = main_of(text)
    assert (
        source.unwrapped is None and source.note == f"{package} is needed to read it: pip install 'golfcheck[formats]'"
    )


@pytest.mark.parametrize(
    "text",
    [
        b'exec("print(1)")',
        b"import zlib\nzlib.decompress(b'x')",
        b"def f():\n    return eval('1')",
        b"code = open('x').read()\nexec(code)",
        b"import base64\nkey = base64.b64decode('aGk=')",
        b"# exec(zlib.decompress(b'x'))",
        b"s = \"exec(zlib.decompress(b'x'))\"",
    ],
)
def test_what_packs_nothing_has_no_wrapper(text: bytes) -> None:
    assert main_of(text).wrapper is None


def test_unpacking_executes_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    inner = f"open({str(mark)!r}, 'w')\n".encode()
    text = b"import zlib\nopen(%r, 'w')\nexec(zlib.decompress(%r))\n" % (str(mark), zlib.compress(inner))
    assert main_of(text.replace(b"open(b", b"open(")).unwrapped == inner
    assert not mark.exists()


def test_constants_imported_by_name_and_comments_between_are_followed() -> None:
    text = (
        b"from lzma import FORMAT_RAW, FILTER_LZMA2 as F, decompress\nimport base64\na.b = c, d = 1, 2\n"
        b"exec(  # run\n    decompress(base64.b85decode('%s'), # packed\n    FORMAT_RAW, None, [{'id': F}]))" % B85(RAW)
    )
    assert main_of(text).unwrapped == SOURCE


def test_a_name_bound_twice_is_not_followed() -> None:
    text = b"import zlib\na = %r\na = %r\nexec(zlib.decompress(a))" % (zlib.compress(SOURCE), zlib.compress(b"x"))
    assert main_of(text).unwrapped is None


def test_a_bomb_is_stopped_at_the_limit_and_what_fits_is_not() -> None:
    fits = b"#" * (MAX_UNPACKED_BYTES - 1000)
    assert main_of(b"import zlib\nexec(zlib.decompress(%r))" % zlib.compress(fits)).unwrapped == fits
    over = main_of(b"import zlib\nexec(zlib.decompress(%r))" % zlib.compress(b"#" * (MAX_UNPACKED_BYTES + 1)))
    assert over.unwrapped is None and "unpacks to more than" in over.note


def test_more_source_than_people_write_is_not_examined() -> None:
    files = {"train.py": b"import a, b, c\n"} | {f"{name}.py": b"#" * 2_000_000 for name in "abc"}
    last = reached(list(files), files.get)[-1]
    assert last.path == "c.py" and last.problems[0].message.startswith("not examined: more than 4,194,304 bytes")


FOLDER = {
    "train_gpt.py": b'exec(open("impl.py").read())\n',
    "impl.py": b"import helper\nfrom pkg import mod as m\nfrom torch.utils.cpp_extension import load\n"
    b"load('x', sources=['k.cu'])\n",
    "helper.py": b"import torch\nimport unused_name\n",
    "pkg/__init__.py": b"",
    "pkg/mod.py": b"from . import other\nfrom .deep import thing\n",
    "pkg/other.py": b"import train_gpt\n",
    "pkg/deep.py": b"",
    "k.cu": b"// kernel",
    "prepare_data.py": b"print(1)\n",
    "mod.py": b"",
}


def test_imports_executed_files_and_named_sources_are_followed_and_nothing_else() -> None:
    sources = reached(list(FOLDER), FOLDER.get)
    assert sources[0].path == "train_gpt.py" and [source.main for source in sources] == [True] + [False] * 7
    assert {source.path for source in sources} == set(FOLDER) - {"prepare_data.py", "mod.py"}


@pytest.mark.parametrize(
    "line",
    [
        "import helper",
        "import helper as h, os",
        "from helper import f",
        "from helper import *",
        "if x:\n    def f():\n        import helper",
        "try:\n    import helper\nexcept ImportError: pass",
        "exec(open('helper.py').read())",
        "exec(Path(__file__).with_name('helper.py').read_text())",
        "runpy.run_path('./helper.py')",
        "subprocess.run([sys.executable, 'helper.py'])",
        "exec(compile(open(os.path.join(here, \"helper.py\")).read(), 'x', 'exec'))",
    ],
)
def test_each_way_to_reach_a_sibling_is_seen(line: str) -> None:
    files = {"train_gpt.py": line.encode(), "helper.py": b"x = 1\n"}
    assert [source.path for source in reached(list(files), files.get)] == ["train_gpt.py", "helper.py"]


def test_what_a_packed_script_imports_is_reached_too() -> None:
    packed = b"import zlib\nexec(zlib.decompress(%r))" % zlib.compress(b"import helper\n")
    files = {"train_gpt.py": packed, "helper.py": b""}
    assert [source.path for source in reached(list(files), files.get)] == ["train_gpt.py", "helper.py"]


@pytest.mark.parametrize(
    ("files", "main"),
    [
        ({"train_gpt.py": b"", "train.py": b"val_bpb"}, "train_gpt.py"),
        ({"train.py": b"x", "bpb.py": b"val_bpb"}, "train.py"),
        ({"train_gpt_v5.py": b"val_bpb", "train_old.py": b"a longer one without a score"}, "train_gpt_v5.py"),
        ({"train_mamba3_hybrid.py": b"x", "prepare.py": b"val_bpb"}, "train_mamba3_hybrid.py"),
        ({"run.py": b"x"}, "run.py"),
        ({"code/run.py": b"x"}, "code/run.py"),
        ({"run.sh": b"x"}, None),
        ({}, None),
    ],
)
def test_the_script_that_trains_is_found_under_its_many_names(files: dict[str, bytes], main: str | None) -> None:
    assert main_script(list(files), files.get) == main


NEWER = {
    "3.12 type alias": "type Pair[T] = tuple[T, T]\n",
    "3.12 generics": "def f[T: int, *Ts, **P](x: T) -> T: ...\nclass A[T]: ...\n",
    "3.12 f-string": 'x = f"{a["b"]} {f"{f"{1}"}"}"\n',
    "3.13 default": "class A[T=int]: pass\n",
    "3.14 except": "try:\n    pass\nexcept A, B:\n    pass\n",
    "3.14 template": 'x = t"{a}"\n',
    "3.11 group": "try:\n    pass\nexcept* E:\n    pass\n",
    "match": "match x:\n    case {'a': 1, **rest} if rest: pass\n    case [1, *_] | A(b=2): pass\n",
    "mark": "\ufeffx = 1\n",
    "CRLF": "if x:\r\n    y = 1\r\n",
    "tabs": "if x:\n\ty = 1\n",
    "cookie": "# -*- coding: utf-8 -*-\nx = 1\n",
    "names": "été = match = type = 1\n",
    "emoji": "# \U0001f468\u200d\U0001f469\u200d\U0001f467 family\n",
    "empty": "",
}


@pytest.mark.parametrize("name", NEWER)
def test_python_of_every_version_is_no_syntax_error(name: str) -> None:
    assert main_of(NEWER[name].encode()).problems == ()


@pytest.mark.parametrize(
    "text", ["x = 5 6\n", "def f(:\n", "s = 'abc\n", "x = [1, 2\ny = 3\n", "if x\n  y\n", "return )\n"]
)
def test_a_mistake_is_said_with_its_line(text: str) -> None:
    (problem,) = main_of(b"import a\n" + text.encode()).problems
    assert problem.message == "not Python of any version up to 3.14" and problem.line in (2, 3)


def test_the_library_of_this_python_has_no_syntax_error() -> None:
    files = sorted(Path(ast.__file__).parent.glob("*.py"))[::4]
    assert len(files) > 30
    for file in files:
        text = file.read_bytes()
        if syntax.encoding_problem(text) is None:
            assert syntax.error_line(syntax.parse(text), text) is None, file


def test_five_thousand_mutated_scripts_are_read_without_a_crash() -> None:
    seed = 20260503
    print("seed", seed)
    rng = random.Random(seed)
    bases = (
        [text[:3000] for text, _ in PACKS.values()] + list(FOLDER.values()) + [text.encode() for text in NEWER.values()]
    )
    tokens = [
        b"exec(",
        b")",
        b"(",
        b"zlib.decompress",
        b'"',
        b"'",
        b"import ",
        b"[::-1]",
        b"+",
        b"\n",
        b"\t",
        b"=",
        b"\0",
        b"\\",
        b"\xff",
        b"9" * 30,
    ]
    mutate: list[Callable[[bytearray, int], None]] = [
        lambda data, at: data.__setitem__(slice(at, at), rng.choice(tokens)),
        lambda data, at: data.__delitem__(slice(at, at + rng.randrange(1, 40))),
        lambda data, at: data.__setitem__(slice(at, at + 1), bytes([rng.randrange(256)])),
    ]
    for _ in range(10_000):
        data = bytearray(rng.choice(bases))
        for _ in range(rng.randrange(1, 5)):
            rng.choice(mutate)(data, rng.randrange(len(data) + 1))
        source = main_of(bytes(data))
        assert source.text == bytes(data)
        assert all(problem.path == "train_gpt.py" and problem.message.isprintable() for problem in source.problems)


def test_lines_are_counted_as_shipped() -> None:
    assert [main_of(text).lines for text in (b"", b"a", b"a\n", b"a\nb", b"a\r\nb\r\n")] == [0, 1, 1, 2, 2]
