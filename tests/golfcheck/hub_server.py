"""A small server that speaks as much of the Hugging Face hub's protocol as a download needs, over loopback.

Repository info, the tree of files, and resolve, which sends large files on to a content store that knows ranges.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE_BYTES = 1_000  # from here on a file is in the large-file storage


@dataclass
class Hub:
    """The server's contents, its misbehavior, and the requests that it received."""

    repo: str
    files: dict[str, bytes]
    url: str = ""
    asked: list[str] = field(default_factory=list)  # "METHOD path", with " range" where a range was asked for
    sent_bytes: int = 0  # of file content
    cut_at: dict[str, int] = field(default_factory=dict)  # path -> after so many bytes the line goes dead
    after_cut: int = 0  # the HTTP error that answers every later request for that path; 0: it can be continued
    served_instead: dict[str, bytes] = field(default_factory=dict)  # path -> not what the digest promises
    endless: bytes = b""  # sent again and again as the body of each file: chunked, so that no length is known
    headers: dict[str, str] = field(default_factory=dict)  # more of them, on each file
    endless_tree: bool = False  # each page of the tree names a next one
    page: bytes | None = None  # what answers everything, as in a network that wants a login
    drip: str = ""  # "body" or "head" of what comes byte by byte; "hang up": each answer has one byte more
    drips_in: str = "/resolve/"  # the requests that this is done to
    tick: Callable[[], object] = lambda: None  # called before each of these bytes
    status: dict[str, int] = field(default_factory=dict)  # path, or kind of request -> an HTTP error

    def entry(self, path: str) -> dict[str, object]:
        data = self.files[path]
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        entry: dict[str, object] = {"type": "file", "oid": git, "size": len(data), "path": path}
        if len(data) >= LARGE_BYTES:
            entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 133}
        return entry


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` on a free port until the end of the block."""

    class Handler(_Handler):
        content = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the receipt of its head
    protocol_version = "HTTP/1.1"
    content: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        hub, path = self.content, unquote(urlsplit(self.path).path)
        api, files = f"/api/datasets/{hub.repo}", f"/datasets/{hub.repo}/resolve/{COMMIT}/"
        hub.asked.append(f"{self.command} {path}{' range' if 'Range' in self.headers else ''}")
        if hub.drip and hub.drips_in in path and self.command == "GET":
            self._drip()
        elif hub.page is not None:
            self._answer(hub.page)
        elif path in (api, f"{api}/revision/main") and "info" not in hub.status:
            self._json({"id": hub.repo, "sha": COMMIT, "private": False, "tags": [], "siblings": []})
        elif path.rstrip("/") == f"{api}/tree/{COMMIT}":
            self._json([hub.entry(name) for name in hub.files], more=hub.endless_tree)
        elif path.startswith(files) and (name := path.removeprefix(files)) in hub.files:
            self._resolve(name)
        elif path.startswith("/store/"):
            digest = path.removeprefix("/store/")
            for name, data in hub.files.items():
                if hashlib.sha256(data).hexdigest() == digest:
                    self._fail(hub.status[name]) if name in hub.status else self._send(name)
                    return
        else:
            self._fail(hub.status.get("info", 404))

    do_HEAD = do_GET  # noqa: N815

    def _resolve(self, name: str) -> None:
        hub = self.content
        entry = hub.entry(name)
        if name in hub.status:
            self._fail(hub.status[name])
        elif "lfs" in entry:
            digest = entry["lfs"]["oid"]  # type: ignore[index]
            self.send_response(302)
            self.send_header("Location", f"{hub.url}/store/{digest}")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Size", str(entry["size"]))
            self.send_header("X-Linked-ETag", f'"{digest}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(name)

    def _send(self, name: str) -> None:
        hub = self.content
        data = hub.served_instead.get(name, hub.files[name])
        total_bytes, start = len(data), 0
        if asked := self.headers.get("Range"):
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            data = data[start:]
        self.send_response(206 if asked else 200)
        for key, value in hub.headers.items():
            self.send_header(key, value)
        if hub.endless and self.command == "GET":
            self._send_endless(name)
            return
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hub.entry(name)["oid"]}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{total_bytes - 1}/{total_bytes}")
        self.end_headers()
        if self.command == "HEAD":
            return
        if (cut := hub.cut_at.pop(name, None)) is not None:
            hub.status |= {name: hub.after_cut} if hub.after_cut else {}
            data = data[:cut]
            self.close_connection = True
        self.wfile.write(data)
        hub.sent_bytes += len(data)

    def _send_endless(self, name: str) -> None:
        hub = self.content
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("ETag", f'"{hub.entry(name)["oid"]}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):  # the other side has had enough
            while hub.sent_bytes < 200 * 2**20:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(hub.endless), hub.endless))
                hub.sent_bytes += len(hub.endless)

    def _drip(self) -> None:
        """Answer so slowly that no answer is ever complete."""
        hub = self.content
        self.close_connection = True
        head = b'HTTP/1.1 200 OK\r\nETag: "a"\r\nX-Repo-Commit: %b\r\nContent-Length: 20000\r\n' % COMMIT.encode()
        with suppress(OSError):  # the other side has had enough
            if hub.drip == "head":
                self.wfile.write(head + b"X-More: ")
                for _ in range(20):
                    hub.tick()
                    self.wfile.write(b"x")
                self.rfile.read(1)  # until the other side hangs up
            else:
                self.wfile.write(head + b"\r\n")
                for _ in range(1 if hub.drip == "hang up" else 20):
                    hub.tick()
                    self.wfile.write(b"x")
                    hub.sent_bytes += 1
                if hub.drip == "body":
                    self.rfile.read(1)

    def _json(self, value: object, *, more: bool = False) -> None:
        self._answer(json.dumps(value).encode(), more=more)

    def _answer(self, data: bytes, *, more: bool = False) -> None:
        self.send_response(200)
        if more:
            number = len(self.content.asked)
            self.send_header("Link", f'<{self.content.url}{urlsplit(self.path).path}?page={number}>; rel="next"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _fail(self, status: int) -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()
