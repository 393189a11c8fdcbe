"""Parse argv, run one command module, and return its exit code.

    0    no findings at or above --fail-on
    1    findings
    2    golfcheck could not do its job: a usage error, an unreadable path, a missing extra, nothing to check
    3    rescore could neither confirm nor refute the claim
    130  interrupted
    141  the reader of stdout closed the pipe (as a shell reports SIGPIPE)

A command module (`golfcheck/commands/NAME.py`) has HELP, one line; `configure(parser)`; and `run(args)`,
which returns the exit code. It is imported only when it is needed.
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
    """Run the command in `argv` and return its exit code."""
    _open_what_is_closed()
    _be_lenient_with_encodings()
    try:
        with without_current_folder():
            code = _dispatch(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except GolfcheckError as error:
        return _complain(str(error))
    except BrokenPipeError:
        # The interpreter flushes stdout again at exit, and would complain.
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
    from golfcheck.commands.parser import run  # importing argparse takes as long as everything else here

    return run(name, rest)


def _overview() -> str:
    """Return the page of `golfcheck --help`: written by hand, because importing rich takes ten times as long."""
    bold, plain = ("\x1b[1m", "\x1b[0m") if wants_color(sys.stdout) else ("", "")
    lines = [f"golfcheck {__version__}: the referee of Parameter Golf", "", "usage: golfcheck COMMAND [OPTIONS]"]
    for title, commands in GROUPS.items():
        lines += ["", f"{bold}{title}{plain}", *(f"  {name:<12} {line}" for name, line in commands.items())]
    return "\n".join(
        [
            *lines,
            "",
            "golfcheck COMMAND --help explains a command; --version prints the version.",
            "Exit codes: 0 no findings, 1 findings, 2 golfcheck could not do its job,",
            "3 claim neither confirmed nor refuted (rescore), 130 interrupted.",
            "Start with:  golfcheck verify records/  or, without records,  golfcheck demo",
        ]
    )


def _open_what_is_closed() -> None:
    """Open a closed stdout or stderr (`>&-`) as /dev/null; otherwise the next file opened would replace it."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", encoding="utf-8"))


def _be_lenient_with_encodings() -> None:
    """Escape characters that the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _complain(message: str) -> int:
    print(f"golfcheck: {safe(message)}", file=sys.stderr)
    return 2
