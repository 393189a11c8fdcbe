"""Source files that a script reaches, static unwrapping of packed ones, and the byte accountings. Executes nothing."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from golfcheck.core.verdict import Problem, Severity
from golfcheck.core.work import SOURCE_BYTE_US, SOURCE_US, Work
from golfcheck.source import syntax
from golfcheck.source.executions import Unfollowed
from golfcheck.source.nodes import literal
from golfcheck.source.unwrap import unwrap

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_SOURCE_SUFFIXES = {".py", ".pyx", ".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp", ".sh"}

_COMPILED = (".so", ".pyd", ".pyc", ".dylib")
_MAX_PATH_BYTES = 256
_SUFFIXES = tuple(suffix.encode() for suffix in sorted(_SOURCE_SUFFIXES))

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Source:
    """One source file: its bytes as shipped, and the text inside if it unpacks itself."""

    path: str
    text: bytes
    main: bool
    wrapper: str | None  # "lzma+base85" if it unpacks itself
    unwrapped: bytes | None
    note: str = ""  # why a packed source could not be unwrapped
    problems: tuple[Problem, ...] = ()  # problems in reading it: syntax, encoding, hidden characters
    executed: tuple[bytes, ...] = ()  # texts that it runs, unpacked or from strings; `unwrapped` is one of them
    unfollowed: tuple[Unfollowed, ...] = ()  # code that it runs and that could not be read
    examined: bool = True  # False if it is too large or too deeply nested, or the record is too costly to read

    @property
    def texts(self) -> tuple[bytes, ...]:
        """Everything it runs that can be read: its own text, then texts that it unpacks or has in strings."""
        return (self.text, *self.executed)

    @property
    def lines(self) -> int:
        """The number of lines as shipped."""
        return len(self.text.splitlines())


def reached(paths: Sequence[str], read: Read, main: str | None = None, work: Work | None = None) -> tuple[Source, ...]:
    """Return the main script of a folder and every source file of the folder that it reaches, itself first.

    `main` names the script; without it, `main_script` chooses it. `work` is the record's remaining
    budget (None: a full one); when it is used up, the last source is not examined, and its names are not followed.

    A file is reached if a reached one imports it, or names it in a string (`exec(open("x.py").read())`, `runpy`,
    sources of an extension). `read` returns a file's bytes, or None if it cannot be read.
    """
    work = Work() if work is None else work
    main = main or main_script(paths, read)
    if main is None:
        return ()
    shipped = {path for path in paths if PurePosixPath(path).suffix in _SOURCE_SUFFIXES}
    compiled = {PurePosixPath(path).name.partition(".")[0] for path in paths if path.endswith(_COMPILED)}
    compiled -= {PurePosixPath(path).stem for path in shipped}
    sources: dict[str, Source] = {}
    pending = deque([main])
    while pending:
        path = pending.popleft()
        if path in sources or (text := read(path)) is None:
            continue
        if work.is_spent:
            break
        source, named = _examined(Source(path, text, path == main, None, None), shipped, work)
        if compiled:
            source = replace(source, unfollowed=(*source.unfollowed, *_compiled(source, compiled)))
        is_paid = work.spend(len(text), SOURCE_BYTE_US) and work.spend(1, SOURCE_US)
        sources[path] = source if is_paid else replace(source, examined=False)
        pending += [name for name in named if name not in sources]
    return tuple(sources.values())


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
    texts = {path: read(path) or b"" for path in named}
    return max(texts, key=lambda path: (b"val_bpb" in texts[path], len(texts[path])))


def _examined(source: Source, shipped: set[str], work: Work) -> tuple[Source, list[str]]:
    """Return a source with the code that it runs and its problems, and the shipped files that it names."""
    path, text = source.path, source.text
    if not path.endswith(".py"):
        return source, []
    if not work.spend(1, syntax.cost_us(text, work.left_us)):
        return replace(source, examined=False), []
    tree = syntax.parse(text)
    if syntax.is_too_deep(tree):
        problem = f"its tree is over {syntax.MAX_DEPTH} deep or has over {syntax.MAX_NODES:,} nodes"
        problem += ", or is too much work: not examined"
        return replace(source, examined=False, problems=(Problem(problem, path, severity=Severity.WARNING),)), []
    if encoding := syntax.encoding_problem(text):
        return replace(source, problems=(Problem(encoding, path, 1),)), []
    problems = tuple(_problems(path, text, tree))
    runs = unwrap(text, path, shipped, work)
    names = [name for one in (text, *runs.executed) for name in _names(path, one, shipped)]
    source = replace(
        source,
        wrapper=runs.wrapper,
        unwrapped=runs.text,
        note=runs.note,
        problems=problems,
        executed=runs.executed,
        unfollowed=runs.unfollowed,
    )
    return source, names


def _problems(path: str, text: bytes, tree: "Tree") -> Iterator[Problem]:
    line = syntax.error_line(tree, text)
    if line is not None:
        yield Problem("not Python of any version up to 3.14", path, line)
    if hidden := syntax.hidden_characters(text.decode("utf-8")):
        message = (
            f"{hidden[1]} changes the order in which text is displayed: a person reads different code than Python runs"
        )
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


def _compiled(source: Source, compiled: set[str]) -> Iterator[Unfollowed]:
    """Yield the imports of `compiled`, the modules that the folder has in compiled form alone."""
    if not source.examined or not source.path.endswith(".py"):
        return
    kinds = syntax.captures(source.text)
    for node in (*kinds.get("import", ()), *kinds.get("from", ())):
        for module in _modules(node):
            name = module.rpartition(".")[2]
            if name in compiled:
                yield Unfollowed(
                    node.start_point[0] + 1, f"imports {module}, which the record has in compiled form alone"
                )


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
