"""argv → one command module → exit code.

    0    nothing at or above --fail-on
    1    findings
    2    golfcheck could not do its job: a usage error, an unreadable path, a missing extra, nothing to check
    130  interrupted
    141  whoever read stdout has left (what a shell reports of any program that a closed pipe ends)

A command module (`golfcheck/commands/NAME.py`) has HELP, one line; `configure(parser)`; and `run(args)`,
which returns the exit code. It is imported when it is called for, so that the others cost nothing.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NoReturn

from golfcheck import __version__
from golfcheck.errors import GolfcheckError, UsageError
from golfcheck.terminal import wants_color
from golfcheck.text import safe

GROUPS = {
    "Judge": {
        "verify": "judge record folders: every finding with its line, its numbers and its remedy",
        "rescore": "evaluate an artifact again and compare its val_bpb with the claim",
        "explain": "what a rule checks, why, and how to fix it; alone: all rules",
    },
    "Make a record": {
        "demo": "the whole way in two minutes: data, three tiny seeds, a record, verify, rescore",
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


def parser_of(name: str) -> argparse.ArgumentParser:
    """Import the command `name` and return its parser; `run` is set on what it parses."""
    module = import_module(f"golfcheck.commands.{name}")
    parser = Parser(prog=f"golfcheck {name}", description=_sentence(module.HELP))
    module.configure(parser)
    parser.set_defaults(run=module.run)
    return parser


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, with a suggestion; its help is drawn by rich-argparse."""

    def __init__(self, **settings: Any) -> None:
        from rich_argparse import RichHelpFormatter  # 1 ms: it loads rich to draw help, not before

        RichHelpFormatter.group_name_formatter = str.capitalize
        settings.setdefault("formatter_class", RichHelpFormatter)
        settings.setdefault("allow_abbrev", False)
        super().__init__(**settings)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; an option that does not exist is answered with the one that was perhaps meant."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            options = (word for word in unknown if word.startswith("-"))
            word = next(options, unknown[0]).partition("=")[0]
            kind = "option" if word.startswith("-") else "argument"
            self.error(f"unknown {kind} {word!r}{suggestion(word, _options_of(self))}")
        return parsed

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            message = f"{value!r} is none of {', '.join(known)}{suggestion(str(value), known)}"
            raise argparse.ArgumentError(action, message)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; `main` prints it as one line."""
        raise UsageError(f"{self.prog.removeprefix('golfcheck ')}: {message}; see {self.prog} --help")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ` - did you mean 'X'?` for a word that is nearly one of `known`, else nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f" - did you mean {close[0]!r}?" if close else ""


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
        lines += ["", f"{bold}{title}{plain}", *(f"  {name:<11} {line}" for name, line in commands.items())]
    return "\n".join(
        [
            *lines,
            "",
            "golfcheck COMMAND --help says more; golfcheck --version says which this is.",
            "Exit codes: 0 nothing found, 1 findings, 2 golfcheck could not do its job, 130 interrupted.",
            "Start with:  golfcheck verify records/  or, without any record,  golfcheck demo",
        ]
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _options_of(parser: argparse.ArgumentParser) -> list[str]:
    """Return every option of `parser` and of the parsers below it."""
    options: list[str] = []
    for action in parser._actions:
        options += action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                options += _options_of(child)
    return options


def _be_lenient_with_encodings() -> None:
    """Print what a terminal's encoding lacks escaped, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _complain(message: str) -> int:
    print(f"golfcheck: {safe(message)}", file=sys.stderr)
    return 2
