"""Small bare repositories of git: a base, and pull requests that add folders."""

import hashlib
import os
import subprocess
import zlib
from collections.abc import Mapping
from pathlib import Path

from tests.golfcheck.valid_record import Draft

TRACK = "records/track_10min_16mb"
Files = Mapping[str, bytes | str | tuple[str, str]]  # path → contents, or (mode, object) of something special
_WHO = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "2026-04-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-04-01T00:00:00Z",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class Repo:
    """A bare repository. Objects and refs are written without git, which would start a process for each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for folder in ("objects", "refs/heads"):
            (path / folder).mkdir(parents=True)
        (path / "HEAD").write_text("ref: refs/heads/main\n")
        (path / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git on it and return what it prints."""
        command = ["git", f"--git-dir={self.path}", *arguments]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | _WHO
        completed = subprocess.run(command, input=stdin, capture_output=True, check=True, env=environment)
        return completed.stdout.decode().strip()

    def _store(self, kind: str, data: bytes) -> str:
        """Write a loose object and return its name (git-scm.com/book, "Git Objects")."""
        whole = b"%s %d\0%s" % (kind.encode(), len(data), data)
        oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
        path = self.path / "objects" / oid[:2] / oid[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(whole, 1))
        return oid

    def blob(self, data: bytes | str) -> str:
        """Store a file."""
        return self._store("blob", data.encode() if isinstance(data, str) else data)

    def tree(self, files: Files) -> str:
        """Store a tree of files by their paths."""
        entries, inner = [], dict[str, dict[str, bytes | str | tuple[str, str]]]()
        for path, content in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                inner.setdefault(name, {})[rest] = content
            else:
                mode, oid = content if isinstance(content, tuple) else ("100644", self.blob(content))
                entries.append((mode, os.fsencode(name), oid))
        entries += [("40000", os.fsencode(name), self.tree(content)) for name, content in inner.items()]
        entries.sort(key=lambda entry: entry[1] + b"/" * (entry[0] == "40000"))  # git's order: a folder ends in "/"
        return self._store("tree", b"".join(b"%s %s\0%s" % (m.encode(), n, bytes.fromhex(o)) for m, n, o in entries))

    def commit(self, files: Files, *parents: str, subject: str = "Work") -> str:
        """Store a commit of these files."""
        above = "".join(f"parent {parent}\n" for parent in parents)
        who = "".join(f"{role} A <a@example.org> 1775001600 +0000\n" for role in ("author", "committer"))
        return self._store("commit", f"tree {self.tree(files)}\n{above}{who}\n{subject}\n".encode())

    def ref(self, name: str, oid: str) -> None:
        """Let a ref name a commit."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{oid}\n")

    def pull(self, number: int, files: Files, *parents: str) -> str:
        """Store a pull request's head."""
        oid = self.commit(files, *parents)
        self.ref(f"refs/pull/{number}/head", oid)
        return oid


def record(name: str, shift: float = 0.0, draft: Draft | None = None) -> dict[str, bytes | str | tuple[str, str]]:
    """Return the files of a record without findings; `shift` is added to every score."""
    draft = draft or Draft(folder=name, bpb_shift=shift)
    return {f"{TRACK}/{name}/{path}": content for path, content in draft.files.items()}
