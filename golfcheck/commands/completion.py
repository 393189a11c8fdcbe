"""`golfcheck completion SHELL`: print a script that makes a shell complete commands and options."""

import argparse
from pathlib import Path

HELP = "print a completion script for bash, zsh, fish or tcsh"
_INSTALL = {
    "bash": "golfcheck completion bash > ~/.local/share/bash-completion/completions/golfcheck",
    "zsh": "golfcheck completion zsh > ~/.zfunc/_golfcheck (before compinit in ~/.zshrc: fpath+=~/.zfunc)",
    "fish": "golfcheck completion fish > ~/.config/fish/completions/golfcheck.fish",
    "tcsh": "golfcheck completion tcsh > ~/.golfcheck.csh (in ~/.tcshrc: source ~/.golfcheck.csh)",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the shell."""
    parser.add_argument("shell", choices=tuple(_INSTALL), help="the shell")
    parser.epilog = f"To install it permanently: {_INSTALL['bash']}"


def run(args: argparse.Namespace) -> int:
    """Print the script, generated from the parsers of all commands."""
    import shtab

    from golfcheck.commands import COMMANDS, fish
    from golfcheck.commands.parser import parser_of

    parsers = {name: parser_of(name) for name in COMMANDS}
    for parser in parsers.values():
        _complete_values(parser)
    if args.shell == "fish":
        print(f"# Install: {_INSTALL['fish']}\n{fish.script(parsers, COMMANDS)}", end="")
        return 0
    root = argparse.ArgumentParser(prog="golfcheck")
    commands = root.add_subparsers()
    for name, line in COMMANDS.items():
        # shtab reads the choices of the sub-parsers' action, and their one-line help next to them.
        commands.choices[name] = parsers[name]
        commands._choices_actions.append(commands._ChoicesPseudoAction(name, (), line))
    first, _, rest = shtab.complete(root, args.shell).partition("\n")
    # zsh reads only the first line to learn which command a script completes.
    print(f"{first}\n# Install: {_INSTALL[args.shell]}\n{rest}")
    return 0


def _complete_values(parser: argparse.ArgumentParser) -> None:
    """Complete paths to files, and rules to their names."""
    import shtab

    from golfcheck.rules import RULES

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                _complete_values(child)
        elif action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.dest in ("rule", "select", "ignore"):
            action.choices = [rule.name for rule in RULES]
