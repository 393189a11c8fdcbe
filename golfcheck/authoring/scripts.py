"""The code of a new record: a script that is named, the dump in its logs, or a script beside them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from golfcheck.authoring.runs import LogFile
from golfcheck.core.errors import UsageError
from golfcheck.core.text import safe
from golfcheck.source import reach
from golfcheck.submission import bounded

_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.py")
_UNNAMED = "train_gpt.py"  # what a dump without a name is called: the contest's script writes such dumps
_MAIN_NAMES = ("train_gpt.py", "train.py")


@dataclass(frozen=True, slots=True)
class Code:
    """The source files of a record by their names, and where they come from (a note for whoever makes it)."""

    files: dict[str, bytes]
    note: str = ""

    @property
    def size_bytes(self) -> int:
        """The bytes of all files together."""
        return sum(map(len, self.files.values()))


def code_of(logs: Sequence[LogFile], script: Path | None) -> Code:
    """Return the code: of `script` and the files of its folder that it reaches, or else as the logs hold it.

    Where neither gives any, a train_gpt.py or train.py beside the logs, above their folder `logs`, or in the working
    folder is taken, with a note. Raises UsageError where there is no code, or where the logs hold different code.
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
                    f"{file.path}: other code than in {first.path} ({', '.join(names)}): a record has one code; "
                    "--script FILE says which"
                )
        return Code(code)
    for path in _beside(logs):
        if path.is_file():
            return Code(reached(path), f"no log holds the code: taken from {path}")
    raise UsageError(f"{logs[0].path}: holds no source code, and no train_gpt.py is beside it: give --script FILE")


def _beside(logs: Sequence[LogFile]) -> Iterator[Path]:
    folder = logs[0].path.absolute().parent
    folders = [folder, *([folder.parent] if folder.name == "logs" else []), Path.cwd()]
    return (path / name for path in folders for name in _MAIN_NAMES)


def _dumped(file: LogFile) -> dict[str, bytes]:
    """Return the source files that a log holds."""
    files = {dump.name or _UNNAMED: dump.text for dump in file.log.dumps}
    for name in files:
        if not _FILE_NAME.fullmatch(name):
            raise UsageError(f"{file.path}: a source file named {safe(name)}: expected a plain name that ends in .py")
    return files


def reached(script: Path) -> dict[str, bytes]:
    """Return a script and the files of its folder that it imports or names."""
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
