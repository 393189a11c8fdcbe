"""Start git: one plumbing command through GitPython, or a process that answers questions about objects.

The only module that starts git. A repository's configuration may name programs, and reading it must not run them: no
hook, monitor, external diff, text conversion or network is used, and the variables of git in the environment, which
name another repository, index or configuration, are hidden.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from golfcheck.core.errors import GolfcheckError

_TIMEOUT_SECONDS = 60
_MEMORY_BYTES = 2**29  # of git's own data; a few trees that hold one another stand for more names than memory can hold
# Overrides the configuration of the repository and the user.
_CONFIG = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.quotePath=false",
    "diff.external=",
    "protocol.allow=never",
    "log.showSignature=false",
)
_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_EXTERNAL_DIFF": "",
}
# For a process in an empty repository of ours, which needs none of the user's configuration.
_ALONE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ALLOW_PROTOCOL": "", "LC_ALL": "C"}


def program() -> str | None:
    """Return the path of the installed git, or None."""
    return shutil.which("git")


def run(root: Path, command: str, *arguments: str, stdin: str = "") -> str:
    """Run one plumbing command in the user's repository, and return what it prints.

    "" if it exits quietly without a result. Raises GolfcheckError if git fails or is not installed.
    """
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # importing must not fail without git
    import git

    config = [word for setting in _CONFIG for word in ("-c", setting)]
    try:
        with _no_git_variables(), TemporaryFile() as feed:
            feed.write(stdin.encode("utf-8", "surrogateescape"))
            feed.seek(0)
            status, out, complaint = git.Git(root).execute(
                ["git", *config, command, *arguments],
                istream=feed,
                env=_ENVIRONMENT,
                kill_after_timeout=_TIMEOUT_SECONDS,
                preexec_fn=_limit_data,
                with_extended_output=True,
                with_exceptions=False,
            )
    except git.GitCommandNotFound:
        raise GolfcheckError("git is not installed: everything but --base works without it") from None
    if status not in (0, 1) and str(complaint).strip():
        raise GolfcheckError(f"git {command} failed in {root}: {' '.join(str(complaint).split())}")
    return str(out)


def object_reader(home: Path, store: Path, mode: str) -> subprocess.Popen[bytes]:
    """Start `git cat-file` in the empty repository `home`, reading the objects in `store`.

    `mode` is --batch or --batch-check. The process reads object names from its standard input until `end` is called,
    and survives a Ctrl-C that is meant for golfcheck. GitPython is not used, because it neither discards the complaints
    about a damaged store nor lets the caller do so.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.Popen(
        ["git", f"--git-dir={home}", "cat-file", mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=home,
        env={**inherited, **_ENVIRONMENT, **_ALONE, "GIT_OBJECT_DIRECTORY": str(store)},
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that `object_reader` started."""
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.wait()


def _limit_data() -> None:
    """Limit what this process may allocate; unlike the address space, that excludes mapped files, as packs are."""
    with suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        bound = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))


@contextmanager
def _no_git_variables() -> Iterator[None]:
    hidden = {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if name.startswith("GIT_") and not name.startswith("GIT_PYTHON")
    }
    try:
        yield
    finally:
        os.environ.update(hidden)
