"""Pack a training script into a small self-extracting one, deterministically, and verify that it is the same program.

The packed script decodes and executes itself: `exec(lzma.decompress(base64.b85decode("…"), …))`. Modules from its
folder that it imports are packed with it. Nothing is executed here.
"""

import ast
import base64
import lzma
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

from golfcheck.authoring.minify import CodeLine, joined, lines_of
from golfcheck.authoring.proof import difference
from golfcheck.core.errors import GolfcheckError, MissingExtra, UsageError
from golfcheck.core.numbers import percent_text
from golfcheck.core.text import shell_word
from golfcheck.core.work import PACKED_BYTE_US, Work
from golfcheck.source import syntax
from golfcheck.source.pythonast import parsed
from golfcheck.source.unwrap import unwrap

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


@dataclass(frozen=True, slots=True)
class Packed:
    """All variants that were tried, smallest first."""

    source_bytes: int
    files: tuple[str, ...]
    variants: tuple[Variant, ...]

    @property
    def best(self) -> Variant:
        """The smallest variant; if several are equal, the one tried first."""
        return self.variants[0]


def pack(files: dict[str, bytes], *, brotli: bool = False) -> Packed:
    """Pack source files: the script first, then the modules that it imports, by their paths in its folder.

    Every variant is decoded again, without executing it, and must be the same program as the source
    (`proof.difference`). Raises UsageError if a file cannot be packed, GolfcheckError if this check fails.
    """
    script = next(iter(files))
    if unwrap(files[script]).wrapper is not None:
        raise UsageError(f"{script}: is packed already: pack what `golfcheck unpack {shell_word(script)}` prints")
    variants = []
    for form, texts in _texts(files):
        for name, text in files.items():
            if problem := difference(text, texts[name]):
                raise GolfcheckError(
                    f"{name}: {form}, it would be a different program ({problem}): nothing was written"
                )
        bundle = _bundled(texts)
        for variant in _compressed(form, bundle, brotli=brotli):
            if unwrap(variant.packed).text != bundle:
                raise GolfcheckError(
                    f"packed as {variant.name}, it does not unpack to the original source: nothing was written"
                )
            variants.append(variant)
    return Packed(
        source_bytes=sum(map(len, files.values())),
        files=tuple(files),
        variants=tuple(sorted(variants, key=lambda variant: len(variant.packed))),  # stable
    )


def packed_bytes(files: dict[str, bytes], work: Work) -> int | None:
    """Return an upper bound on the size to which `pack` packs source files, in a hundredth of its time.

    The bound is the size of one variant, without proof that it is the same program. `pack` did no better for 51 of 52
    merged records, and 5 bytes better for the other. Returns None if that costs more than what is left of `work`.
    Raises UsageError if they cannot be packed.
    """
    texts = {}
    for name, text in files.items():
        parses = 1 if len(files) == 1 else 2  # of modules, once more for their imports
        if not work.spend(parses, syntax.cost_us(text, work.left_us)) or not work.spend(len(text), PACKED_BYTE_US):
            return None
        texts[name] = _minified(text, lines_of(text, name), b" ", one_line=True)
    return len(next(_compressed("minified, few lines", _bundled(texts), brotli=False)).packed)


def unpack(data: bytes, name: str) -> tuple[str, dict[str, bytes]]:
    """Return how a script is packed, and the sources inside by file name, the script's own under `name`.

    Nothing is executed. Raises UsageError if it is not packed, or cannot be unpacked without running it.
    """
    if syntax.is_too_deep(syntax.parse(data)):
        raise UsageError(f"{name}: nested over {syntax.MAX_DEPTH} deep, or over {syntax.MAX_NODES:,} nodes: not read")
    unwrapped = unwrap(data)
    if unwrapped.wrapper is None:
        raise UsageError(f"{name}: is not a packed script: it can be read directly")
    if unwrapped.text is None:
        raise UsageError(f"{name}: packed as {unwrapped.wrapper}, and cannot be unpacked as data: {unwrapped.note}")
    return unwrapped.wrapper, _unbundled(unwrapped.text, name)


def tidy(text: bytes) -> bytes:
    """Return a source with one statement per line and no comments; unchanged if it cannot be parsed at all."""
    try:
        return ast.unparse(parsed(text)).encode() + b"\n"
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        lines = lines_of(text, "")
        return text if lines is None else joined(lines, b"    ", one_line=False)


def _texts(files: dict[str, bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield the sources unchanged, then in each minified form."""
    yield "as it is", files
    lines = {name: lines_of(text, name) for name, text in files.items()}
    for form, indent, one_line in (("minified", b" ", False), ("minified, few lines", b" ", True),
                                   ("minified, few lines, tabs", b"\t", True)):  # fmt: skip
        yield (form, {name: _minified(text, lines[name], indent, one_line=one_line) for name, text in files.items()})


def _minified(text: bytes, lines: Sequence[CodeLine] | None, indent: bytes, *, one_line: bool) -> bytes:
    return text if lines is None else joined(lines, indent, one_line=one_line)


def _bundled(texts: dict[str, bytes]) -> bytes:
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


def _compressed(form: str, text: bytes, *, brotli: bool) -> Iterator[Variant]:
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


def _unbundled(text: bytes, name: str) -> dict[str, bytes]:
    """Return the files in a source made by `_bundled`; any other source is returned whole, under `name`."""
    if not text.startswith(_BUNDLE):
        return {name: text}
    files: dict[str, bytes] = {}
    rest = text[len(_BUNDLE) :]
    while (line := _IS_MODULE.match(rest)) is not None:
        module, source = (ast.literal_eval(part.decode()) for part in line.groups())
        files[f"{module}.py"] = source.encode()
        rest = rest[line.end() + 1 :]
    return {name: rest, **files}


def read_script(script: Path, *, alone: bool) -> dict[str, bytes]:
    """Return a script and, unless `alone`, the files in its folder that it imports or names, by path."""
    from golfcheck.authoring.scripts import reached

    files = reached(script)
    return {script.name: files[script.name]} if alone else files


def sizes(packed: Packed) -> Sequence[str]:
    """Return a line for the smallest variant of each form: its size in bytes, its share of the source, its name."""
    best: dict[str, Variant] = {}
    for variant in packed.variants:
        best.setdefault(variant.name.rpartition(",")[0], variant)
    shares = {name: percent_text(len(variant.packed) / packed.source_bytes, 1) for name, variant in best.items()}
    return [f"{len(variant.packed):>9,} bytes  {shares[name]:>6}  {variant.name}" for name, variant in best.items()]
