"""The files of a submission folder."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from golfcheck.core.numbers import counted
from golfcheck.core.ruleset import STRICT_FROM
from golfcheck.core.verdict import Problem, Severity
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, claim_line, rule, submission_of
from golfcheck.submission import secrets
from golfcheck.submission.identity import SUBMISSION_FILE, parse_date
from golfcheck.submission.kinds import NO_LOG
from golfcheck.submission.record import Record

_LOG_SUFFIXES = frozenset(".csv .ipynb .json .jsonl .out .tsv .txt .log .html".split())
_README = re.compile(r"readme(\.[a-z]+)?", re.IGNORECASE)
_FOLDER = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})_[A-Za-z0-9._+-]+")
_KNOWN_SUFFIXES = frozenset(
    ".bin .css .csv .gif .html .ipynb .jpeg .jpg .json .jsonl .log .md .model .patch .pdf .pkl .png .pt .ptz .py "
    ".safetensors .sh .svg .toml .tsv .txt .vocab .xz .yaml .yml .zst".split()
)


def _severity(record: Record, ctx: Context) -> Severity | None:
    """Return the severity of a missing file, which proves no number wrong.

    It is an error for folders dated after the format of a submission was published, and a warning for those from the
    contest. Without a log nothing can be judged, and the folder is unverified.
    """
    if not record.logs:
        return INFO
    day = ctx.identity.folder_day
    return None if day and day >= STRICT_FROM else WARNING


@rule(ERROR)
def submission_missing(record: Record, ctx: Context) -> Iterator[Problem]:
    """There is no submission.json.

    A submission states its author, its score and its sizes in `submission.json`. For folders that are not dated June
    2026 or later, a missing file is a warning. Without any log nothing can be judged, and it is only reported as info.
    Example: (record): no submission.json in the folder
    Fix: write submission.json; `golfcheck new DIR --from LOGS…` makes one from the logs.
    """
    if record.submission is None and not any(SUBMISSION_FILE.fullmatch(file.path) for file in record.files):
        yield Problem("no submission.json in the folder", severity=_severity(record, ctx))


@rule(ERROR)
def readme_missing(record: Record, ctx: Context) -> Iterator[Problem]:
    """There is no README.md, or it is empty.

    Each record explains what it does in its own README.md. The severity depends on the folder's date, as for
    `submission-missing`.
    Example: (record): no README.md in the folder
    Fix: add README.md: what was changed, why it helps, how it was run.
    """
    readmes = [file.path for file in record.files if _README.fullmatch(file.path)]
    if not readmes:
        yield Problem("no README.md in the folder", severity=_severity(record, ctx))
    elif record.readme is not None and not record.readme.strip():
        yield Problem(f"{readmes[0]} is empty", readmes[0], severity=_severity(record, ctx))


@rule(ERROR)
def log_missing(record: Record, ctx: Context) -> Iterator[Problem]:
    """There is no training log, or it is empty.

    A score is shown by the logs of the runs that reached it, one for each seed. Logs that are all empty, or blank, show
    nothing, and that is an error. Without a log nothing is proven, for or against the claim: the record is unverified.
    A file that may be a log in an unknown format is named.
    Example: (record): no train log (*.log, *.txt with training steps) in the folder
    Fix: add the log that each run wrote, unedited, as train_seed<N>.log.
    """
    if record.logs and all(log.is_blank for log in record.logs):
        sizes = {file.path: file.size_bytes for file in record.files}
        for log in sorted(record.logs, key=lambda log: log.path):
            yield Problem(f"{log.path} is {'blank' if sizes.get(log.path) else 'empty'}", log.path)
    elif not record.logs:
        others = [file.path for file in record.files if _may_be_log(file.path) and file.size_bytes]
        if others:
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            yield Problem(f"no train log in a known format; {others[0]}{more} may be one", others[0], None, INFO)
        else:
            yield Problem("no train log (*.log, *.txt with training steps) in the folder", severity=INFO)


def _may_be_log(path: str) -> bool:
    """Whether a file that was not read as a log may be one nevertheless."""
    name = PurePosixPath(path)
    other = SUBMISSION_FILE.fullmatch(name.name) or NO_LOG.fullmatch(name.name)
    return not other and name.suffix.lower() in _LOG_SUFFIXES


@rule(ERROR)
def script_missing(record: Record, ctx: Context) -> Iterator[Problem]:
    """There is no training script.

    A record ships the `train_gpt.py` that ran, so that anybody can run it in the record's folder. The severity depends
    on the folder's date, as for `submission-missing`.
    Example: (record): no train_gpt.py (or other Python script) in the folder
    Fix: add the script that ran, byte for byte.
    """
    if not record.sources and not any(file.path.endswith(".py") for file in record.files):
        yield Problem("no train_gpt.py (or other Python script) in the folder", severity=_severity(record, ctx))


@rule(ERROR)
def script_empty(record: Record, ctx: Context) -> Iterator[Problem]:
    """The training script is empty.

    One merged record ships a script of 0 bytes: nobody can run it, and its bytes cannot be counted. The severity
    depends on the folder's date, as for `submission-missing`.
    Example: train_gpt.py: no line of code in 1 byte
    Fix: ship the script that ran.
    """
    main = next((source for source in record.sources if source.main), None)
    if main is None:
        raise Skip("there is no training script")
    if not main.text.strip():
        message = f"no line of code in {counted(len(main.text), 'byte')}"
        yield Problem(message, main.path, severity=_severity(record, ctx))


@rule(WARNING)
def folder_name(record: Record, ctx: Context) -> Iterator[Problem]:
    """The folder is not named YYYY-MM-DD_Name.

    Records are ordered by the date that their folder's name begins with.
    Example: (record): folder 'Valid' is not named YYYY-MM-DD_Name
    Fix: rename the folder to YYYY-MM-DD_Name, of letters, digits and `._+-`.
    """
    name = ctx.identity.path.name
    match = _FOLDER.fullmatch(name)
    if not match:
        yield Problem(f"folder {name!r} is not named YYYY-MM-DD_Name")
    elif parse_date(match[1]) is None:
        yield Problem(f"folder {name!r} begins with {match[1]}, which is not a date")


@rule(WARNING)
def track_differs(record: Record, ctx: Context) -> Iterator[Problem]:
    """The folder is in a different track from the one that submission.json names.

    The folder decides what the record is compared with. If the submission claims another track, exceeding the caps of
    the folder's track is only a warning.
    Example: submission.json:6: submission.json names the track non_record_16mb, the folder is in 10min_16mb
    Fix: move the folder to the intended track, or correct `track` in submission.json.
    """
    submission = submission_of(record)
    claimed, placed = ctx.identity.track_claimed, ctx.identity.track_placed
    if claimed is None or placed is None:
        raise Skip("the folder or submission.json names no track to compare")
    if claimed != placed:
        message = f"submission.json names the track {claimed.name}, the folder is in {placed.name}"
        yield Problem(message, submission.path, claim_line(submission, "track"))


@rule(INFO)
def date_differs(record: Record, ctx: Context) -> Iterator[Problem]:
    """The folder's date is not the one in submission.json.

    The folder's date decides which record has to be beaten; in 13 of 60 merged records the dates differ.
    Example: submission.json:5: submission.json says 2026-06-02, the folder 2026-06-01
    Fix: make `date` in submission.json agree with the folder's name.
    """
    submission = submission_of(record)
    folder, claimed_day = ctx.identity.folder_day, parse_date(submission.date)
    if folder is None or claimed_day is None:
        raise Skip("the folder's name or submission.json has no date to compare")
    if folder != claimed_day.date():
        line = claim_line(submission, "date")
        yield Problem(f"submission.json says {claimed_day.date()}, the folder {folder}", submission.path, line)


@rule(WARNING)
def date_in_future(record: Record, ctx: Context) -> Iterator[Problem]:
    """The folder or submission.json has a date in the future.

    The date decides which record has to be beaten, and which records have to beat this one.
    Example: (record): dated 2096-06-01, which is in the future
    Fix: name the folder by the day on which the record was submitted; the same goes for `date` in submission.json.
    """
    submission = record.submission
    folder, claimed = ctx.identity.folder_day, parse_date(submission.date) if submission else None
    if folder is None and claimed is None:
        raise Skip("neither the folder's name nor submission.json has a date")
    if folder and folder > ctx.today:
        yield Problem(f"dated {folder}, which is in the future")
    elif submission and claimed and claimed.date() > ctx.today:
        message = f"dated {claimed.date()}, which is in the future"
        yield Problem(message, submission.path, claim_line(submission, "date"))


@rule(WARNING, trainer=True)
def secret_published(record: Record, ctx: Context) -> Iterator[Problem]:
    """A file holds what looks like a token, a password or a private key.

    Logs print settings, and scripts read `.env` files; whatever a pull request contains is public at once. A secret is
    recognized by its format, and not repeated in any report.
    Example: train_seed42.log:1: what looks like a Hugging Face token (hf_…)
    Fix: revoke it where it was issued, then remove it: anybody who saw the pull request has it.
    """
    yield from ctx.load_problems
    for source in record.sources:
        for text in source.texts[1:]:
            for line, what in secrets.in_text(text):
                yield Problem(f"what looks like {what} (line {line} of what it unpacks)", source.path)


@rule(WARNING, trainer=True)
def costly_to_read(record: Record, ctx: Context) -> Iterator[Problem]:
    """Reading the record takes more work than its budget allows.

    The work is counted, so every machine leaves out the same parts: the budget is worth 4 of the 5 CPU seconds that
    docs/security.md allows. The costliest of 60 merged records takes a fifth of it. What was left out proves nothing,
    for or against the claim, so a person must review the record; `--select` and `--ignore` do not hide this finding.
    Example: train_gpt.py: its code and what it reaches were not examined: the record costs more to read than the 5 CPU
    seconds that docs/security.md allows
    Fix: ship shorter logs (one line for each step is enough), and less code.
    """
    yield from ctx.load_problems


@rule(INFO)
def unexpected_file(record: Record, ctx: Context) -> Iterator[Problem]:
    """A file is of a kind that no submission needs, or could not be read.

    Links, devices, hidden files and unreadable names are never opened; unknown kinds are only reported as info.
    Example: notes.exe: 2 bytes of a kind that no submission needs
    Fix: remove the file, or ship its contents as a regular file.
    """
    yield from ctx.load_problems
    for file in record.files:
        path = PurePosixPath(file.path)
        if path.suffix.lower() not in _KNOWN_SUFFIXES and not _README.fullmatch(path.name) and path.name != "LICENSE":
            yield Problem(f"{file.size_bytes:,} bytes of a kind that no submission needs", file.path)
