"""How logs print numbers, and the pairs of names and numbers that all dialects use."""

import re
from string import Formatter

INT = r"[0-9]{1,19}"
NUMBER = r"-?[0-9]{1,20}(?:\.[0-9]{0,20})?(?:e[+-]?[0-9]{1,3})?|nan|-?inf"

_PAIR = re.compile(rf"([A-Za-z_]{{1,24}}):\s?({NUMBER})(ms|s|m)?(?![\w.])")
_MS_PER_UNIT = {"ms": 1.0, "s": 1000.0, "m": 60_000.0}
_PAIRS_CHARS = 512  # the longest real line of pairs has 150


def pattern_of(template: str) -> re.Pattern[str]:
    """Return the expression that reads a template of `trainlog.linekinds` whose fields are all numbers."""
    parts = [
        re.escape(literal) + (f"({INT if spec == 'd' else NUMBER})" if field else "")
        for literal, field, spec, _ in Formatter().parse(template)
    ]
    return re.compile("".join(parts))


def pairs(text: str) -> dict[str, tuple[str, str]]:
    """Return name → (number, unit) for each early `name:1.5ms` or `name: 1.5`; the first of repeated names."""
    return {name: (number, unit) for name, number, unit in reversed(_PAIR.findall(text[:_PAIRS_CHARS]))}


def milliseconds(pair: tuple[str, str] | None) -> float | None:
    """Read a duration; without a unit, it is in milliseconds."""
    return float(pair[0]) * _MS_PER_UNIT.get(pair[1], 1.0) if pair else None
