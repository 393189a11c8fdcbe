"""Pack a training script into a small self-extracting one, and verify that it is the same program; and the reverse."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from golfcheck.authoring.proof import difference
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.core.numbers import percent_text
from golfcheck.core.text import shell_word
from golfcheck.source import syntax
from golfcheck.source.minify import joined, lines_of
from golfcheck.source.pythonast import parsed
from golfcheck.source.selfextracting import Variant, bundled, compressed, minified, unbundled
from golfcheck.source.unwrap import unwrap


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
        bundle = bundled(texts)
        for variant in compressed(form, bundle, brotli=brotli):
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


def _texts(files: dict[str, bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield the sources unchanged, then in each minified form."""
    yield "as it is", files
    lines = {name: lines_of(text, name) for name, text in files.items()}
    for form, indent, one_line in (("minified", b" ", False), ("minified, few lines", b" ", True),
                                   ("minified, few lines, tabs", b"\t", True)):  # fmt: skip
        yield (form, {name: minified(text, lines[name], indent, one_line=one_line) for name, text in files.items()})


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
    return unwrapped.wrapper, unbundled(unwrapped.text, name)


def tidy(text: bytes) -> bytes:
    """Return a source with one statement per line and no comments; unchanged if it cannot be parsed at all."""
    try:
        return ast.unparse(parsed(text)).encode() + b"\n"
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        lines = lines_of(text, "")
        return text if lines is None else joined(lines, b"    ", one_line=False)


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
