"""The program of a run, from what it prints: this groups runs of several seeds, and separates ablations."""

import re

from golfcheck.trainlog.events import LoggedRun

# Settings that name a run or its location, not the program.
_OF_THE_RUN = re.compile(
    r"seed|run_?id|logfile|log_|_dir$|_dirs$|_path$|path$|files$|rank|port|host|device|commit|data|https?|url|elapsed|time"
    r"|val_loss|val_bpb|loss$|wandb|date|started|uuid|pid|session"
)


_OBJECT = re.compile(r" at 0x|object at|function |<module")  # a printed Python object, whose address differs


def program_of(run: LoggedRun) -> dict[str, str]:
    """Return the settings that describe a run's program, the bytes of its code, and its number of parameters."""
    printed = {
        key: fact.value
        for key, fact in run.settings.items()
        if not _OF_THE_RUN.search(key) and not _OBJECT.search(fact.value)
    }
    if run.code_bytes:
        printed["code bytes"] = str(run.code_bytes[-1].size_bytes)
    if run.params:
        printed["parameters"] = str(run.params.value)
    return printed
