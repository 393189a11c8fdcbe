"""The jsonl format: one verdict per line (`$defs/verdict` of schemas/verdict.schema.json)."""

import json
from collections.abc import Sequence

from golfcheck.core.verdict import Verdict
from golfcheck.render.jsonable import verdict_object
from golfcheck.render.page import Page


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return the lines, in ASCII."""
    return "".join(json.dumps(verdict_object(verdict), allow_nan=False) + "\n" for verdict in verdicts)
