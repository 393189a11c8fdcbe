"""Generate the completion script for fish from the parsers of all commands; shtab does not support fish."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path


def script(parsers: Mapping[str, argparse.ArgumentParser], lines: Mapping[str, str]) -> str:
    """Return the script; `lines` has a one-line description of each command."""
    rows = [
        "complete -c golfcheck -f",
        "complete -c golfcheck -n __fish_use_subcommand -l version -d 'print the version'",
    ]
    rows += [
        f"complete -c golfcheck -n __fish_use_subcommand -a {name} -d {_quoted(line)}" for name, line in lines.items()
    ]
    for name, parser in parsers.items():
        rows += _of_command(f"__fish_seen_subcommand_from {name}", parser)
    return "\n".join(rows) + "\n"


def _of_command(condition: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the completions of one command and its subcommands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            names = " ".join(action.choices)
            yield f"complete -c golfcheck -n '{condition}; and not __fish_seen_subcommand_from {names}' -a '{names}'"
            for name, child in action.choices.items():
                yield from _of_command(f"{condition}; and __fish_seen_subcommand_from {name}", child)
            continue
        flags = [f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}" for word in action.option_strings]
        values = _values(action)
        if action.help == argparse.SUPPRESS or not (flags or values):
            continue
        # Undo the escapes of argparse (`%%`) and of rich (brackets).
        about = f"-d {_quoted((action.help or '').replace('%%', '%'))}" if flags else ""
        yield " ".join(filter(None, [f"complete -c golfcheck -n '{condition}'", *flags, values, about]))


def _values(action: argparse.Action) -> str:
    """Return how an option or an argument completes: to choices, to files, or to anything."""
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        words = " ".join(map(str, action.choices))
        return f"-x -a '{words}'" if action.option_strings else f"-a '{words}'"
    if action.type is Path:
        return "-r -F" if action.option_strings else "-F"
    return "-x" if action.option_strings else ""


def _quoted(text: str) -> str:
    """Return a text quoted for fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
