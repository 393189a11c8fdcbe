"""Find the code of a new record: a given script, the source in its logs, or a script next to them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from golfcheck.authoring.logfiles import LogFile
from golfcheck.core.errors import UsageError
from golfcheck.core.text import safe
from golfcheck.source import reach
from golfcheck.submission import bounded

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.py")
_UNNAMED = "train_gpt.py"  # name for source without one, as the contest's script logs it
_MAIN_NAMES = ("train_gpt.py", "train.py")


@dataclass(frozen=True, slots=True)
class Code:
    """The source files of a record by name, and a note about where they come from."""

    files: dict[str, bytes]
    note: str = ""

    @property
    def size_bytes(self) -> int:
        """The total size of all files."""
        return sum(map(len, self.files.values()))


def code_of(logs: Sequence[LogFile], script: Path | None) -> Code:
    """Return the code: `script` and the files in its folder that it imports or names, or else the source in the logs.

    Without either, uses a train_gpt.py or train.py next to the logs, above a folder named `logs`, or in the current
    directory, and adds a note. Raises UsageError if there is no code, or if the logs contain different code.
    """
    if script is not None:
        return Code(reached(script))
    dumped = [(file, files) for file in logs if (files := _dumped(file))]
    if dumped:
        first, code = dumped[0]
        for file, files in dumped[1:]:
            if files != code:
                names = sorted(name for name in files.keys() | code.keys() if files.get(name) != code.get(name))
                raise UsageError(
                    f"{file.path}: its code differs from that in {first.path} ({', '.join(names)}): "
                    "choose one with --script FILE"
                )
        return Code(code)
    for path in _beside(logs):
        if path.is_file():
            return Code(reached(path), f"no log contains the code: using {path}")
    raise UsageError(
        f"{logs[0].path}: contains no source code, and there is no train_gpt.py next to it: pass --script FILE"
    )


def _beside(logs: Sequence[LogFile]) -> Iterator[Path]:
    folder = logs[0].path.absolute().parent
    folders = [folder, *([folder.parent] if folder.name == "logs" else []), Path.cwd()]
    return (path / name for path in folders for name in _MAIN_NAMES)


def _dumped(file: LogFile) -> dict[str, bytes]:
    """Return the source files in a log."""
    files = {dump.name or _UNNAMED: dump.text for dump in file.log.dumps}
    for name in files:
        if not _FILE_NAME.fullmatch(name):
            raise UsageError(f"{file.path}: a source file named {safe(name)}: expected a file name that ends in .py")
    return files


def reached(script: Path) -> dict[str, bytes]:
    """Return a script and the files in its folder that it imports or names."""
    try:
        with bounded.opened(script.parent) as descriptor:
            folder = bounded.OpenFolder(descriptor)
            paths = [entry.path for entry in folder.walk().entries]

            def read(path: str) -> bytes | None:
                try:
                    data, is_whole = folder.read(path, bounded.MAX_SOURCE_BYTES)
                except bounded.UnreadableError as error:
                    raise UsageError(f"{script.parent / path}: {error}; expected a source file") from None
                if not is_whole:
                    raise UsageError(f"{script.parent / path}: more than {bounded.MAX_SOURCE_BYTES:,} bytes of source")
                return data

            sources = reach.reached(paths, read, script.name)
    except OSError as error:
        raise UsageError(f"{script}: {error.strerror or error}; expected the script that trained") from None
    for source in sources:
        if source.problems:
            problem = source.problems[0]
            raise UsageError(f"{script.parent / source.path}:{problem.line or 1}: {problem.message}")
    if not sources:
        raise UsageError(f"{script}: no such file; expected the script that trained")
    return {source.path: source.text for source in sources}
