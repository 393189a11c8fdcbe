"""The json format: one document, as `schemas/verdict.schema.json` describes it."""

import json
from collections.abc import Sequence

from golfcheck import __version__
from golfcheck.core.verdict import Verdict
from golfcheck.render.jsonable import summary_object, verdict_object
from golfcheck.render.page import Page


def render(verdicts: Sequence[Verdict], page: Page) -> str:
    """Return the document, in ASCII, so no encoding on the way can garble it."""
    document = {
        "golfcheck": __version__,
        "verdicts": [verdict_object(verdict) for verdict in verdicts],
        "summary": summary_object(verdicts),
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"
