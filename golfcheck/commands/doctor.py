"""`golfcheck doctor`: what is installed, what is missing, and the command that installs it."""

import argparse
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

HELP = "list what is installed, what is missing, and how to install it"
_NEEDED_FOR = {
    "": "verify, explain, new",
    "train": "rescore, data, demo, the trainer",
    "formats": "identifying artifacts in other containers",
    "tui": "the terminal interface",
    "site": "the leaderboard as web pages",
}
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)[^;]*(?:;.*extra == ['\"]([a-z]+)['\"])?")
_DATA = Path("data")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no options."""


def run(args: argparse.Namespace) -> int:
    """Print one line per item. Returns 2 if something that every command needs is missing."""
    from golfcheck import __version__
    from golfcheck.core import gitprocess

    _say(True, "golfcheck", f"{__version__} in {Path(__file__).parent.parent}")
    _say(True, "python", f"{platform.python_version()} ({sys.executable}), {os.cpu_count()} cores")
    core = True
    for extra, packages in _requirements().items():
        versions = {package: _version(package) for package in packages}
        missing = [package for package, version in versions.items() if version is None]
        installed = ", ".join(f"{package} {version}" for package, version in versions.items() if version is not None)
        name, purpose = extra or "core", _NEEDED_FOR.get(extra, "")
        _say(not missing, name, f"for {purpose}: {installed or 'nothing installed'}")
        if missing:
            target = f"golfcheck[{extra}]" if extra else "golfcheck"
            print(f"    {'':<11}missing {', '.join(missing)}: pip install '{target}'")
            core = core and bool(extra)
    git = gitprocess.program()
    _say(git is not None, "git", git or "not found: verify works without it, except for --base and commit dates")
    _sandbox()
    for device in _devices():
        _say(True, "device", device)
    _data()
    return 0 if core else 2


def _requirements() -> dict[str, list[str]]:
    """Return the packages that golfcheck requires, by extra ("" is the core), as installed or as in the checkout."""
    try:
        requirements = metadata.requires("golfcheck") or []
    except metadata.PackageNotFoundError:
        requirements = list(_from_checkout())
    wanted: dict[str, list[str]] = {"": []}
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match and match[1] != "golfcheck" and match[2] not in ("dev", "all"):
            wanted.setdefault(match[2] or "", []).append(match[1])
    return wanted


def _from_checkout() -> Iterator[str]:
    import tomllib

    project = Path(__file__).parent.parent.parent / "pyproject.toml"
    if project.is_file():
        table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        yield from table["dependencies"]
        for extra, packages in table["optional-dependencies"].items():
            yield from (f"{package}; extra == '{extra}'" for package in packages)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> Iterator[str]:
    """Yield the devices that PyTorch can use, if it is installed."""
    if _version("torch") is None:
        return
    import torch  # takes 2 s, but there is no other way to list the devices

    threads = torch.get_num_threads()
    yield f"cpu, {threads} thread{'s' * (threads != 1)}"
    for index in range(torch.cuda.device_count()):
        yield f"cuda:{index} {torch.cuda.get_device_name(index)}"
    if torch.backends.mps.is_available():
        yield "mps"


def _sandbox() -> None:
    """Report whether a submission's own predictor.py can be scored here."""
    from golfcheck.box.launch import NoSandbox, sandbox

    try:
        _say(True, "sandbox", f"{sandbox()}: rescore runs a submission's predictor.py in it")
    except NoSandbox as error:
        _say(False, "sandbox", f"no predictor.py can be scored: {error}")


def _data() -> None:
    """Report the datasets in the default folder, and whether each has its tokenizer."""
    from golfcheck.core.errors import UsageError
    from golfcheck.datacheck import find_shards, find_tokenizer

    try:
        datasets = find_shards(_DATA)
    except UsageError as error:
        _say(False, "data", str(error))
        return
    for folder, shards in datasets.items():
        splits = [sum(f"_{split}_" in shard.name for shard in shards) for split in ("train", "val")]
        tokenizer = find_tokenizer(folder)
        status = f"tokenizer {tokenizer}" if tokenizer else "no matching tokenizer: golfcheck data get"
        _say(tokenizer is not None, "data", f"{folder}: {splits[0]} train, {splits[1]} val shards, {status}")


def _say(good: bool, name: str, text: str) -> None:
    from golfcheck.core.terminal import wants_color
    from golfcheck.core.text import safe

    word = "ok" if good else "--"
    if wants_color(sys.stdout):
        word = f"\x1b[{32 if good else 33}m{word}\x1b[0m"
    print(f"{word}  {name:<11}{safe(text)}")
