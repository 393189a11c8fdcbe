"""The queue as flat values, for machines: the formats json (schemas/queue.schema.json), jsonl and csv."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from golfcheck import __version__
from golfcheck.core.text import safe
from golfcheck.queue.lineage import Lineage
from golfcheck.queue.pullrows import KEYS, lineage_of, row_of
from golfcheck.queue.pulls import JudgedFolder, Pull, Queue, Triage
from golfcheck.render.board_data import csv_cell
from golfcheck.render.jsonable import plain, verdict_object

_MAX_FILES = 200  # of a list of files


def render_json(queue: Queue) -> str:
    """Return the document, in ASCII."""
    document = {
        "golfcheck": __version__,
        "base": safe(queue.base),
        "ruleset": queue.ruleset,
        "heads": queue.num_heads,
        "counts": counts(queue),
        "pulls": [pull_object(pull) for pull in queue.pulls],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def render_jsonl(queue: Queue) -> str:
    """Return one line of JSON for each pull request, in ASCII."""
    return "".join(json.dumps(pull_object(pull), allow_nan=False) + "\n" for pull in queue.pulls)


def render_csv(queue: Queue) -> str:
    """Return a header and one line for each pull request."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([csv_cell(value(pull)) for value in COLUMNS.values()] for pull in queue.pulls)
    return out.getvalue()


def counts(queue: Queue) -> dict[str, int]:
    """Return the number of pull requests by triage, zeros included."""
    num_pulls = Counter(pull.triage for pull in queue.pulls)
    return {str(triage): num_pulls[triage] for triage in Triage}


def pull_object(pull: Pull) -> dict[str, Any]:
    """Return the object that the schema calls a pull request."""
    head, changes = pull.head, pull.head.changes
    values: dict[str, Any] = {
        "number": pull.number,
        "triage": str(pull.triage),
        "outcome": pull.outcome and str(pull.outcome),
        "contends": pull.contends,
        "name": pull.name,
        "author": pull.author,
        "val_bpb": pull.logged_bpb,
        "claimed_bpb": pull.claimed_bpb,
        "merged": head.merged,
        "head": head.oid,
        "left_base_at": head.left,
        "behind": head.behind,
        "reasons": [plain(reason) for reason in pull.reasons],
        "submissions": [_submission(one) for one in pull.submissions],
        "carried": [plain(one) for one in head.carried],
        "removed": changes.removed,
        "deleted": changes.deleted[:_MAX_FILES],
        "outside": [
            dict(zip(("path", "status", "mode"), change, strict=True)) for change in changes.outside[:_MAX_FILES]
        ],
        "outside_files": len(changes.outside),
        "conflicts": head.conflicts,
    }
    out: dict[str, Any] = {key: plain(value) for key, value in values.items() if key != "submissions"}
    return out | {"submissions": values["submissions"]}


def _submission(submission: JudgedFolder) -> dict[str, Any]:
    verdict, own = submission.verdict, submission.own
    return {
        **plain(own),
        "files": submission.content.num_files,
        "bytes": submission.content.size_bytes,
        "failure": safe(submission.content.failure),
        "verdict": verdict_object(verdict) if verdict else None,
        "lineage": _lineage(submission.lineage) if submission.lineage else None,
        "overlaps": [plain(overlap) for overlap in submission.overlaps],
    }


def _lineage(lineage: Lineage) -> dict[str, Any]:
    values: dict[str, Any] = plain(lineage)
    return values


def _score(pull: Pull, field: str) -> Any:
    rival = pull.verdict.to_beat if pull.verdict else None
    return getattr(rival, field) if rival else None


def _share(pull: Pull) -> float | None:
    lineage = lineage_of(row_of(pull))
    return round(lineage.nearest.share, 4) if lineage and lineage.nearest else None


# The names of the columns of csv, and what they are.
COLUMNS: dict[str, Callable[[Pull], Any]] = {
    "number": lambda pull: pull.number,
    "triage": lambda pull: str(pull.triage),
    "outcome": lambda pull: pull.outcome and str(pull.outcome),
    "contends": lambda pull: pull.contends,
    "val_bpb": lambda pull: pull.logged_bpb,
    "claimed_bpb": lambda pull: pull.claimed_bpb,
    "to_beat_bpb": lambda pull: _score(pull, "bpb"),
    "delta_bpb": lambda pull: _score(pull, "delta_bpb"),
    "delta_nats": lambda pull: _score(pull, "delta_nats"),
    "reasons": lambda pull: " ".join(dict.fromkeys(reason.kind for reason in pull.reasons)),
    "why": lambda pull: pull.reasons[0].text if pull.reasons else "",
    "builds_on": lambda pull: KEYS["base"].value(row_of(pull)),
    "nearest": lambda pull: KEYS["nearest"].value(row_of(pull)),
    "nearest_share": _share,
    "folders": lambda pull: len(pull.submissions),
    "carried": lambda pull: len(pull.head.carried),
    "outside_files": lambda pull: len(pull.head.changes.outside),
    "merged": lambda pull: pull.head.merged,
    "behind": lambda pull: pull.head.behind,
    "author": lambda pull: pull.author,
    "name": lambda pull: pull.name,
    "path": lambda pull: pull.submissions[0].own.path if pull.submissions else None,
}
