"""Textual's terminal driver, except that it ignores bytes that are not UTF-8."""

from textual.drivers.linux_driver import LinuxDriver


class Terminal(LinuxDriver):
    """Ignores input in other encodings, which would end Textual's input thread with an exception."""

    def run_input_thread(self) -> None:
        """Read until the application exits."""
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
