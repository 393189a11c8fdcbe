"""Format numbers for people, one function per kind. Machine-readable output is never rounded."""

import math

_UNDERFLOW_P = 1e-99  # smaller values are printed as "< 1e-99"
_DECIMALS_BELOW_P = 0.0995  # three decimals from 0.100 on
_SCIENTIFIC_BELOW_P = 0.001
_EXACT_FROM_MS = 500_000  # near the cap of 600 s, hundredths of a second matter


def p_text(p: float) -> str:
    """Return a p-value with two significant digits, three decimals from 0.1 on: 0.787, 0.0010, 4.0e-04, < 1e-99."""
    if p < _UNDERFLOW_P:
        return "< 1e-99"
    if p < _SCIENTIFIC_BELOW_P:
        return f"{p:.1e}"
    return f"{p:#.2g}" if p < _DECIMALS_BELOW_P else f"{p:.3f}"


def bpb_text(bpb: float) -> str:
    """Return a score in bits per byte, or its standard deviation: 1.11474."""
    return f"{bpb:.5f}"


def logged_text(value: float) -> str:
    """Return a score or a loss to the digits that logs print: 1.1147351."""
    return f"{value:.8g}"


def rough_text(score: float) -> str:
    """Return a score or a loss that is noisy, such as that of a run in progress: 1.1147."""
    return f"{score:.4f}"


def nats_text(nats: float) -> str:
    """Return a loss in nats per token: 1.88218."""
    return f"{nats:.5f}"


def delta_text(delta: float) -> str:
    """Return a difference in bits per byte or in nats per token, with its sign: -0.00464."""
    return f"{delta:+.5f}"


def fine_delta_text(delta: float) -> str:
    """Return a difference that only the digits of logs show, with its sign: +0.00003511."""
    return f"{delta:+.8f}"


def ms_text(ms: float) -> str:
    """Return milliseconds, as logs print times: 599,920 ms."""
    return f"{ms:,.0f} ms"


def step_ms_text(ms: float) -> str:
    """Return the time of a step in milliseconds, as logs print averages: 85.70."""
    return f"{ms:.2f}"


def seconds_text(ms: float) -> str:
    """Return milliseconds as seconds, with hundredths near the cap of 600 s and tenths otherwise: 77.2, 600.06."""
    return f"{ms / 1e3:,.2f}" if abs(ms) >= _EXACT_FROM_MS else f"{ms / 1e3:,.1f}"


def age_text(seconds: float) -> str:
    """Return how long ago something was, in minutes below two hours and in hours above: 15 min, 3 h."""
    minutes = seconds / 60
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.0f} h"


def cap_text(cap_ms: float) -> str:
    """Return a time limit in whole seconds: 600."""
    return f"{cap_ms / 1e3:,.0f}"


def bytes_text(num_bytes: int) -> str:
    """Return a number of bytes: 15,984,850."""
    return f"{num_bytes:,}"


def headroom_text(left_bytes: int) -> str:
    """Return how much room is left under a cap, or by how much it is exceeded: `15,150 left`, `6,540 over`."""
    return f"{left_bytes:,} left" if left_bytes >= 0 else f"{-left_bytes:,} over"


def share_text(share: float) -> str:
    """Return a share of a cap in percent, never rounded to exactly 100: 99.99 %, 100.38 %."""
    percent = f"{100 * share:.2f}"
    if share < 1 and float(percent) >= 100:
        percent = "99.99"
    elif share > 1 and float(percent) <= 100:
        percent = "100.01"
    return f"{percent} %"


def ratio_text(bytes_per_token: float) -> str:
    """Return a number of bytes per token: 2.4359."""
    return f"{bytes_per_token:.4f}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural unless it is 1: `1 seed`, `3 seeds`, `1,000 lines`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def headroom_share(left_bytes: int) -> float:
    """Return how full to draw the bar for the room left under a cap: logarithmic, empty at 1 kB and full at 1 MB.

    Records leave 3 kB to 900 kB of 16 MB, so a bar for the bytes used would be full in almost every row.
    """
    if left_bytes < 0:
        return 1.0  # over the cap: drawn full, in the color of an error
    return min(1.0, max(0.0, math.log10(max(left_bytes, 1) / 1e3) / 3))
