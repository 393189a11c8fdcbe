"""Two records side by side, as one JSON document (schemas/diff.schema.json)."""

import json
from dataclasses import replace
from typing import Any

from golfcheck import __version__
from golfcheck.comparison.codediff import CodeDiff
from golfcheck.comparison.difference import Difference
from golfcheck.core.text import safe
from golfcheck.render.jsonable import plain, verdict_object


def render(difference: Difference) -> str:
    """Return the document, in ASCII: the fields of `Difference`, with verdicts as in `verify --format json`."""
    sides = [
        {"verdict": verdict_object(side.verdict), "seeds": plain(side.seeds), "gain": plain(side.gain)}
        for side in difference.sides
    ]
    document = {
        "golfcheck": __version__,
        "sides": sides,
        "settings": plain(difference.settings),
        "alike": difference.alike,
        "varying": plain(difference.varying),
        "findings": plain(difference.findings),
        "code": [_code(code) for code in difference.code],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _code(code: CodeDiff) -> dict[str, Any]:
    """Return a file's difference, with the lines of each hunk as in a unified diff."""
    hunks = [
        {"first": hunk.first, "second": hunk.second, "lines": [line.sign + safe(line.text) for line in hunk.lines]}
        for hunk in code.hunks
    ]
    counts = {"added": code.added, "removed": code.removed}
    return {**plain(replace(code, hunks=())), **counts, "hunks": hunks}
