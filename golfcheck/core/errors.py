"""Failures of golfcheck itself. Problems with a submission are findings, not exceptions.

GolfcheckError          one clear line on stderr, exit code 2
├── UsageError          an invalid option or path
├── MissingExtra        a package of an extra is not installed
└── Refused             an artifact that the strict reader will not load (rescore)
"""


class GolfcheckError(Exception):
    """golfcheck could not do its job; the message is one line that says what was expected and what to do."""


class UsageError(GolfcheckError):
    """An invalid option or path."""


class MissingExtra(GolfcheckError):
    """A command needs a package that is not installed: `rescore needs torch: pip install 'golfcheck[train]'`."""

    def __init__(self, command: str, package: str, extra: str) -> None:
        super().__init__(command, package, extra)  # so that pickling works: unpickling passes these to __init__

    def __str__(self) -> str:
        command, package, extra = self.args
        return f"{command} needs {package}: pip install 'golfcheck[{extra}]'"


class Refused(GolfcheckError):
    """Input that the strict reader will not load; `code` is a label of the hostile corpus."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
