"""The terminal as Textual reads it, but for bytes that are no UTF-8."""

from textual.drivers.linux_driver import LinuxDriver


class Terminal(LinuxDriver):
    """Ignores what a terminal sends in another encoding: Textual's reading thread would end with an exception."""

    def run_input_thread(self) -> None:
        """Read until the application ends."""
        while not self.exit_event.is_set():
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
