"""argv → one command module → exit code.

    0    nothing at or above --fail-on
    1    findings
    2    golfcheck could not do its job: a usage error, an unreadable path, a missing extra, nothing to check
    130  interrupted
    141  whoever read stdout has left (what a shell reports of any program that a closed pipe ends)

A command module (`golfcheck/commands/NAME.py`) has HELP, one line; `configure(parser)`; and `run(args)`,
which returns the exit code. It is imported when it is called for, so that the others cost nothing.
"""

import os
import sys
from collections.abc import Sequence

from golfcheck import __version__
from golfcheck.errors import GolfcheckError, UsageError
from golfcheck.suggest import suggestion
from golfcheck.terminal import wants_color
from golfcheck.text import safe

GROUPS = {
    "Judge": {
        "verify": "judge record folders: every finding with its line, its numbers and its remedy",
        "rescore": "evaluate an artifact again and compare its val_bpb with the claim",
        "diff": "how two records differ: scores, size, settings in the logs, findings, unwrapped code",
        "tui": "browse records by val_bpb, compare them, and watch a run while it trains",
        "leaderboard": "rank records: gain and p over the record of their day, and who held it when",
        "stats": "is a gain more than luck: tests in bpb and nats per token, both rulesets, seeds still needed",
        "explain": "what a rule checks, why, and how to fix it; alone: all rules",
    },
    "Make a record": {
        "demo": "the whole way in two minutes: data, three tiny seeds, a record, verify, rescore, the board",
        "data": "get, make and check tokenizers and token shards",
        "new": "make a submission folder from training logs",
    },
    "Set up": {
        "doctor": "what is installed, what is missing, and the command that installs it",
        "completion": "print a completion script for bash, zsh or tcsh",
    },
}
COMMANDS = {name: line for group in GROUPS.values() for name, line in group.items()}
_WORDS = (*COMMANDS, "help", "--help", "--version")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` names and return its exit code."""
    _be_lenient_with_encodings()
    try:
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
    from golfcheck.parser import parser_of  # argparse costs as much as all the rest of the overview

    try:
        args = parser_of(name).parse_args(rest)
    except SystemExit as done:  # argparse ends the process after --help
        return int(done.code or 0)
    return int(args.run(args))


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
            "Exit codes: 0 nothing found, 1 findings, 2 golfcheck could not do its job, 130 interrupted.",
            "Start with:  golfcheck verify records/  or, without any record,  golfcheck demo",
        ]
    )


def _be_lenient_with_encodings() -> None:
    """Print what a terminal's encoding lacks escaped, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _complain(message: str) -> int:
    print(f"golfcheck: {safe(message)}", file=sys.stderr)
    return 2
