"""Source files that a script reaches, static unwrapping of packed ones, and the byte accountings. Executes nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from time import thread_time
from typing import TYPE_CHECKING

from golfcheck.core.verdict import Problem, Severity
from golfcheck.source import syntax
from golfcheck.source.decoders import MAX_UNPACKED_BYTES
from golfcheck.source.executions import Unfollowed
from golfcheck.source.nodes import literal
from golfcheck.source.unwrap import unwrap

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

MAX_SOURCES = 64  # files that are followed from one script
MAX_REACHED_BYTES = 4 * 2**20  # and their bytes: twice what one file may have
REACH_SECONDS = 1.5  # to examine them all; real ones take 0.1
_SOURCE_SUFFIXES = {".py", ".pyx", ".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp", ".sh"}

_MAX_PATH_BYTES = 256
_SUFFIXES = tuple(suffix.encode() for suffix in sorted(_SOURCE_SUFFIXES))

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Source:
    """One source file: its bytes as shipped, and the text inside when it unpacks itself."""

    path: str
    text: bytes
    main: bool
    wrapper: str | None  # "lzma+base85" when it unpacks itself
    unwrapped: bytes | None
    note: str = ""  # why a packed source could not be unwrapped
    problems: tuple[Problem, ...] = ()  # of reading it: syntax, encoding, hidden characters
    executed: tuple[bytes, ...] = ()  # texts that it runs, unpacked or from strings; `unwrapped` is one of them
    unfollowed: tuple[Unfollowed, ...] = ()  # what it runs that could not be read

    @property
    def texts(self) -> tuple[bytes, ...]:
        """All that can be read of what it runs: its own text, then what it unpacks or has in strings."""
        return (self.text, *self.executed)

    @property
    def lines(self) -> int:
        """The number of lines as shipped."""
        return len(self.text.splitlines())


def reached(paths: Sequence[str], read: Read, main: str | None = None) -> tuple[Source, ...]:
    """Return the main script of a folder and every source file of the folder that it reaches, itself first.

    `main` names the script; without it, `main_script` chooses it.

    A file is reached when a reached one imports it, or names it in a string (`exec(open("x.py").read())`, `runpy`,
    sources of an extension). `read` returns a file's bytes, or None when they cannot be had.
    """
    main = main or main_script(paths, read)
    if main is None:
        return ()
    shipped = {path for path in paths if PurePosixPath(path).suffix in _SOURCE_SUFFIXES}
    found: dict[str, Source] = {}
    pending, left_bytes = [main], MAX_REACHED_BYTES
    left_nodes, left_unpacked, end = syntax.MAX_NODES, MAX_UNPACKED_BYTES, thread_time() + REACH_SECONDS
    while pending and len(found) < MAX_SOURCES:
        path = pending.pop(0)
        if path in found or (text := read(path)) is None:
            continue
        left_bytes -= len(text)
        if left_bytes < 0:
            problem = Problem(f"not examined: more than {MAX_REACHED_BYTES:,} bytes of source are reached", path)
            found[path] = Source(path, text, path == main, None, None, problems=(problem,))
            break
        found[path], more, nodes = _examined(path, text, path == main, shipped)
        left_nodes -= nodes
        left_unpacked -= sum(map(len, found[path].executed))
        if left_nodes < 0 or left_unpacked < 0 or thread_time() > end:
            problem = Problem("the sources up to here are too large or too intricate together: none is followed", path)
            found[path] = replace(found[path], problems=(*found[path].problems, problem))
            break
        pending += [name for name in more if name not in found]
    return tuple(found.values())


def main_script(paths: Sequence[str], read: Read) -> str | None:
    """Find the script that trains: `train_gpt.py`, `train.py`, or the largest of those that mention val_bpb."""
    scripts = [path for path in paths if path.endswith(".py")]
    for name in ("train_gpt.py", "train.py"):
        if name in scripts:
            return name
    top = [path for path in scripts if "/" not in path] or scripts
    named = [path for path in top if PurePosixPath(path).name.startswith("train")] or top
    if len(named) < 2:
        return named[0] if named else None
    texts = {path: read(path) or b"" for path in named[:MAX_SOURCES]}
    return max(texts, key=lambda path: (b"val_bpb" in texts[path], len(texts[path])))


def _examined(path: str, text: bytes, main: bool, shipped: set[str]) -> tuple[Source, list[str], int]:
    """Return a source with what reading it met, the shipped files that it names, and how many nodes its trees have."""
    plain = Source(path, text, main, None, None)
    if not path.endswith(".py"):
        return plain, [], 0
    if problem := syntax.encoding_problem(text):
        return replace(plain, problems=(Problem(problem, path, 1),)), [], 0
    tree = syntax.parse(text)
    if syntax.is_too_deep(tree):
        problem = f"its tree is over {syntax.MAX_DEPTH} deep or has over {syntax.MAX_NODES:,} nodes: not examined"
        return replace(plain, problems=(Problem(problem, path),)), [], 0
    problems = tuple(_problems(path, text, tree))
    runs = unwrap(text, path, shipped)
    texts = (text, *runs.executed)
    names = [name for one in texts for name in _names(path, one, shipped)]
    nodes = sum(syntax.parse(one).root_node.descendant_count for one in texts)
    source = Source(path, text, main, runs.wrapper, runs.text, runs.note, problems, runs.executed, runs.unfollowed)
    return source, names, nodes


def _problems(path: str, text: bytes, tree: "Tree") -> Iterator[Problem]:
    line = syntax.error_line(tree, text)
    if line is not None:
        yield Problem("not Python of any version up to 3.14", path, line)
    if hidden := syntax.hidden_characters(text.decode("utf-8")):
        message = f"{hidden[1]} makes text show in another order: a person reads other code than Python does"
        yield Problem(message, path, hidden[0], Severity.WARNING)


def _names(path: str, text: bytes, shipped: set[str]) -> Iterator[str]:
    """Yield the shipped files that a source imports or names, in the order of the text."""
    folder = PurePosixPath(path).parent
    kinds = syntax.captures(text)
    nodes = (*kinds.get("string", ()), *kinds.get("import", ()), *kinds.get("from", ()))
    for node in sorted(nodes, key=lambda node: node.start_byte):
        if node.type != "string":
            for module in _modules(node):
                stem = module.replace(".", "/")
                tries = [f"{stem}.py", f"{stem}/__init__.py"]
                yield from _existing(shipped, *(str(folder / name) for name in tries), *tries)
        elif node.end_byte - node.start_byte < _MAX_PATH_BYTES:
            written = node.text or b""
            value = literal(node) if written.rstrip(b"\"'").endswith(_SUFFIXES) else None
            if isinstance(value, str):
                yield from _existing(shipped, str(folder / value), value)


def _existing(shipped: set[str], *tries: str) -> Iterator[str]:
    for name in tries:
        if name.removeprefix("./") in shipped:
            yield name.removeprefix("./")
            return


def _modules(node: "Node") -> Iterator[str]:
    """Yield the modules that an import may load: `from a import b` may load a.b."""
    module = node.child_by_field_name("module_name")
    base = (module.text or b"").decode("utf-8", "replace").lstrip(".") if module else ""
    if base:
        yield base
    for child in node.children_by_field_name("name"):
        name = child.child_by_field_name("name") if child.type == "aliased_import" else child
        text = (name.text or b"").decode("utf-8", "replace") if name else ""
        if text:
            yield f"{base}.{text}" if base else text
