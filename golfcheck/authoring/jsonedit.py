"""Edit the text of a JSON object, and keep everything else: layout, digits, line endings."""

import json
import re
from collections.abc import Mapping
from typing import Any

from golfcheck.submission.strictjson import JsonSpan

_INDENT = re.compile(r"\n([ \t]*)$")


def edited(
    text: str,
    spans: Mapping[str, JsonSpan],
    *,
    renamed: Mapping[str, str],
    changed: Mapping[str, Any],
    added: Mapping[str, Any],
) -> str:
    """Return an object's text with keys renamed (old → new), values changed (by old key), and keys added at the end.

    `spans` gives the positions of the object's own keys (`strictjson.Document.spans`).
    """
    first = min((span.key_start for span in spans.values()), default=text.index("{") + 1)
    match = _INDENT.search(text[:first])
    indent = match[1] if match else None  # None: everything is on one line
    newline = "\r\n" if "\r\n" in text else "\n"

    def written(value: Any) -> str:
        if indent is None:
            return json.dumps(value, ensure_ascii=False)
        return json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", newline + indent)

    pieces = [(spans[key].key_start, spans[key].key_end, json.dumps(name)) for key, name in renamed.items()]
    pieces += [(spans[key].start, spans[key].end, written(value)) for key, value in changed.items()]
    if added:
        end = max((span.end for span in spans.values()), default=first)
        between = ", " if indent is None else f",{newline}{indent}"
        more = between.join(f"{json.dumps(key)}: {written(value)}" for key, value in added.items())
        pieces.append((end, end, (between if spans else "") + more))
    for start, end, new in sorted(pieces, reverse=True):
        text = text[:start] + new + text[end:]
    return text
