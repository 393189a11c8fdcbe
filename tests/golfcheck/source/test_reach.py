"""What a script reaches and packs is found without running any of it."""

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

from golfcheck.core.work import Work
from golfcheck.source import reach, syntax
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
def test_a_script_that_packs_nothing_has_no_wrapper(text: bytes) -> None:
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


TWICE = zlib.compress(SOURCE), zlib.compress(b"x")


def test_a_name_bound_in_two_branches_is_not_followed() -> None:
    source = main_of(b"import zlib\nif y:\n    a = %r\nelse:\n    a = %r\nexec(zlib.decompress(a))" % TWICE)
    assert source.wrapper == "zlib" and source.unwrapped is None
    assert [one.line for one in source.unfollowed] == [6]


def test_a_name_bound_again_in_straight_order_is_followed_to_the_binding_in_force() -> None:
    source = main_of(b"import zlib\na = %r\na = %r\nexec(zlib.decompress(a))" % TWICE)
    assert (source.unwrapped, source.unfollowed) == (b"x", ())
    assert main_of(b"import zlib\na = %r\nexec(zlib.decompress(a))\na = %r\n" % TWICE).unwrapped == SOURCE
    again = main_of(b"import zlib, base64\nS = '%s'\nS = S.encode()\nS = base64.b85decode(S)\n"
                    b"exec(zlib.decompress(S).decode())" % B85(TWICE[0]))  # fmt: skip
    assert (again.unwrapped, again.unfollowed) == (SOURCE, ())


def test_a_bomb_is_stopped_at_the_limit_and_smaller_data_is_not() -> None:
    fits = b"#" * (MAX_UNPACKED_BYTES - 1000)
    assert main_of(b"import zlib\nexec(zlib.decompress(%r))" % zlib.compress(fits)).unwrapped == fits
    over = main_of(b"import zlib\nexec(zlib.decompress(%r))" % zlib.compress(b"#" * (MAX_UNPACKED_BYTES + 1)))
    assert over.unwrapped is None and "unpacks to more than" in over.note


def test_more_source_than_people_write_is_not_examined() -> None:
    files = {"train.py": b"import a, b, c, d, e, f, g, h, i\n"} | {
        f"{name}.py": b"x = 1\n" * 20_000 for name in "abcdefghi"
    }
    work = Work()
    *read, last = reached(list(files), files.get, work=work)
    assert work.is_spent and all(source.examined for source in read) and not last.examined
    assert last.path != "i.py"  # what it names is not followed either


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
def test_python_of_every_version_is_parsed_without_a_syntax_error(name: str) -> None:
    assert main_of(NEWER[name].encode()).problems == ()


@pytest.mark.parametrize(
    "text", ["x = 5 6\n", "def f(:\n", "s = 'abc\n", "x = [1, 2\ny = 3\n", "if x\n  y\n", "return )\n"]
)
def test_a_syntax_error_is_reported_with_its_line(text: str) -> None:
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


PACKED = b"zlib.decompress(base64.b85decode('%s'))" % Z85
HEADER = b"import base64, importlib, os, runpy, subprocess, sys, tempfile, zlib\n"
READ_ALL_THE_SAME = {
    "a temporary file that is run": b"p = tempfile.mktemp()\nopen(p, 'wb').write(%s)\nrunpy.run_path(p)",
    "a file that is imported": b"open('late.py', 'wb').write(%s)\nimport late",
    "a file that another Python runs": b"p = os.environ['P']\nopen(p, 'wb').write(%s)\n"
    b"subprocess.run([sys.executable, p])",
    "a lambda": b"(lambda code: exec(code))(%s)",
    "a list of functions": b"for run in (exec,):\n    run(%s)",
    "a default": b"def go(code, run=exec):\n    run(code)\ngo(%s)",
    "eval over a list": b"list(map(eval, [%s]))",
}
FOLLOWED = {
    "another name": b"e = exec\ne(%s)",
    "a function of its own": b"def go(code):\n    exec(code)\ngo(%s)",
    "a function of its own, by keyword": b"def go(n, code):\n    exec(code)\ngo(code=%s, n=1)",
    "getattr": b"import builtins\ngetattr(builtins, 'exec')(%s)",
    "the builtins": b"import builtins as b\nb.exec(%s)",
    "imported from them": b"from builtins import exec as go\ngo(%s)",
    "another name twice removed": b"a = exec\nb = a\nb(%s)",
    "compiled first": b"code = compile(%s, 'x', 'exec')\nexec(code, globals())",
}


@pytest.mark.parametrize("way", FOLLOWED)
def test_packed_code_is_read_whatever_name_runs_it(way: str) -> None:
    source = main_of(HEADER + FOLLOWED[way] % PACKED)
    assert (source.unwrapped, source.executed, source.unfollowed) == (SOURCE, (SOURCE,), ())


def test_a_decoder_is_recognized_however_it_is_imported_or_named() -> None:
    ways = {
        b"from zlib import *\nfrom base64 import *\n": b"exec(decompress(b85decode('%s')))",
        b"import zlib, base64\n": b"exec(getattr(zlib, 'decompress')(getattr(base64, 'b85decode')('%s')))",
        b"import importlib\n": b"z = importlib.import_module('zlib')\nb = __import__('base64')\n"
        b"exec(z.decompress(b.b85decode('%s')))",
        b"import zlib as z, base64\n": b"d = z.decompress\nexec(d(base64.b85decode('%s')))",
    }
    for header, way in ways.items():
        source = main_of(header + way % Z85)
        assert (source.unwrapped, source.unfollowed) == (SOURCE, ()), way


@pytest.mark.parametrize("way", READ_ALL_THE_SAME)
def test_code_run_in_an_unsupported_way_is_reported_and_its_payload_is_read(way: str) -> None:
    source = main_of(HEADER + READ_ALL_THE_SAME[way] % PACKED)
    assert source.executed == (SOURCE,) and source.wrapper == "zlib+base85"
    assert source.unfollowed or way == "a file that is imported"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("exec(open(path).read())", "exec() runs code that cannot be determined from the text"),
        ("exec(input())", "computed at run time: input()"),
        ("exec(open('notes.txt').read())", "exec() runs 'notes.txt', which is not a Python source in the record"),
        ("import runpy\nrunpy.run_path(name)", "runpy.run_path()"),
        ("from runpy import *\nrun_path(name)", "runpy.run_path()"),
        ("import runpy\nrunpy.run_module('x' + y)", "runpy.run_module()"),
        ("import importlib\nimportlib.import_module(name)", "importlib.import_module()"),
        ("__import__(chr(111) + 's')", "__import__()"),
        ("import importlib.util\nimportlib.util.spec_from_file_location('m', path)", "spec_from_file_location()"),
        ("import marshal\nexec(marshal.loads(data))", "marshal.loads"),
        ("import types\ntypes.FunctionType(code, globals())()", "types.FunctionType()"),
        ("import builtins\ngetattr(builtins, name)(x)", "takes a member of builtins by a computed name"),
        ("import os\ngetattr(os, 'sys' + 'tem')(x)", "takes a member of os by a computed name"),
        ("__builtins__['ex' + 'ec'](x)", "passes __builtins__ on"),
        ("import builtins\nbuiltins.__dict__[x](y)", "passes __dict__ on"),
        ("globals()['ex' + 'ec'](x)", "reads or changes names through globals()"),
        ("globals().update(exec2=x)", "reads or changes names through globals().update"),
        ("import sys\nsys.modules['o' + 's'].system(x)", "takes a module out of sys.modules"),
        ("().__class__.__base__.__subclasses__()", "reaches into the interpreter by __subclasses__"),
        ("f = exec if y else print\nf(x)", "passes exec on as a value"),
        ("import importlib as m; f(m)", "passes importlib on as a value"),
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', x])", "starts Python with"),
        ("import subprocess\nsubprocess.run(['python3', name])", "starts Python with"),
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-P', '-c', x])", "starts Python with"),
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-u', '-P'])", "starts Python with"),
        ("import sys\nsys.path.insert(0, 'data.zip')\nimport helper", "changes sys.path"),
        ("from sys import path\npath.append(x)", "changes sys.path"),
        ("import sys\nsys.path[:0] = ['lib.egg']", "changes sys.path"),
        ("import sys\nsys.path += x", "changes sys.path"),
        ("import sys\nsys.meta_path.append(Finder())", "changes sys.meta_path"),
        ("import pickle\npickle.loads(data)()", "calls what pickle.loads() returns"),
        ("import pickle\nmade = pickle.load(f); made['run'](x)", "calls what pickle.load() returns"),
        ("import numpy as np\nnp.load(p, allow_pickle=True).item()()", "calls what numpy.load() returns"),
        ("import pickle\npickle.loads(b'cos\\nsystem\\n.')", "unpickles a constant"),
        ("import ctypes\nctypes.CDLL('./fast.so').run()", "ctypes.CDLL() loads a compiled library"),
        ("from torch.utils.cpp_extension import load\nload('a', ['a.cpp'])", "compiles code of another language"),
        ("import torch\nmodel = torch.jit.load('m.pt')", "torch.jit.load() loads a saved program"),
        ("import yaml\nyaml.load(text, Loader=yaml.UnsafeLoader)", "makes objects that a text names"),
        ("import os\nos.environ['PYTHONPATH'] = x", "sets PYTHONPATH"),
        ("import os\nos.environ.setdefault('LD_PRELOAD', x)", "sets LD_PRELOAD"),
        ("import os\nstart(env={**os.environ, 'PYTHONSTARTUP': x})", "sets PYTHONSTARTUP"),
        ("import os\nstart(env=dict(os.environ, PYTHONPATH=x))", "sets PYTHONPATH"),
        ("import timeit\ntimeit.timeit(lambda: 1, setup=text)", "timeit.timeit() runs a text"),
        ("import timeit\ntimeit.timeit(text)", "timeit.timeit() runs a text"),
        ("import timeit\ntimeit.repeat(lambda: 1, setup=text)", "timeit.repeat() runs a text"),
        ("import base64\ndata = base64.b85decode('" + "0" * 5_000 + "' + x)", "bytes of packed data"),
    ],
)  # fmt: skip
def test_a_call_that_runs_unreadable_code_is_reported_with_its_line(text: str, says: str) -> None:
    reasons = [f"{one.line} {one.reason}" for one in main_of(b"x = 1\n" + text.encode()).unfollowed]
    assert any(says in reason for reason in reasons), reasons
    assert all(reason.split()[0] in ("2", "3") for reason in reasons)


@pytest.mark.parametrize(
    "text",
    [
        "model.eval()",
        "import torch\ntorch.compile(model)",
        "import importlib\nimportlib.import_module('flash_attn')",
        "def eval(x):\n    return x\neval(y)\nlist(map(eval, z))",
        "def f(exec=1):\n    return exec",
        "f(eval=1, exec=2)",
        "config = {k: v for k, v in globals().items() if k != '_'}",
        "n = globals().get('n', 3)",
        "print(vars(args))\nfor k, v in vars(args).items():\n    print(k)",
        "getattr(torch, name)",
        "getattr(self, name)(x)",
        "exec('x = 1')",
        "import re\nre.compile(x)",
        "import sys\nsys.modules[__name__]",
        "import types\ns = types.SimpleNamespace(a=1)",
        "import base64\nkey = base64.b64decode('aGk=')",
        "import zlib\nblob = zlib.compress(x)\nback = zlib.decompress(blob)",
        "with open('other.py') as f:\n    exec(f.read())",
        "from pathlib import Path\nHERE = Path(__file__).resolve().parent\nexec((HERE / 'other.py').read_text())",
        "exec(open(__file__.replace('train_gpt.py', 'other.py')).read())",
        "import os\nexec(open(os.path.join(os.path.dirname(__file__), 'other.py')).read())",
        "import runpy\nrunpy.run_path('other.py')",
        "import os, sys\nsys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))\nimport other",
        "import sys\nprint(sys.path)\nfor path in sys.path:\n    pass",
        "import pickle\nstate = pickle.loads(data)\nmodel.load_state_dict(state['model'])\nstate.items()",
        "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)\nyaml.safe_load(text)",
        "import os\nold = os.environ['PYTHONPATH'] or os.environ.get('LD_PRELOAD')\nos.environ['OMP'] = '1'",
        "import timeit\ndef f():\n    pass\ntimeit.repeat(f, number=1)\ntimeit.timeit(lambda: model(x))",
        "import torch\nstate = torch.load(f)\nmodel.load_state_dict(state)",
        "import subprocess, sys\nsubprocess.run([sys.executable, 'other.py', '--x'])",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pip', 'list'])",
        "import timeit\ntimeit.repeat(lambda: f(), number=1, repeat=8)",
    ],
)  # fmt: skip
def test_common_trainer_code_is_followed_completely(text: str) -> None:
    files = {"train_gpt.py": text.encode(), "other.py": b""}
    assert reached(list(files), files.get)[0].unfollowed == ()


def test_all_texts_that_a_source_runs_are_kept_not_only_the_largest() -> None:
    small = b"import requests\n"
    source = main_of(b"import zlib\nexec(zlib.decompress(%r))\nexec(zlib.decompress(%r))\nexec('import wandb')\n"
                     % (TWICE[0], zlib.compress(small)))  # fmt: skip
    assert source.unwrapped == SOURCE
    assert source.texts == (source.text, SOURCE, small, b"import wandb")


def test_a_path_beside_the_script_is_followed_and_one_that_leads_elsewhere_is_not() -> None:
    script = b"from pathlib import Path\nexec((Path(__file__).parent / '%s').read_text())\n"
    files = {"code/train.py": script % b"x.py", "code/x.py": b"", "other/y.py": b""}
    assert reached(list(files), files.get)[0].unfollowed == ()
    files["code/train.py"] = script % b"y.py"
    assert "not a Python source in the record" in reached(list(files), files.get)[0].unfollowed[0].reason
    files["code/train.py"] = script % b"../other/y.py"
    assert "leads out of the folder" in reached(list(files), files.get)[0].unfollowed[0].reason


def test_a_module_that_the_record_has_in_compiled_form_alone_cannot_be_read() -> None:
    files = {"train_gpt.py": b"import fast\nimport slow\n", "fast.cpython-311-x86_64-linux-gnu.so": b"", "slow.py": b""}
    (one,) = reached(list(files), files.get)[0].unfollowed
    assert (one.line, one.reason) == (1, "imports fast, which the record has in compiled form alone")


def test_of_calls_that_begin_together_the_outer_one_comes_first_in_every_run() -> None:
    text = b"f(x).g(y).h(z)\n" * 50
    calls = syntax.captures(text)["call"]
    assert [(call.start_byte, call.end_byte) for call in calls] == [
        (15 * line, 15 * line + end) for line in range(50) for end in (14, 9, 4)
    ]


def test_imports_of_compiled_modules_are_not_compared_with_every_source(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = {f"m{i}.py": b"a = 1\n" for i in range(50)} | {"train.py": b"import fast\n" * 200, "fast.so": b"1"}
    paths: list[str] = []
    monkeypatch.setattr(reach, "PurePosixPath", lambda path: paths.append(str(path)) or Path(path))
    (source,) = reached(list(folder), folder.get)
    assert len(source.unfollowed) == 200
    assert len(paths) < 5 * len(folder)
