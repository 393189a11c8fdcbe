"""Two records side by side, as one JSON document."""

import json

from golfcheck import __version__
from golfcheck.diff import Difference
from golfcheck.render.plain import plain, verdict_object


def render(difference: Difference) -> str:
    """Return the document, in ASCII: the fields of `Difference`, each verdict as `verify --format json` has it."""
    made = plain(difference)
    for place, side in enumerate(difference.sides):
        made["sides"][place]["verdict"] = verdict_object(side.verdict)
    return json.dumps({"golfcheck": __version__, **made}, indent=2, allow_nan=False) + "\n"
