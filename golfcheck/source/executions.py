"""What a source runs other than plain calls of its own functions: texts, files, modules, and code that cannot be read.

Nothing is guessed. Code runs through `exec` and similar functions, under any name. If the name or the argument cannot
be determined from the text, this is reported with the line, and no rule may call the source clean.
"""

import re
from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from golfcheck.core.work import STEP_US, Work
from golfcheck.source import decoders, syntax
from golfcheck.source.bindings import BindingKind
from golfcheck.source.decoders import OpaqueError
from golfcheck.source.evaluate import ShippedPath, ShippedText, StaticEvaluation
from golfcheck.source.handedon import MAX_USES, handed_on
from golfcheck.source.hidden import hidden_code
from golfcheck.source.nodes import argument_of, name_text, shown
from golfcheck.source.scope import IMPORTERS, RUNNERS, Scope

if TYPE_CHECKING:
    from tree_sitter import Node

_MIN_SOURCE_BYTES = 64  # of unpacked text that nothing seems to run; shorter ones are keys and names
_MIN_DATA_BYTES = 1024  # of other unpacked data, which is a payload unless it is a small table
_MAX_CALLERS = 16
_OF_FILES = frozenset(
    ("runpy.run_path", "importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader")
)
_STARTS = re.compile(r"subprocess\.(?:run|Popen|call|check_call|check_output)|os\.(?:exec|spawn)[lvpe]{1,3}")
_PYTHON = re.compile(r"(?:.*/)?python[0-9.]*")
SWITCHES = {"-B", "-E", "-I", "-O", "-OO", "-P", "-S", "-s", "-u"}  # Python's options without an argument


@dataclass(frozen=True, slots=True)
class Executed:
    """A text that a source runs; None if it could not be unpacked, with the reason in `note`."""

    wrapper: str  # the decoders it went through, the outermost first; "" for a plain text
    text: bytes | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unfollowed:
    """Code that a source runs and that cannot be read, with its line in the file (None inside an unpacked text)."""

    line: int | None
    reason: str


def executions(text: bytes, path: str, shipped: Collection[str], work: Work) -> tuple[list[Executed], list[Unfollowed]]:
    """Return what a source runs; `path` is its own path in the record, `shipped` the record's sources."""
    reading = _Reading(text, path, shipped, work)
    reading.read()
    return reading.executed, reading.unfollowed


class _Reading:
    """The analysis of one source."""

    def __init__(self, text: bytes, path: str, shipped: Collection[str], work: Work) -> None:
        self.text, self.path, self.shipped, self.work = text, path, shipped, work
        self.scope = Scope(text)
        self.executed: list[Executed] = []
        self.unfollowed: list[Unfollowed] = []
        self.decoded: set[int] = set()  # ids of the calls whose payload was examined

    def read(self) -> None:
        decoding, runs = [], 0
        for call, name in self.scope.calls:
            if name in RUNNERS:
                runs += 1
                if runs <= MAX_USES:
                    self._run(call, name)
            elif name in decoders.BY_NAME:
                decoding.append(call)
            elif _STARTS.fullmatch(name):
                self._start(call)
        if runs > MAX_USES:
            self._give_up(self.scope.calls[0][0], f"runs more than {MAX_USES} texts")
        for call in decoding[: 4 * MAX_USES]:  # the outermost first: its payload includes those inside it
            if call.id not in self.decoded:
                self._payload(call)
        for node, reason in handed_on(self.scope):
            self._give_up(node, reason)
        for node, reason in hidden_code(self.scope, self.shipped):
            self._give_up(node, reason)

    def _give_up(self, node: "Node", reason: str) -> None:
        self.unfollowed.append(Unfollowed(node.start_point[0] + 1, reason))

    def _run(self, call: "Node", name: str) -> None:
        position, keyword = RUNNERS[name]
        argument = argument_of(call, position, keyword)
        if argument is None:
            self._give_up(call, f"{name}() gets an argument that cannot be read")
            return
        for value in self._given(argument):
            self._run_value(call, name, value)

    def _given(self, argument: "Node") -> "list[Node]":
        """Return the expressions that are run; for a parameter, the arguments from the callers of its function."""
        binding = self.scope.bound(argument) if argument.type == "identifier" else None
        if binding is None or binding.kind is not BindingKind.PARAMETER:
            return [argument]
        function = self.scope.bindings.function_of(binding)
        name = function.child_by_field_name("name") if function else None
        parameters = function.child_by_field_name("parameters") if function else None
        if name is None or parameters is None:  # a lambda
            return [argument]
        if not self.work.spend(parameters.child_count, STEP_US):
            return [argument]
        plain = [item for item in parameters.named_children if item.type != "comment"]
        position = next((index for index, item in enumerate(plain) if item == binding.node), 0)
        given: list[Node] = []
        for use in self.scope.uses((name_text(name),)):
            if use.start_byte == name.start_byte:
                continue
            caller = use.parent
            is_called = caller is not None and caller.child_by_field_name("function") == use
            value = argument_of(caller, position, name_text(argument)) if is_called else None
            if value is None or len(given) == _MAX_CALLERS:
                return [argument]  # it is passed on, or called in a way that is not followed
            given.append(value)
        return given or [argument]

    def _run_value(self, call: "Node", name: str, argument: "Node") -> None:
        evaluation = StaticEvaluation(self.scope, self.work, self.path)
        try:
            value = evaluation.value(argument)
        except OpaqueError as error:
            used = self._decoders_in(argument) or evaluation.used
            if used:
                self.executed.append(Executed("+".join(reversed(used)), None, str(error)))
            self._give_up(call, f"{name}() runs code that cannot be determined from the text: {error}")
            return
        self.decoded |= evaluation.decoded
        self._run_known(call, name, value, evaluation.used)

    def _run_known(self, call: "Node", name: str, value: Any, used: list[str]) -> None:
        wrapper = "+".join(reversed(used))
        if name in IMPORTERS:
            if not isinstance(value, str):
                self._give_up(call, f"{name}() gets no module name")
        elif isinstance(value, ShippedText | ShippedPath) or (name in _OF_FILES and isinstance(value, str)):
            file = value if isinstance(value, str) else str(value.path)
            if not self._is_shipped(file):
                self._give_up(call, f"{name}() runs {file[:80]!r}, which is not a Python source in the record")
        elif name not in ("exec", "eval"):
            self._give_up(call, f"{name}() runs compiled code or a module that is chosen at run time")
        elif not isinstance(value, str | bytes):
            self._fail(call, wrapper, "the code that is run is not text")
        elif b"\0" in (data := value.encode("utf-8", "replace") if isinstance(value, str) else value):
            self._fail(call, wrapper, "the code that is run is compiled, not source")
        else:
            self.executed.append(Executed(wrapper, data))

    def _fail(self, call: "Node", wrapper: str, reason: str) -> None:
        if wrapper:
            self.executed.append(Executed(wrapper, None, reason))
        self._give_up(call, reason)

    def _is_shipped(self, file: str) -> bool:
        beside = f"{self.path.rpartition('/')[0]}/{file}".removeprefix("/")
        return file.endswith(".py") and (file in self.shipped or beside in self.shipped)

    def _decoders_in(self, node: "Node") -> list[str]:
        """Return the decoders that an expression mentions, the innermost first."""
        calls = self.scope.calls
        first = bisect_left(calls, node.start_byte, key=_start_of)
        inside = calls[first : min(bisect_left(calls, node.end_byte, key=_start_of), first + MAX_USES)]
        return [decoders.BY_NAME[name].label for _, name in reversed(inside) if name in decoders.BY_NAME]

    def _payload(self, call: "Node") -> None:
        """Read data that is unpacked but not given to exec: it may be written to a file that is run or imported."""
        evaluation = StaticEvaluation(self.scope, self.work, self.path)
        try:
            value = evaluation.value(call)
        except OpaqueError as error:
            if (size := call.end_byte - call.start_byte) >= _MIN_DATA_BYTES:
                self._give_up(call, f"{size:,} bytes of packed data could not be unpacked: {error}")
            return
        self.decoded |= evaluation.decoded
        data = value.encode("utf-8", "replace") if isinstance(value, str) else value
        if _may_be_source(data) and self.work.spend(1, syntax.cost_us(data, self.work.left_us)) and _is_source(data):
            self.executed.append(Executed("+".join(reversed(evaluation.used)), data))
        elif len(data) >= _MIN_DATA_BYTES:
            self._give_up(call, f"unpacks {len(data):,} bytes that are not source")

    def _start(self, call: "Node") -> None:
        """Follow a Python process that is started with one of the record's files."""
        command = argument_of(call, 0, "args")
        items = command.named_children if command is not None and command.type in ("list", "tuple") else []
        if len(items) < 2 or not self._is_python(items[0]):
            return
        evaluation = StaticEvaluation(self.scope, self.work, self.path)
        value = None
        for item in items[1:]:
            try:
                value = evaluation.value(item)
            except OpaqueError:
                value = None
            if value not in SWITCHES:
                break
        file = str(value.path) if isinstance(value, ShippedPath) else value
        if not isinstance(file, str) or not (file == "-m" or self._is_shipped(file)):
            self._give_up(call, f"starts Python with something that cannot be followed: {shown(item)}")

    def _is_python(self, node: "Node") -> bool:
        if self.scope.dotted(node) == "sys.executable":
            return True
        return node.type == "string" and _PYTHON.fullmatch(name_text(node).strip("'\"")) is not None


def _start_of(call: "tuple[Node, str]") -> int:
    return call[0].start_byte


def _may_be_source(data: bytes) -> bool:
    """Whether unpacked data is long enough for a Python source, and not just a word or a number."""
    return len(data) >= _MIN_SOURCE_BYTES and b"\n" in data and syntax.encoding_problem(data) is None


def _is_source(data: bytes) -> bool:
    """Whether such data is Python source."""
    tree = syntax.parse(data)
    return not syntax.is_too_deep(tree) and not tree.root_node.has_error
