"""Limits on downloads from an untrusted server: not too slow for long, and not more than was requested.

A server that sends a byte now and then never exceeds a time limit between two bytes, nor does one that hangs up after
each byte and lets the client try again. So the limit is on the total of all answers in each minute.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import httpx2  # that the hub's library is built on
from huggingface_hub import constants, get_session, set_client_factory

from golfcheck.core.errors import GolfcheckError
from golfcheck.core.numbers import whole_seconds_text

WINDOW_SECONDS = 60.0
WATCH_SECONDS = 5.0  # how often idle connections are checked
LEAST_BYTES_PER_SECOND = 10_000  # all connections together; a 200 MB shard takes at most 6 hours
_SOCKET_SECONDS = 30.0  # the longest wait for the next byte

Hooks = Sequence[Callable[[httpx2.Request], None]]


class Throughput:
    """Counts what arrives. `most_bytes` is the total limit, including repeated attempts."""

    def __init__(self, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._clock = most_bytes, clock
        self._lock = threading.Lock()  # files are downloaded by several threads
        self._arrived_bytes = self._window_bytes = 0
        self._window_start = clock()
        self._problem = ""

    def arrived(self, num_bytes: int) -> None:
        """Count bytes. Raises GolfcheckError, from then on always, if they were too many, or too few for a minute."""
        with self._lock:
            self._arrived_bytes += num_bytes
            self._window_bytes += num_bytes
            now = self._clock()
            if (seconds := now - self._window_start) >= WINDOW_SECONDS:
                if self._window_bytes < LEAST_BYTES_PER_SECOND * seconds:
                    self._problem = self._problem or (
                        f"the hub sent {self._window_bytes:,} bytes in {whole_seconds_text(seconds)} seconds, less "
                        f"than {LEAST_BYTES_PER_SECOND:,} per second: run the same command again on a faster connection"
                    )
                self._window_start, self._window_bytes = now, 0
            if self._arrived_bytes > self._most_bytes:
                self._problem = self._problem or f"the hub sends more than the {self._most_bytes:,} bytes expected"
            if self._problem:
                raise GolfcheckError(f"data get: {self._problem}")

    @property
    def is_broken(self) -> bool:
        """Whether the server was too slow, or sent too much."""
        try:
            self.arrived(0)
        except GolfcheckError:
            return True
        return False


@contextmanager
def held_to(pace: Throughput) -> Iterator[None]:
    """Apply the limits to every request of the hub's library inside the block. Raises GolfcheckError."""
    xet = constants.HF_HUB_DISABLE_XET
    constants.HF_HUB_DISABLE_XET = True  # that protocol has its own client, which could not be stopped from here
    sockets: list[socket.socket] = []
    hooks = get_session().event_hooks["request"]  # the library's own: its offline mode, the numbers of requests
    set_client_factory(lambda: _client(pace, sockets, hooks))
    is_finished = threading.Event()
    watch = threading.Thread(target=_watch, args=(pace, sockets, is_finished), daemon=True)
    watch.start()
    try:
        yield
        pace.arrived(0)
    except Exception:
        pace.arrived(0)  # raises the reason, if it was the limits
        raise
    finally:
        is_finished.set()
        watch.join()
        set_client_factory(lambda: httpx2.Client(event_hooks={"request": hooks}, follow_redirects=True, timeout=None))
        constants.HF_HUB_DISABLE_XET = xet


def _watch(pace: Throughput, sockets: list[socket.socket], is_finished: threading.Event) -> None:
    """Close all connections if the limits are exceeded, so that nobody waits for another byte."""
    while not is_finished.wait(WATCH_SECONDS):
        if pace.is_broken:
            for connection in [*sockets]:
                with suppress(OSError):  # it is closed already
                    connection.shutdown(socket.SHUT_RDWR)


def _client(pace: Throughput, sockets: list[socket.socket], hooks: Hooks) -> httpx2.Client:
    """Return a client like the hub library's own, with its answers counted and its connections listed."""

    def trace(event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            sockets.append(info["return_value"].get_extra_info("socket"))

    def before(request: httpx2.Request) -> None:
        pace.arrived(0)
        request.extensions = {**request.extensions, "trace": trace}

    def after(response: httpx2.Response) -> None:
        # Unpacking what little arrives may take minutes, and gigabytes.
        if (encoding := response.headers.get("Content-Encoding", "identity")) != "identity":
            raise GolfcheckError(
                f"data get: the hub compresses its answers ({encoding!r}), though asked not to: refused"
            )
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Counted(response.stream, pace)

    return httpx2.Client(
        headers={"Accept-Encoding": "identity"},
        event_hooks={"request": [*hooks, before], "response": [after]},
        follow_redirects=True,
        timeout=_SOCKET_SECONDS,
    )


class _Counted(httpx2.SyncByteStream):
    """The body of an answer as it arrives."""

    def __init__(self, stream: httpx2.SyncByteStream, pace: Throughput) -> None:
        self._stream, self._pace = stream, pace

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._pace.arrived(len(chunk))
            yield chunk

    def close(self) -> None:
        """Release the connection."""
        self._stream.close()
