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


def stated_text(bpb: float, digits: int) -> str:
    """Return a score with as many digits as the file that states it: 1.1147."""
    return f"{bpb:.{digits}f}"


def measured_text(value: float) -> str:
    """Return a score or a loss that golfcheck has measured, to the digits that two machines agree on: 2.92037674."""
    return f"{value:.8f}"


def bound_text(bpb: float) -> str:
    """Return an end of an estimate's interval, in bits per byte: 2.919871."""
    return f"{bpb:.6f}"


def tolerance_text(bpb: float) -> str:
    """Return how far a measured score may be from a claim, in bits per byte: 0.0000200."""
    return f"{bpb:.7f}"


def margin_text(bpb: float) -> str:
    """Return how far off a projected score may be, in bits per byte: 0.012."""
    return f"{bpb:.3f}"


def rough_text(score: float) -> str:
    """Return a score or a loss that is noisy, such as that of a run in progress: 1.1147."""
    return f"{score:.4f}"


def nats_text(nats: float) -> str:
    """Return a loss in nats per token: 1.88218."""
    return f"{nats:.5f}"


def delta_text(delta: float) -> str:
    """Return a difference in bits per byte or in nats per token, with its sign: -0.00464."""
    return f"{delta:+.5f}"


def rough_delta_text(delta: float) -> str:
    """Return a difference between scores that are noisy, with its sign: -0.0046."""
    return f"{delta:+.4f}"


def fine_delta_text(delta: float) -> str:
    """Return a difference that only the digits of logs show, with its sign: +0.00003511, and never -0.00000000."""
    return f"{round(delta, 8) + 0.0:+.8f}"


def t_text(t: float) -> str:
    """Return a test statistic: 4.81."""
    return f"{t:.2f}"


def df_text(df: float) -> str:
    """Return degrees of freedom, which Welch's test makes fractional: 3.6."""
    return f"{df:.1f}"


def ms_text(ms: float) -> str:
    """Return milliseconds, as logs print times: 599,920 ms."""
    return f"{ms:,.0f} ms"


def step_ms_text(ms: float) -> str:
    """Return the time of a step in milliseconds, as logs print averages: 85.70."""
    return f"{ms:,.2f}"


def seconds_text(ms: float) -> str:
    """Return milliseconds as seconds, with hundredths near the cap of 600 s and tenths otherwise: 77.2, 600.06."""
    return f"{ms / 1e3:,.2f}" if abs(ms) >= _EXACT_FROM_MS else f"{ms / 1e3:,.1f}"


def overtime_text(over_ms: float) -> str:
    """Return by how many seconds a cap is exceeded; a step takes less than a tenth of one: +0.04."""
    return f"+{over_ms / 1e3:,.2f}"


def whole_seconds_text(seconds: float) -> str:
    """Return a number of seconds that need not be exact: 1,205."""
    return f"{seconds:,.0f}"


def whole_minutes_text(seconds: float) -> str:
    """Return a number of seconds as whole minutes: 12."""
    return f"{seconds / 60:,.0f}"


def took_text(seconds: float) -> str:
    """Return how long golfcheck itself took, with hundredths of a second below ten: 0.27 s, 75.4 s."""
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:,.1f} s"


def age_text(seconds: float) -> str:
    """Return how long ago something was, in minutes below two hours and in hours above: 15 min, 3 h."""
    minutes = seconds / 60
    return f"{minutes:,.0f} min" if minutes < 120 else f"{minutes / 60:,.0f} h"


def cap_text(cap_ms: float) -> str:
    """Return a time limit in whole seconds: 600."""
    return whole_seconds_text(cap_ms / 1e3)


def bytes_text(num_bytes: int) -> str:
    """Return a number of bytes: 15,984,850."""
    return f"{num_bytes:,}"


def headroom_text(left_bytes: int) -> str:
    """Return how much room is left under a cap, or by how much it is exceeded: `15,150 left`, `6,540 over`."""
    return f"{left_bytes:,} left" if left_bytes >= 0 else f"{-left_bytes:,} over"


def memory_text(num_bytes: float) -> str:
    """Return an amount of memory: 410 MiB, 1.25 GiB."""
    gib = num_bytes / 2**30
    if gib < 1:
        return f"{num_bytes / 2**20:,.0f} MiB"
    return f"{gib:.3g} GiB" if gib < 100 else f"{gib:,.0f} GiB"


def percent_text(share: float, decimals: int = 0, *, signed: bool = False) -> str:
    """Return a share or a probability in percent: 99%, 1.6%, +0.22%."""
    return f"{share:{'+' if signed else ''}.{decimals}%}"


def share_text(share: float) -> str:
    """Return a share of a cap in percent, never rounded to exactly 100: 99.99%, 100.38%."""
    percent = f"{100 * share:.2f}"
    if share < 1 and float(percent) >= 100:
        percent = "99.99"
    elif share > 1 and float(percent) <= 100:
        percent = "100.01"
    return f"{percent}%"


def factor_text(factor: float) -> str:
    """Return how many times as much something is: 1.88."""
    return f"{factor:.2f}"


def short_count_text(count: float) -> str:
    """Return a large number of things, in millions from a million on: 812,440, 1.05 M."""
    return f"{count / 1e6:.2f} M" if count >= 1e6 else f"{count:,.0f}"


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
