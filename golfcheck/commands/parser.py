"""The parser of a command: complaints in one line, with a suggestion, and help drawn by rich-argparse."""

import argparse
import re
import shutil
import textwrap
from collections.abc import Sequence
from importlib import import_module
from itertools import groupby
from typing import Any, NoReturn

from golfcheck.core.errors import UsageError
from golfcheck.core.suggest import suggestion

_MIN_HELP_COLUMNS = 40
_EXAMPLE = re.compile(r"( +\S.*?) {2,}(\S.*)")  # a command and, after two blanks, its explanation


def parser_of(name: str) -> argparse.ArgumentParser:
    """Import the command `name` and return its parser; `run` is set on what it parses."""
    module = import_module(f"golfcheck.commands.{name}")
    parser = Parser(prog=f"golfcheck {name}", description=sentence(module.HELP))
    module.configure(parser)
    parser.set_defaults(run=module.run)
    return parser


def run(name: str, arguments: Sequence[str]) -> int:
    """Run the command `name` with its arguments and return its exit code."""
    try:
        args = parser_of(name).parse_args(arguments)
    except SystemExit as done:  # argparse ends the process after --help
        return int(done.code or 0)
    return int(args.run(args))


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, with a suggestion; its help is drawn by rich-argparse."""

    def __init__(self, **settings: Any) -> None:
        from rich_argparse import RichHelpFormatter  # 1 ms: it loads rich to draw help, not before

        RichHelpFormatter.group_name_formatter = str.capitalize
        settings.setdefault("formatter_class", RichHelpFormatter)
        settings.setdefault("allow_abbrev", False)
        super().__init__(**settings)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; for an unknown option, suggest the nearest one."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            options = (word for word in unknown if word.startswith("-"))
            word = next(options, unknown[0]).partition("=")[0]
            kind = "option" if word.startswith("-") else "argument"
            self.error(f"unknown {kind} {word!r}{suggestion(word, _options_of(self))}")
        return parsed

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            message = f"{value!r} is not one of {', '.join(choices)}{suggestion(str(value), choices)}"
            raise argparse.ArgumentError(action, message)

    def format_help(self) -> str:
        """Return the help, with prose and examples laid out for the terminal's width."""
        width = max(_MIN_HELP_COLUMNS, shutil.get_terminal_size().columns - 2)
        texts = self.description, self.epilog
        self.description, self.epilog = (text and laid_out(text, width) for text in texts)
        try:
            return super().format_help()
        finally:
            self.description, self.epilog = texts

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; `main` prints it as one line."""
        option = message.partition(":")[0].removeprefix("argument ").rpartition("/")[2]
        if message.endswith("expected one argument"):
            message += f" (if it begins with a dash: {option}=-...)"
        raise UsageError(f"{self.prog.removeprefix('golfcheck ')}: {message}; see {self.prog} --help")


def laid_out(text: str, width: int) -> str:
    """Wrap the prose of a help text at `width`; lines that begin with a blank are examples.

    If an example and its explanation do not fit on a line, the explanations of the block go below their examples.
    """
    rows: list[str] = []
    for is_example, group in groupby(text.splitlines(), key=lambda line: line.startswith(" ")):
        lines = list(group)
        if not is_example:
            for is_blank, part in groupby(lines, key=lambda line: not line.strip()):
                paragraph = [line.strip() for line in part]
                rows += paragraph if is_blank else _wrapped(paragraph, width)
        elif all(len(line) <= width for line in lines):
            rows += lines
        else:
            for line in lines:
                match = _EXAMPLE.fullmatch(line)
                rows += [line] if match is None else [match[1], f"      {match[2]}"]
    return "\n".join(rows)


def _wrapped(paragraph: list[str], width: int) -> list[str]:
    """Wrap a paragraph; a line that ends with a colon ends it."""
    rows: list[str] = []
    pending: list[str] = []
    for line in paragraph:
        pending.append(line)
        if line.endswith(":"):
            rows += textwrap.wrap(" ".join(pending), width)
            pending = []
    return rows + textwrap.wrap(" ".join(pending), width)


def sentence(text: str) -> str:
    """Return the purpose of a command as a sentence."""
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
