"""The code: whether it parses, whether it is what the log says ran, and what it reaches."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from golfcheck.core.ruleset import SCRIPT_LINES
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, rule
from golfcheck.source.dataflow import validation_paths
from golfcheck.source.executions import SWITCHES
from golfcheck.source.nodes import Call, Function
from golfcheck.source.program import Program, programs
from golfcheck.source.reach import Source
from golfcheck.submission.record import Record
from golfcheck.trainlog.events import SourceDump

_NETWORK = frozenset(
    "aiohttp boto3 comet_ml datasets ftplib gdown gradio_client httpx http.client huggingface_hub kagglehub mlflow "
    "neptune openai paramiko requests smtplib socket urllib urllib.request urllib3 wandb websocket websockets".split()
)
_PROGRAMS = frozenset(
    "os.system os.popen os.execv os.execve os.execvp os.execl os.execlp os.posix_spawn os.spawnv os.spawnl pty.spawn "
    "subprocess.run subprocess.Popen subprocess.call subprocess.check_call subprocess.check_output "
    "subprocess.getoutput subprocess.getstatusoutput "
    "asyncio.create_subprocess_exec asyncio.create_subprocess_shell".split()
)
_EVALUATION = re.compile(r"given to (?!\w*pre_?q)\w*eval\w*\(", re.IGNORECASE)
_MAX_PROGRAMS = 64  # of the callers of one function
# Programs that describe the machine and the code; reference/train.py calls golfcheck only after the run.
_KNOWN_PROGRAMS = frozenset("nvidia-smi lscpu cat uname hostname git golfcheck".split())


@dataclass(frozen=True, slots=True)
class _Read:
    """A readable text of a source: its own, or one that it unpacks and runs."""

    source: Source
    program: Program
    inside: bool

    def line(self, line: int) -> int | None:
        """Return a line number of the file as shipped; None inside a wrapper."""
        return None if self.inside else line

    def where(self, line: int) -> str:
        """Return a note if a line is not in the file itself, but in what it unpacks."""
        return f" (line {line} of what it unpacks)" if self.inside else ""


def _programs(record: Record) -> list[_Read]:
    """Return all readable texts: the sources, and the contents of those that unpack themselves."""
    scripts = [source for source in record.sources if source.path.endswith(".py")]
    if not scripts:
        raise Skip("there is no Python source to read")
    if unread := next((source.path for source in scripts if not source.examined), None):
        raise Skip(f"{unread} is too large, too deeply nested, or too costly to be examined")
    texts = [
        (source, text, index > 0)
        for source in scripts
        for index, text in enumerate(source.texts)
        if index or not source.wrapper
    ]
    if not texts:
        raise Skip("the script unpacks itself in a way that cannot be followed without running it")
    parsed = programs(tuple((source.path, text) for source, text, _ in texts))
    return [_Read(source, program, inside) for (source, _, inside), program in zip(texts, parsed, strict=True)]


def _all_was_read(record: Record) -> None:
    """Skip if a source runs something that could not be read and nothing was found in the rest."""
    for source in record.sources:
        for one in source.unfollowed:
            location = source.path if one.line is None else f"{source.path}:{one.line}"
            raise Skip(f"{location} runs code that cannot be read: {one.reason}")
        if source.wrapper and source.unwrapped is None:
            raise Skip(f"{source.path} unpacks itself in a way that cannot be followed without running it")


@rule(ERROR, trainer=True)
def syntax_error(record: Record, ctx: Context) -> Iterator[Problem]:
    """A source file that the script reaches is not Python.

    The newest syntax is understood whatever Python runs golfcheck, as are byte order marks and CRLF.
    Example: train_gpt.py:12: not Python of any version up to 3.14
    Fix: correct the error that the message names; `python -m py_compile FILE` shows it.
    """
    if not record.sources and not ctx.load_problems:
        raise Skip("there is no source to read")
    yield from ctx.load_problems


@rule(WARNING)
def dump_not_shipped(record: Record, ctx: Context) -> Iterator[Problem]:
    """The source in a log is not the shipped file, or is not as long as the logged code size.

    A log begins with the source that ran. In 23 of 79 real logs with a dump it is not the script in the folder.
    Example: train_seed1337.log:1: the dump of 101 bytes is not the shipped train_gpt.py
    Fix: ship the files that ran, or run the files that are shipped.
    """
    unreached = {(file.path, file.size_bytes) for file in record.files}
    checked = False
    for log, run in ctx.runs:
        for dump in log.dumps:
            source = _dumped(record, dump)
            if source is None and dump.name is None:
                continue
            checked = True
            if source is None and (dump.name, len(dump.text)) in unreached:
                continue  # nothing reaches it, so only its length can be checked
            if source is None:
                yield Problem(f"{dump.name} is in the log, but not among the shipped sources", log.path, dump.line)
            elif not any(_same_text(dump.text, text) for text in (source.text, source.unwrapped or source.text)):
                yield Problem(
                    f"the dump of {len(dump.text):,} bytes is not the shipped {source.path}", log.path, dump.line
                )
        texts = {(dump.name, dump.text) for dump in log.dumps}  # a start that failed left its dump as well
        length = sum(len(text) for _, text in texts)
        if log.dumps and run.code_bytes and not run.code_bytes[-1].label:
            checked = True
            logged = run.code_bytes[-1]
            # A dump may end with a newline; a byte order mark and CRLF count in a file, but are not printed.
            newlines = sum(dump.text.count(b"\n") for dump in log.dumps)
            lengths = {length + mark + crs for mark in (0, len(BOM_UTF8)) for crs in (0, newlines)}
            if all(abs(logged.size_bytes - possible) > len(log.dumps) for possible in lengths):
                yield Problem(
                    f"logs {logged.size_bytes:,} bytes of code, its dump has {length:,}", log.path, logged.line
                )
    if not checked:
        reason = "no log has a source dump" if record.sources else "there is no source to compare with"
        raise Skip(reason)


def _dumped(record: Record, dump: SourceDump) -> Source | None:
    if dump.name is not None:
        return next((source for source in record.sources if source.path == dump.name), None)
    return next((source for source in record.sources if source.main), None)


def _same_text(one: bytes, other: bytes) -> bool:
    one, other = (text.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").rstrip() for text in (one, other))
    return one == other


@rule(WARNING, trainer=True)
def network_import(record: Record, ctx: Context) -> Iterator[Problem]:
    """The code imports a module that talks to the network.

    Evaluation has no network: nothing may be downloaded to score better.
    Example: train_gpt.py:12: imports requests
    Fix: remove the import, or read from files what it would download.
    """
    for read in _programs(record):
        for item in read.program.imports:
            names = [item.module, *item.names.values()]
            name = next((name for name in names if name in _NETWORK or name.partition(".")[0] in _NETWORK), None)
            if name and item.module != "urllib.parse":
                yield Problem(f"imports {name}{read.where(item.line)}", read.source.path, read.line(item.line))
    _all_was_read(record)


@rule(WARNING, trainer=True)
def external_program(record: Record, ctx: Context) -> Iterator[Problem]:
    """The code starts another program.

    What another program does is not counted and cannot be checked. Programs that only describe the run (nvidia-smi,
    git) are allowed.
    Example: train_gpt.py:13: starts 'gcc' with subprocess.run()
    Fix: do in Python what the program does, or say in the README why it is needed.
    """
    for read in _programs(record):
        program = read.program
        started = _Started(program)
        for call in program.calls:
            if program.resolved(call.callee) not in _PROGRAMS:
                continue
            unknown = [name for name in started.by(call) if name not in _KNOWN_PROGRAMS]
            if unknown:
                what = f"starts {unknown[0]!r} with {call.callee}(){read.where(call.span.line)}"
                yield Problem(what, read.source.path, read.line(call.span.line))
    _all_was_read(record)


class _Started:
    """The programs that the calls of a source start; facts about a function are looked up once for all its calls."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.parameters: dict[int, frozenset[str]] = {}  # of the function that begins at that byte
        self.handed_on: dict[str, list[str]] = {}  # the programs that the callers of a function pass

    def by(self, call: Call) -> list[str]:
        """Return the programs that a call names, or those that the callers of its function pass to it."""
        words = call.words
        function = self.program.function_at(call.span) if len(words) == 1 else None
        if function is None or words[0] not in self._parameters_of(function):
            return [_program_named(words)]
        if function.name not in self.handed_on:
            named = (_program_named(caller.words) for caller in self.program.calls_to(function.name))
            self.handed_on[function.name] = list(dict.fromkeys(named))[:_MAX_PROGRAMS]
        return self.handed_on[function.name]

    def _parameters_of(self, function: Function) -> frozenset[str]:
        if function.span.start not in self.parameters:
            self.parameters[function.span.start] = frozenset(function.parameters)
        return self.parameters[function.span.start]


def _program_named(words: Sequence[str]) -> str:
    """Return the program in a command's words; `python -m NAME` runs NAME, whatever other options Python has."""
    if words and words[0] == "sys.executable":
        rest = list(dropwhile(SWITCHES.__contains__, words[1:]))
        if len(rest) > 1 and rest[0] == "-m":
            return rest[1]
    return words[0].rpartition("/")[2] if words else "an unnamed program"


@rule(WARNING, trainer=True)
def validation_read_in_training(record: Record, ctx: Context) -> Iterator[Problem]:
    """Validation tokens seem to reach training; the finding shows the path through the code.

    Adapting at test time is allowed on tokens that are already scored; calibrating or training on others is not. A path
    through a function that evaluates (`eval_val_ttt`) is only reported as info: whether it scores before it adapts
    cannot be seen from the text. The code is read, not run: a person must look.
    Example: train_gpt.py:16: validation tokens: train_gpt.py:20 val_tokens given to adapt() -> train_gpt.py:15 tokens
    used by model() -> train_gpt.py:16 backward()
    Fix: keep validation tokens out of training, or show in the README that each is scored before it is learned from.
    """
    reads = _programs(record)
    inside = {read.program.path for read in reads if read.inside}
    for way in validation_paths([read.program for read in reads]):
        steps = " -> ".join(f"{step.path}:{step.line} {step.what}" for step in way)
        last = way[-1]
        by_evaluation = any(_EVALUATION.search(step.what) for step in way)
        line = None if last.path in inside else last.line
        yield Problem(f"validation tokens: {steps}", last.path, line, INFO if by_evaluation else None)
    _all_was_read(record)


@rule(INFO, trainer=True)
def lines_over_limit(record: Record, ctx: Context) -> Iterator[Problem]:
    """A script is longer than 1500 lines.

    The contest states this limit only for its own training scripts; some 21 merged records are longer.
    Example: train_gpt.py: 1,511 lines, more than 1,500
    Fix: make it shorter, or move parts of it into modules of their own.
    """
    if not record.sources:
        raise Skip("there is no source to count")
    for source in record.sources:
        if source.lines > SCRIPT_LINES:
            message = f"{source.lines:,} lines, more than {SCRIPT_LINES:,}"
            yield Problem(message, source.path)
