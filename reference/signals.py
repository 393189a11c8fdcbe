"""How a run is asked to end: SIGINT (Ctrl-C), SIGTERM (a scheduler) or SIGHUP (a lost connection)."""

import os
import signal
import sys
import threading
import time

ECHO_SECONDS = 2.0  # launchers repeat a signal of the terminal within milliseconds: that is no second request
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """The requests to end so far, and the phase of the run, which says what a request means."""

    def __init__(self) -> None:
        # "starting": nothing can be lost, end at once. "training": finish the step and save. "saved": what matters is
        # on disk, so go on to the end, but end at once at a second request.
        self.phase = "starting"
        self.times_s: list[float] = []  # by a monotonic clock
        # Python runs a handler only between two of its own instructions, and a compiler or a kernel may keep the main
        # thread from the next one for minutes. So a thread waits for the byte that the interpreter's C handler writes.
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for signum in ENDING:
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:  # `nohup` has it ignored
                signal.signal(signum, lambda *_: None)
        threading.Thread(target=self._watch, args=(read_end,), daemon=True).start()

    def __bool__(self) -> bool:
        """Whether anybody asked for an end."""
        return bool(self.times_s)

    def _watch(self, read_end: int) -> None:
        while True:
            signum = os.read(read_end, 1)[0]
            if signum not in ENDING:
                continue
            self.times_s.append(time.monotonic())
            is_second = self.times_s[-1] - self.times_s[0] > ECHO_SECONDS
            if self.phase == "starting" or (self.phase == "saved" and is_second):
                name = signal.Signals(signum).name
                what = "before training began" if self.phase == "starting" else "again: what was saved stays"
                os.write(sys.stderr.fileno(), f"train.py: ended by {name} {what}\n".encode())
                os._exit(128 + signum)  # as a shell reports a process that a signal ended
