"""What a rank notices: a GPU that accepts no more work keeps its process alive, and would be waited for without end."""

import subprocess
import sys

import pytest

from tests.clock import HANG_SECONDS
from tests.conftest import ROOT

HANG = """
import sys, time, torch
from reference import ranks
ranks.TIMEOUT_SECONDS = 0.5
rank = ranks.Ranks(0, 1, torch.device(sys.argv[1]))
for _ in range(3):
    rank.at_work()
    time.sleep(0.3)
def waits_for_a_device():
    time.sleep(1.5 if sys.argv[1] == "cpu" else 600)
waits_for_a_device()
"""


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_a_gpu_that_hangs_ends_the_process_and_says_where_and_a_slow_cpu_does_not(device: str) -> None:
    command = [sys.executable, "-c", HANG, device]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS)
    if device == "cpu":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 1
        assert "Timeout" in done.stderr
        assert "in waits_for_a_device" in done.stderr
