"""Small bare repositories of git, made with plumbing alone: a base, and pull requests that add folders."""

import os
import subprocess
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
    """A bare repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        subprocess.run(
            ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True, env=self._env()
        )

    def _env(self) -> dict[str, str]:
        return {**{key: value for key, value in os.environ.items() if not key.startswith("GIT_")}, **_WHO}

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git on it and return what it prints."""
        command = ["git", f"--git-dir={self.path}", *arguments]
        return (
            subprocess.run(command, input=stdin, capture_output=True, check=True, env=self._env())
            .stdout.decode()
            .strip()
        )

    def blob(self, data: bytes | str) -> str:
        """Store a file."""
        return self.git("hash-object", "-w", "--stdin", stdin=data.encode() if isinstance(data, str) else data)

    def tree(self, files: Files) -> str:
        """Store a tree of files by their paths."""
        lines, inner = [], dict[str, dict[str, bytes | str | tuple[str, str]]]()
        for path, content in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                inner.setdefault(name, {})[rest] = content
            elif isinstance(content, tuple):
                lines.append(f"{content[0]} {'commit' if content[0] == '160000' else 'blob'} {content[1]}\t{name}")
            else:
                lines.append(f"100644 blob {self.blob(content)}\t{name}")
        lines += [f"040000 tree {self.tree(content)}\t{name}" for name, content in inner.items()]
        return self.git("mktree", "--missing", stdin="".join(f"{line}\n" for line in lines).encode())

    def commit(self, files: Files, *parents: str, subject: str = "Work") -> str:
        """Store a commit of these files."""
        above = [word for parent in parents for word in ("-p", parent)]
        return self.git("commit-tree", self.tree(files), *above, "-m", subject)

    def ref(self, name: str, oid: str) -> None:
        """Let a ref name a commit."""
        self.git("update-ref", name, oid)

    def pull(self, number: int, files: Files, *parents: str) -> str:
        """Store a pull request's head."""
        oid = self.commit(files, *parents)
        self.ref(f"refs/pull/{number}/head", oid)
        return oid


def record(name: str, shift: float = 0.0, draft: Draft | None = None) -> dict[str, bytes | str | tuple[str, str]]:
    """Return the files of a record that nothing is wrong with; `shift` is added to every score."""
    draft = draft or Draft(folder=name, bpb_shift=shift)
    return {f"{TRACK}/{name}/{path}": content for path, content in draft.files.items()}
