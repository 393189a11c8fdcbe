"""What a run prints of its program: by that, the runs of several seeds are of one program, and ablations are not."""

import re

from golfcheck.trainlog.events import Run

# Settings that name a run or its place, not the program.
_OF_THE_RUN = re.compile(
    r"seed|run_?id|logfile|log_|_dir$|_dirs$|_path$|path$|files$|rank|port|host|device|commit|data|https?|url|elapsed|time"
    r"|val_loss|val_bpb|loss$|wandb|date|started|uuid|pid|session"
)


_OBJECT = re.compile(r"<.* at 0x|object at|function |<module")  # a Python object printed as it is: its address differs


def program_of(run: Run) -> dict[str, str]:
    """Return the settings of a run that are not of the run itself, the bytes of its code, and its parameters."""
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
