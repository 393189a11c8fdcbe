"""Folders, JSON, logs and scripts made to harm a reader: rows 99 to 146 of the corpus in docs/security.md."""

import base64
import bz2
import lzma
import os
import random
import socket
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VALID_JSON = b'{"name": "x", "val_bpb": 1.1, "bytes_total": 5}'


@dataclass(frozen=True)
class Case:
    """The file's contents, the rule that must fire, and words that its message must contain."""

    name: str
    data: bytes
    rule: str
    says: str


JSON = [
    Case("duplicate val_bpb", b'{"val_bpb": 1.1,\n "val_bpb": 0.9}', "json-invalid", "a duplicate key 'val_bpb'"),
    Case("escaped duplicate", b'{"val_bpb": 1.1, "val\\u005fbpb": 0.9}', "json-invalid", "a duplicate key 'val_bpb'"),
    Case("NaN", b'{"val_bpb": NaN}', "json-invalid", "NaN and Infinity are not allowed"),
    Case("minus infinity", b'{"val_bpb": -Infinity}', "json-invalid", "NaN and Infinity are not allowed"),
    Case("1e400", b'{"val_bpb": 1e400}', "json-invalid", "too large for a double"),
    Case("5,000 digits", b'{"val_bpb": ' + b"1" * 5000 + b"}", "json-invalid", "more than 19 digits"),
    Case("depth 100k", b"[" * 100_000, "json-invalid", "nested more than 32 deep"),
    Case("depth 33 in an object", b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", "json-invalid", "nested more than 32 deep"),
    Case("byte order mark", b"\xef\xbb\xbf" + VALID_JSON, "json-invalid", "byte order mark"),
    Case("UTF-16", VALID_JSON.decode().encode("utf-16"), "json-invalid", "not UTF-8"),
    Case("lone surrogate", b'{"name": "\\ud800"}', "json-invalid", "half of a surrogate pair"),
    Case("two low surrogates", b'{"name": "\\udc00\\udc00"}', "json-invalid", "half of a surrogate pair"),
    Case("val_bpb true", b'{"val_bpb": true}', "schema-violation", "True is not of type 'number'"),
    Case("val_bpb as text", b'{"val_bpb": "1.2"}', "schema-violation", "'1.2' is not of type 'number'"),
    Case("a list at the top", b"[1, 2]", "json-invalid", "expected an object, found an array"),
    Case("50 MB", b'{"name": "' + b"a" * 50_000_000 + b'"}', "json-invalid", "larger than 262,144 bytes"),
    Case("Cyrillic key", '{"val_\u0432pb": 1.1}'.encode(), "schema-violation", "'val_bpb' is missing"),
    Case("negative bytes", b'{"bytes_total": -5}', "schema-violation", "less than the minimum of 0"),
    Case("trailing text", VALID_JSON + b"\n x", "json-invalid", "column 2: text after the end"),
    Case("nothing", b"", "json-invalid", "expected a value"),
    Case("raw control character", b'{"name": "a\x1bb"}', "json-invalid", "U+001B"),
    Case("unfinished string", b'{"name": "a', "json-invalid", "without its closing quote"),
    Case("comment", b'{"name": 1} // no', "json-invalid", "text after the end"),
    Case("trailing comma", b'{"name": 1,}', "json-invalid", "expected a key"),
    Case("single quotes", b"{'name': 1}", "json-invalid", "expected a key"),
    Case("leading zero", b'{"a": 01}', "json-invalid", "expected ','"),
    Case("hexadecimal", b'{"a": 0x10}', "json-invalid", "expected ','"),
    Case("bad escape", b'{"a": "\\x41"}', "json-invalid", "escape"),
    Case("short unicode escape", b'{"a": "\\u12"}', "json-invalid", "escape"),
    Case("overlong UTF-8", b'{"a": "\xc0\xaf"}', "json-invalid", "not UTF-8"),
    Case("surrogate in UTF-8", b'{"a": "\xed\xa0\x80"}', "json-invalid", "not UTF-8"),
    Case("unclosed object", b'{"a": 1', "json-invalid", "expected ',' or '}'"),
    Case("unclosed array", b'{"a": [1', "json-invalid", "expected ',' or ']'"),
    Case("missing colon", b'{"a" 1}', "json-invalid", "expected ':'"),
    Case("missing value", b'{"a": }', "json-invalid", "expected a value"),
    Case("key that is a number", b"{1: 2}", "json-invalid", "expected a key"),
    Case("NUL after the end", VALID_JSON + b"\x00", "json-invalid", "text after the end"),
    Case("vertical tab as space", b"\x0b" + VALID_JSON, "json-invalid", "expected a value"),
    Case("non-breaking space", "\u00a0".encode() + VALID_JSON, "json-invalid", "expected a value"),
    Case("a string at the top", b'"x"', "json-invalid", "found a string"),
    Case("a number at the top", b"3", "json-invalid", "found a number"),
    Case("null at the top", b"null", "json-invalid", "found null"),
    Case("seeds of mixed kinds", b'{"seeds": [' + b'1,"a",' * 30_000 + b"0]}", "schema-violation", "is not of type"),
    Case("20,000 seeds", b'{"seed_results": {' + b",".join(b'"%d":{}' % n for n in range(20_000)) + b"}}",
         "schema-violation", "too many properties"),
    Case("waived without a reason", b'{"golfcheck": {"ignore": {"log-missing": ""}}}', "schema-violation", "ignore"),
]  # fmt: skip


def symlink(folder: Path) -> str:
    (folder / "README.md").symlink_to("/etc/passwd")
    return "a symbolic link"


def symlink_loop(folder: Path) -> str:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    return "a symbolic link"


def symlinked_folder(folder: Path) -> str:
    (folder / "logs").symlink_to("/etc")
    return "a symbolic link"


def fifo(folder: Path) -> str:
    os.mkfifo(folder / "train.log")
    return "a FIFO"


def unix_socket(folder: Path) -> str:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # a socket's path is at most 107 bytes
        try:
            server.bind("s.log")
        finally:
            os.chdir(here)
    return "a socket"


def sparse_log(folder: Path) -> str:
    with (folder / "train.log").open("wb") as file:
        file.truncate(2**40)
    return "more than 67,108,864"


def deep(folder: Path) -> str:
    for _ in range(400):
        folder = folder / "d"
    folder.mkdir(parents=True)
    return "nested more than 8 deep"


def many(folder: Path) -> str:
    for number in range(2_000):
        (folder / f"{number}.txt").touch()
    return "more than 512 names"


def newline_in_name(folder: Path) -> str:
    (folder / "a\nb.log").touch()
    return r"'a\nb.log'"


def override_in_name(folder: Path) -> str:
    (folder / "a\u202egol.log").touch()
    return r"a\u202egol"


def bytes_in_name(folder: Path) -> str:
    Path(os.fsdecode(os.fsencode(folder) + b"/a\xff.log")).touch()
    return r"a\udcff"


def case_collision(folder: Path) -> str:
    (folder / "train.log").touch()
    (folder / "Train.log").touch()
    return "only in case"


def repository(folder: Path) -> str:
    (folder / ".git" / "hooks").mkdir(parents=True)
    (folder / ".git" / "config").write_text("[core]\n\tfsmonitor = touch /tmp/harmed\n")
    return "a repository inside a submission: not opened"


def two_submissions(folder: Path) -> str:
    (folder / "submission_b.json").write_bytes(VALID_JSON)
    (folder / "submission.json").write_bytes(VALID_JSON)
    return "a second submission file"


def large_log(folder: Path) -> str:
    with (folder / "train.log").open("wb") as file:
        file.write(b"seed:1\n")
        file.truncate(65 * 2**20)
    return "only 67,108,864 of 68,157,440 bytes were read"


FILES: list[Callable[[Path], str]] = [
    *(symlink, symlink_loop, symlinked_folder, fifo, unix_socket, sparse_log, deep, many, newline_in_name),
    *(override_in_name, bytes_in_name, case_collision, repository, two_submissions, large_log),
]


def packed(text: bytes) -> bytes:
    return b'import zlib, base64\nexec(zlib.decompress(base64.b85decode("%s")))\n' % base64.b85encode(
        zlib.compress(text)
    )


def raw_lzma(text: bytes, filters: bytes) -> bytes:
    data = lzma.compress(text, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 4096}])
    call = b'lzma.decompress(base64.b85decode("%s"), lzma.FORMAT_RAW, filters=%s)' % (base64.b85encode(data), filters)
    return b"import lzma, base64\nexec(" + call + b")\n"


CODE = [
    Case("deep parentheses", b"(" * 100_000, "syntax-error", "not examined"),
    Case("deep and closed", b"(" * 5_000 + b"1" + b")" * 5_000, "syntax-error", "500 deep"),
    Case("200k additions", b"x = " + b"1 + " * 200_000 + b"1", "syntax-error", "250,000 nodes"),
    Case("nested calls", b"f(" * 40_000 + b")" * 40_000, "syntax-error", "500 deep"),
    Case("nested subscripts", b"x" + b"[0]" * 20_000, "syntax-error", "500 deep"),
    Case("line continuations", b"x = 1 \\\n" * 20_000, "syntax-error", "not examined"),
    Case("NUL", b"x = 1\0", "syntax-error", "NUL byte"),
    Case("utf-7 cookie", b"# -*- coding: utf-7 -*-\nx = 1", "syntax-error", "the encoding utf-7"),
    Case("cookie on line 2", b"#!/usr/bin/python\n# vim: set fileencoding=cp037 :\n", "syntax-error", "encoding cp037"),
    Case("Latin-1", b"x = '\xe9'", "syntax-error", "not UTF-8"),
    Case("bidi override", "x = 1  # \u202e".encode(), "syntax-error", "U+202E"),
    Case("bidi isolate", "s = '\u2067'".encode(), "syntax-error", "U+2067"),
    Case("3 MB of source", b"#" * 3_000_000, "syntax-error", "larger than 2,097,152 bytes"),
    Case("not Python", b"x = 5 6\n", "syntax-error", "not Python"),
    Case("unclosed string", b's = "abc\n', "syntax-error", "not Python"),
    Case("unclosed bracket", b"x = [1, 2\ny = 3\n", "syntax-error", "not Python"),
]

# Packed scripts that stay packed: what `Source.note` must say.
PACKED = [
    Case("bomb", packed(b"0" * 100_000_000), "zlib+base85", "unpacks to more than 16,777,216 bytes"),
    Case("asks for 4 GB", raw_lzma(b"x", b"[{'id': 33, 'dict_size': 4294967295}]"), "lzma+base85", "dictionary"),
    Case("bad data", b"import zlib\nexec(zlib.decompress(b'abc'))", "zlib", "cannot be decoded"),
    Case("not base 85", b"import base64\nexec(base64.b85decode('\xc3\xa9'))", "base85", "cannot be decoded"),
    Case("reads a file", b"import zlib\nexec(zlib.decompress(open('x','rb').read()))", "zlib", "computed at run time"),
    Case("compiled code", packed(b"\0\1\2"), "zlib+base85", "compiled, not source"),
    Case("doubling", b"import zlib\na = 'x' * 10\nexec(zlib.decompress(a))", "zlib", "computed at run time"),
    Case("joined many", b"import base64\na='" + b"x" * 900_000 + b"'\nexec(base64.b64decode(a" + b"+a" * 40 + b"))",
         "base64", "costs more to read"),
    Case("replace bomb", b"import zlib\nexec(zlib.decompress('" + b"a" * 60_000 + b"'.replace('a', '" + b"b" * 60_000
         + b"')))", "zlib", "unpacks to more than"),
    Case("itself", b"import zlib\na = zlib.decompress(a)\nexec(a)", "", ""),
    Case("a slice of step 0", b"import zlib\nexec(zlib.decompress('abc'[::0]))", "zlib", "slice"),
    Case("filters that are none", raw_lzma(b"x", b"['a']"), "lzma+base85", "invalid filter"),
    Case("codec with code", b"import zlib\nexec(zlib.decompress('x'.encode('rot13')))", "zlib", "the encoding rot13"),
    Case("not brotli", b"import brotli\nexec(brotli.decompress(b'\\xff\\xff'))", "brotli", "cannot be decoded"),
    Case("brotli cut off", b"import brotli\nexec(brotli.decompress(b'abc'))", "brotli", "the data is truncated"),
    Case("zlib cut", b"import zlib\nexec(zlib.decompress(%r))" % zlib.compress(b"x" * 99)[:-3], "zlib", "truncated"),
    Case("xz cut off", b"import lzma\nexec(lzma.decompress(%r))" % lzma.compress(b"x" * 99)[:-9], "lzma", "truncated"),
    Case("bz2 cut off", b"import bz2\nexec(bz2.decompress(%r))" % bz2.compress(b"x" * 99)[:-3], "bz2", "truncated"),
    Case("not zstd", b"import zstandard\nexec(zstandard.decompress(b'abc'))", "zstd", "cannot be decoded"),
    Case("text and bytes", b"import zlib\nexec(zlib.decompress(b'a' + 'b'))", "zlib", "text and bytes are mixed"),
    Case("minus text", b"import zlib\nexec(zlib.decompress(b'a', -'b'))", "zlib", "computed at run time: -'b'"),
    Case("not", b"import zlib\nexec(zlib.decompress(b'a', ~5))", "zlib", "computed at run time: ~5"),
    Case("times", b"import zlib\nexec(zlib.decompress(b'a' * 10**12))", "zlib", "computed at run time"),
    Case("octal of old", b"import zlib\nexec(zlib.decompress(b'a', 0777))", "zlib", "not understood: 0777"),
    Case("one byte", b"import zlib\nexec(zlib.decompress('abc'[0]))", "zlib", "computed at run time: 'abc'[0]"),
    Case("slice of four", b"import zlib\nexec(zlib.decompress('abc'[1:2:3:4]))", "zlib", ""),
    Case("slice by text", b"import zlib\nexec(zlib.decompress('abc'['a':]))", "zlib", "an invalid slice"),
    Case("generator", b"import zlib\nexec(zlib.decompress(x for x in y))", "zlib", "computed at run time"),
    Case("a list", b"import zlib\nexec(zlib.decompress([True, None, (1,)]))", "zlib", "was not given bytes"),
    Case("a list is run", b"import zlib\nexec([zlib.decompress(%r)])" % zlib.compress(b"x"), "zlib", "not text"),
    Case("f-string", b"import zlib\nexec(zlib.decompress(f'{x}'))", "zlib", "computed at run time: f'{x}'"),
    Case("unknown method", b"import zlib\nexec(zlib.decompress('abc'.translate(t)))", "zlib", "computed at run time"),
    Case("filters keyed by a list", raw_lzma(b"x", b"[{(1,): 2}]"), "lzma+base85", "a key that is not text"),
    Case("no argument", b"import zlib\nexec(zlib.decompress())", "zlib", "cannot be decoded"),
    Case("unknown keyword", b"import zlib\nexec(zlib.decompress(b'x', nope=1))", "zlib", "cannot be decoded"),
    Case("join bomb", b"import zlib\nexec(zlib.decompress('%s'.join('%s')))" % (b"a" * 60_000, b"b" * 400),
         "zlib", "unpacks to more than"),
    Case("long integer", b"import zlib\nexec(zlib.decompress('x', %s))" % (b"9" * 5_000), "zlib", "long integer"),
]  # fmt: skip


def nested_packs(levels: int) -> bytes:
    text = b"print(1)\n"
    for _ in range(levels):
        text = packed(text)
    return text


STEP = b"step:%d/20000 train_loss:2.0000 train_time:%dms step_avg:70.00ms\n"
# Bytes of a log → a word that one of its notes must hold ("" where the log is only odd).
LOGS: dict[str, tuple[bytes, str]] = {
    "one line of 20 MB": (b"a" * 20_000_000, "more than 16,384 characters"),
    "65 MiB": (b"noise in a log.\n" * (65 * 2**16 + 1), "only the first 67,108,864 bytes"),
    "a million newlines": (b"\n" * 1_000_000, "unread"),
    "NUL": (b"seed:1\n\0\0\n", "NUL bytes"),
    "random bytes": (random.Random(1).randbytes(100_000), ""),
    "UTF-16 LE": (("seed:7\r\n" * 20).encode("utf-16"), "UTF-16"),
    "UTF-16 BE": (b"\xfe\xff" + ("seed:7\n" * 20).encode("utf-16-be"), "UTF-16"),
    "UTF-16 without a mark": (("seed:7\n" * 20).encode("utf-16-le"), "UTF-16"),
    "carriage returns": (b"FAIL\rPASS\n", ""),
    "val_bpb nan": (b"final val_loss:nan val_bpb:nan\n", ""),
    "val_bpb inf": (b"final val_loss:inf val_bpb:-inf\n", ""),
    "steps backwards": (STEP % (9, 900) + STEP % (3, 300), ""),
    "two final lines": (b"final val_loss:2.0 val_bpb:1.2\nfinal val_loss:2.0 val_bpb:1.1\n", ""),
    "huge numbers": (b"step:%s/%s train_loss:%s\n" % (b"9" * 400, b"9" * 400, b"9" * 400), ""),
    "size of 400 digits": (b"Code size: " + b"9" * 400 + b" bytes\n", ""),
    "name of 10,000 characters": (b"a" * 10_000 + b" val_loss:1 val_bpb:1\n", ""),
    "dump longer than the log": (b"# file: train.py, 999999999 bytes\nx = 1\n", ""),
    "dump of negative length": (b"# file: train.py, -5 bytes\nseed:3\n", ""),
    "200 rules": ((b"=" * 100 + b"\n") * 200, ""),
    "escape sequences": (b"\x1b]52;c;aGk=\x07 val_loss:1 val_bpb:1\n", ""),
    "settings of 100,000 names": (b"".join(b"a%d:1\n" % n for n in range(100_000)), ""),
    "settings:changed nested": (b"settings:changed " + b"[" * 16_000 + b"\n", ""),
    "70 runs": (b"".join(b"seed:%d\n" % n + STEP % (1, 70) for n in range(70)), ""),
    "310,000 points": (STEP % (1, 70) * 310_000, "unread"),
    "empty": (b"", ""),
}
