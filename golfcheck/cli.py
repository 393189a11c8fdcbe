"""argv → one command module → exit code.

    0    nothing at or above --fail-on
    1    findings
    2    golfcheck could not do its job: a usage error, an unreadable path, a missing extra, nothing to check
    3    rescore measured, but what the submission states leaves its claim open
    130  interrupted
    141  whoever read stdout has left (what a shell reports of any program that a closed pipe ends)

A command module (`golfcheck/commands/NAME.py`) has HELP, one line; `configure(parser)`; and `run(args)`,
which returns the exit code. It is imported when it is called for, so that the others cost nothing.
"""

import os
import sys
from collections.abc import Sequence

from golfcheck import __version__
from golfcheck.commands import COMMANDS, GROUPS
from golfcheck.core.children import without_current_folder
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.core.suggest import suggestion
from golfcheck.core.terminal import wants_color
from golfcheck.core.text import safe

_WORDS = (*COMMANDS, "help", "--help", "--version")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names and return its exit code."""
    _open_what_is_closed()
    _be_lenient_with_encodings()
    try:
        with without_current_folder():
            code = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except GolfcheckError as error:
        return _complain(str(error))
    except BrokenPipeError:
        # The interpreter flushes stdout once more when it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("\ngolfcheck: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        return _complain(f"{named}{error.strerror or error}")
    return code


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        if argv[1:] and argv[0] == "help":
            return _dispatch([argv[1], "--help"])
        print(_overview(), file=sys.stdout if argv else sys.stderr)
        return 0 if argv else 2
    name, *rest = argv
    if name in ("-V", "--version"):
        print(f"golfcheck {__version__}")
        return 0
    if name not in COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        raise UsageError(f"unknown {kind} {name!r}{suggestion(name, _WORDS)}; see golfcheck --help")
    from golfcheck.commands.parser import run  # argparse costs as much as all the rest of the overview

    return run(name, rest)


def _overview() -> str:
    """Return the page of `golfcheck --help`: made by hand, because rich costs ten times the rest of it."""
    bold, plain = ("\x1b[1m", "\x1b[0m") if wants_color(sys.stdout) else ("", "")
    lines = [f"golfcheck {__version__}: the referee of Parameter Golf", "", "usage: golfcheck COMMAND [OPTIONS]"]
    for title, commands in GROUPS.items():
        lines += ["", f"{bold}{title}{plain}", *(f"  {name:<12} {line}" for name, line in commands.items())]
    return "\n".join(
        [
            *lines,
            "",
            "golfcheck COMMAND --help says more; golfcheck --version says which this is.",
            "Exit codes: 0 nothing found, 1 findings, 2 golfcheck could not do its job,",
            "3 rescore leaves a claim open, 130 interrupted.",
            "Start with:  golfcheck verify records/  or, without any record,  golfcheck demo",
        ]
    )


def _open_what_is_closed() -> None:
    """Let what nobody wants to read (`>&-`) go nowhere; the next file opened would take its place otherwise."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", encoding="utf-8"))


def _be_lenient_with_encodings() -> None:
    """Print what a terminal's encoding lacks escaped, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _complain(message: str) -> int:
    print(f"golfcheck: {safe(message)}", file=sys.stderr)
    return 2
