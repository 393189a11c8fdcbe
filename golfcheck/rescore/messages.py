"""Bound the length of every message of a rescoring in one place: names in a file may have any length."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from golfcheck.core.errors import GolfcheckError, MissingExtra, Refused

MAX_CHARS = 700
WORD_CHARS = 200  # of a name or a path
_WORD = re.compile(rf"\S{{{WORD_CHARS + 1},}}")


def brief(text: str) -> str:
    """Return a text of at most `MAX_CHARS`: words lose their middles, then the text does; its end says what to do."""
    text = _WORD.sub(lambda match: _cut(match[0], WORD_CHARS), text)
    return _cut(text, MAX_CHARS)


def _cut(text: str, limit: int) -> str:
    """Return a text; if it is longer than `limit`, its middle is left out and the number of characters is stated."""
    if len(text) <= limit:
        return text
    note = f"…({len(text):,} characters)…"
    room = limit - len(note)
    return text[: room // 2] + note + text[len(text) - room // 2 :]


@contextmanager
def bounded() -> Iterator[None]:
    """Shorten the messages of errors raised inside `with`."""
    try:
        yield
    except (MissingExtra, BrokenPipeError):
        raise
    except OSError as error:
        raise GolfcheckError(brief(f"{error.filename or 'rescore'}: {error.strerror or error}")) from error
    except Refused as error:
        raise Refused(error.code, brief(error.message)) from error
    except GolfcheckError as error:
        raise type(error)(brief(str(error))) from error
