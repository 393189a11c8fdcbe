"""golfcheck's own failures. What is wrong with a submission is a finding, never one of these.

GolfcheckError          one clear line on stderr, exit code 2
├── UsageError          an invalid option or path
├── MissingExtra        a package of an extra is not installed
└── Refused             hostile or foreign input that a strict reader will not load (rescore)
"""


class GolfcheckError(Exception):
    """Something that golfcheck could not do; its text is one line that says what was expected and what to do."""


class UsageError(GolfcheckError):
    """An invalid option or path."""


class MissingExtra(GolfcheckError):
    """A command needs an optional package: `rescore needs torch: pip install 'golfcheck[train]'`."""

    def __init__(self, command: str, package: str, extra: str) -> None:
        super().__init__(command, package, extra)  # what a pickled exception is made of again, in another process

    def __str__(self) -> str:
        command, package, extra = self.args
        return f"{command} needs {package}: pip install 'golfcheck[{extra}]'"


class Refused(GolfcheckError):
    """Input that a strict reader will not load; `code` is one of the labels of the hostile corpus."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
