"""What all tests share."""

import errno
import gc
import os
import signal
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from golfcheck.core.numbers import counted

ROOT = Path(__file__).resolve().parent.parent

_SKIP_LINES = 10  # maximum length of the table of skipped tests, with its heading

# The only Hypothesis profile. No deadlines, because a busy machine is slow.
settings.register_profile(
    "golfcheck",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    print_blob=True,
)
settings.load_profile("golfcheck")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a background job, child processes would ignore Ctrl-C too
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # under nohup likewise
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Some containers set it. Tests start hundreds of interpreters, and each would compile golfcheck anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """Exempt the collected tests and their modules from garbage collection, which took a third of the tests' time."""
    gc.disable()
    gc.set_threshold(5_000, 20, 20)
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data next to the checkout; without it, tests that need it are skipped."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real data in {folder}")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Skip a test if the system has no process, thread or memory left."""
    try:
        return (yield)
    except (OSError, RuntimeError, MemoryError) as error:
        if lack := resource_lack(error):
            pytest.skip(lack)
        raise


def resource_lack(error: BaseException) -> str:
    """Return which resource an error says is missing; "" for other errors."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return "needs more memory than the system has left"
    if isinstance(error, BlockingIOError) and error.errno == errno.EAGAIN and error.filename is None:
        return "needs another process, and the process limit is reached"
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return "needs another thread, and the process limit is reached"
    return ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print at the end how many tests were skipped and why, most common reason first."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[text.removeprefix("Skipped: ").strip()] += 1
    for line in skip_table(reasons):
        terminalreporter.write_line(line)


def skip_table(reasons: Counter[str]) -> list[str]:
    """Return lines that say how many tests were skipped for which reason; empty if none were."""
    if not reasons:
        return []
    rows = [f"{count:>7}  {' '.join(reason.split())[:110]}" for reason, count in reasons.most_common()]
    room = _SKIP_LINES - 1
    if len(rows) > room:
        rest = sum(count for _, count in reasons.most_common()[room - 1 :])
        rows = [*rows[: room - 1], f"{rest:>7}  for {len(reasons) - room + 1} other reasons: pytest -rs lists them"]
    return [f"{counted(reasons.total(), 'test')} skipped, because something was not available:", *rows]
