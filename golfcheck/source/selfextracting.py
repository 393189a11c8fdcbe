"""Sources as one small self-extracting script, deterministically; nothing is executed here.

The script decodes and executes itself: `exec(lzma.decompress(base64.b85decode("…"), …))`. Modules from its folder that
it imports are in it as strings.
"""

import ast
import base64
import lzma
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath

from golfcheck.core.errors import MissingExtra, UsageError
from golfcheck.core.work import PACKED_BYTE_US, Work
from golfcheck.source import syntax
from golfcheck.source.minify import CodeLine, joined, lines_of

# Raw LZMA2 has no header and no checksum. Of its settings, only these change the compressed size of source text.
_LZMA_SETTINGS = [{"lc": lc, "pb": pb} for lc in (3, 4) for pb in (0, 2)]
_MIN_DICTIONARY_BYTES = 4096  # LZMA's minimum
_STUBS = {
    "lzma": b'import lzma,base64\ns=lzma.decompress(base64.b85decode("%s"),3,None,[{"id":33}])\n',
    "brotli": b'import brotli,base64\ns=brotli.decompress(base64.b85decode("%s"))\n',
}
# Triton and others read the source of a function, so it must be in linecache, where tracebacks look for it.
_READS_SOURCE = (b"triton", b"inspect.getsource", b"getsourcelines")
_RUN = b"exec(s)\n"
_RUN_WITH_SOURCE = (
    b"import linecache\n"
    b"linecache.cache['<packed>']=len(s),None,s.decode().splitlines(True),'<packed>'\n"
    b"exec(compile(s,'<packed>','exec'))\n"
)
# A script of several files begins with this: each module is created from its source, a literal that is read statically.
_BUNDLE = b"import sys,types\n"
_MODULE = b"m=sys.modules[%s]=types.ModuleType(%s);m.__file__=__file__;exec(%s,m.__dict__)\n"
_IS_MODULE = re.compile(rb"m=sys\.modules\[('[^']*')\]=[^;]*;m\.__file__=__file__;exec\((.*),m\.__dict__\)")


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to pack a script, and the result."""

    name: str
    packed: bytes


def packed_bytes(files: dict[str, bytes], work: Work) -> int | None:
    """Return an upper bound on the size to which `golfcheck pack` packs source files, in a hundredth of its time.

    The bound is the size of one variant, without proof that it is the same program. `pack` did no better for 51 of 52
    merged records, and 5 bytes better for the other. Returns None if that costs more than what is left of `work`.
    Raises UsageError if they cannot be packed.
    """
    texts = {}
    for name, text in files.items():
        parses = 1 if len(files) == 1 else 2  # of modules, once more for their imports
        if not work.spend(parses, syntax.cost_us(text, work.left_us)) or not work.spend(len(text), PACKED_BYTE_US):
            return None
        texts[name] = minified(text, lines_of(text, name), b" ", one_line=True)
    return len(next(compressed("minified, few lines", bundled(texts), brotli=False)).packed)


def minified(text: bytes, lines: Sequence[CodeLine] | None, indent: bytes, *, one_line: bool) -> bytes:
    """Return a source made of `lines`; unchanged without them, for one that cannot be parsed."""
    return text if lines is None else joined(lines, indent, one_line=one_line)


def bundled(texts: dict[str, bytes]) -> bytes:
    """Return one source for all files, which creates the modules from strings, each after those that it imports."""
    script, *names = texts
    for name in names:
        if not name.endswith(".py") or "/" in name:
            raise UsageError(f"{name}: only modules next to the script can be packed with it: pack the script alone")
    modules = {PurePosixPath(name).stem: texts[name] for name in names}
    if not modules:
        return texts[script]
    if b"from __future__" in texts[script]:
        raise UsageError(f"{script}: `from __future__` must come first: remove it, or pack the script alone")
    head = b""
    for name in _by_imports(modules):
        quoted = ascii(name).encode()
        head += _MODULE % (quoted, quoted, ascii(modules[name].decode()).encode())
    return _BUNDLE + head + texts[script]


def _by_imports(modules: dict[str, bytes]) -> list[str]:
    """Return the names of modules, each after those that it imports."""
    imports = {name: _imported(text) & modules.keys() - {name} for name, text in modules.items()}
    sorter = TopologicalSorter(imports)
    try:
        sorter.prepare()
    except CycleError as error:
        first, *others = sorted(set(error.args[1]))
        raise UsageError(f"{first}.py: is part of an import cycle with {', '.join(others)}: not packed") from None
    order: list[str] = []
    while ready := sorted(sorter.get_ready()):
        order += ready
        sorter.done(*ready)
    return order


def _imported(text: bytes) -> set[str]:
    """Return the top-level names of the modules that a source imports."""
    names: set[str] = set()
    cursor = syntax.parse(text).walk()
    while True:
        node = cursor.node
        assert node
        if node.type in ("import_statement", "import_from_statement"):
            children = [node.child_by_field_name("module_name")]
            if children == [None]:
                children = list(node.named_children)
            names |= {(c.text or b"").decode("utf-8", "replace").split(" ")[0].partition(".")[0] for c in children if c}
        elif cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return names


def compressed(form: str, text: bytes, *, brotli: bool) -> Iterator[Variant]:
    """Yield a source packed with each compressor and setting."""
    run = _RUN_WITH_SOURCE if any(word in text for word in _READS_SOURCE) else _RUN
    # As large as the text: a larger dictionary gives the same bytes, and takes four times as long.
    dictionary_bytes = max(_MIN_DICTIONARY_BYTES, 1 << (len(text) - 1).bit_length())
    for settings in _LZMA_SETTINGS:
        preset = {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": dictionary_bytes}
        data = lzma.compress(text, lzma.FORMAT_RAW, filters=[preset | settings])
        packed = _STUBS["lzma"] % base64.b85encode(data) + run
        yield Variant(f"{form}, lzma lc={settings['lc']} pb={settings['pb']}", packed)
    if brotli:
        yield Variant(f"{form}, brotli", _STUBS["brotli"] % base64.b85encode(_brotli(text)) + run)


def _brotli(text: bytes) -> bytes:
    try:
        import brotli
    except ModuleNotFoundError:
        raise MissingExtra("pack --brotli", "brotli", "formats") from None
    data: bytes = brotli.compress(text, mode=brotli.MODE_TEXT, quality=11, lgwin=22)
    return data


def unbundled(text: bytes, name: str) -> dict[str, bytes]:
    """Return the files in a source made by `bundled`; any other source is returned whole, under `name`."""
    if not text.startswith(_BUNDLE):
        return {name: text}
    files: dict[str, bytes] = {}
    rest = text[len(_BUNDLE) :]
    while (line := _IS_MODULE.match(rest)) is not None:
        module, source = (ast.literal_eval(part.decode()) for part in line.groups())
        files[f"{module}.py"] = source.encode()
        rest = rest[line.end() + 1 :]
    return {name: rest, **files}
