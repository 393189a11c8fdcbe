"""Download the contest's data from the Hugging Face hub: only what is missing, with every file verified.

The dataset repository has an export in `datasets/`: a manifest, `datasets/fineweb10B_VARIANT/*.bin`, and `tokenizers/`.
The output folder gets the same layout, which the trainer expects.

`snapshot_download` fetches the missing files into a staging folder inside the output folder. A file is moved to its
final name only if its size and digest match the hub's, so every file in place is complete. Files that arrived before an
interruption stay in the staging folder and are not downloaded again.
"""

import contextlib
import errno
import fcntl
import glob
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from huggingface_hub import HfApi, RepoFile, snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    HFValidationError,
    HTTPError,  # the base class of the errors of the HTTP library that the hub client uses
)
from huggingface_hub.utils import disable_progress_bars, logging  # type: ignore[attr-defined]

from golfcheck.core.caps import extra_memory_up_to, files_up_to
from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.data.throughput import Throughput, held_to
from golfcheck.data.variants import MANIFEST, ROOT, VariantFiles, select_by_manifest, select_by_name
from golfcheck.reference.data import shard_tokens

MAX_MANIFEST_BYTES = 1 << 20
MAX_FILES = 100_000  # of a repository; the contest's has under 1,000
_LISTING_BYTES = 256 << 20  # of the pages that list them
_LISTING_MEMORY_BYTES = 1 << 30  # to read those
_NOTES_BYTES = 1 << 16  # of the hub library's own files for a download: locks and metadata
_ATTEMPTS = 3  # per file: a broken download is continued or, if that is not possible, restarted
_STAGING = ".download"  # inside the output folder, so that moving a file to its final name is a rename
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a commit; `digest` is the sha256 of a large file, or the git object name (sha1) of a small one."""

    path: str
    size_bytes: int
    digest: str

    @classmethod
    def of(cls, entry: RepoFile) -> "RemoteFile":
        """Return the file that an entry of the hub's listing describes."""
        if entry.size < 0:
            raise ValueError(f"a file of {entry.size} bytes")
        return cls(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else entry.blob_id)

    def digest_of(self, file: BinaryIO) -> str:
        """Return the digest of `file`, by the algorithm of this file's own digest."""
        if len(self.digest) == hashlib.sha256().digest_size * 2:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        sha1 = hashlib.sha1(b"blob %d\0" % self.size_bytes, usedforsecurity=False)  # as git names a file's content
        while chunk := file.read(_CHUNK_BYTES):
            sha1.update(chunk)
        return sha1.hexdigest()

    def matches(self, path: Path) -> bool:
        """Whether the file at `path` has this file's size and digest."""
        if not path.is_file() or path.stat().st_size != self.size_bytes:
            return False
        with path.open("rb") as local:
            return self.digest_of(local) == self.digest


def download(repo: str, variant: str, train_shards: int, out: Path, say: Callable[[str], object]) -> tuple[Path, Path]:
    """Download a variant's tokenizer, validation shards and first training shards; return DATA_PATH, TOKENIZER_PATH.

    An existing file is verified, not downloaded again. Raises a one-line GolfcheckError if the hub cannot be reached,
    lacks a file, or sends content that does not match its digest, and if the disk is too small.
    """
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # its warnings take many lines; ours is one
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        repository = Repository.at_head(repo)
        with _only_download(out) as staging:
            selection = repository.select(variant, staging)
            if train_shards > len(selection.train):
                raise UsageError(f"{repo} has {len(selection.train)} training shards of {variant}, not {train_shards}")
            wanted = (*selection.tokenizer, *selection.val, *selection.train[:train_shards])
            targets = {file: out / PurePosixPath(file.path).relative_to(ROOT) for file in repository.stat(wanted)}
            if present := sum(path.exists() for path in targets.values()):
                say(f"verifying the files that exist: {present}")
            missing = {file: path for file, path in targets.items() if not _is_complete(file, path)}
            _check_room(missing, staging, out)
            size_bytes = sum(file.size_bytes for file in missing)
            of = f"{len(missing)} of {len(targets)} files, {size_bytes:,} bytes"
            say(f"{repo} at {repository.commit}: {of} to download")
            repository.fetch([file.path for file in missing], staging)
            for file, path in missing.items():
                _accept(file, staging / file.path, path)
                say(f"verified  {path}  {file.size_bytes:,} bytes")
    except (HTTPError, OSError) as error:
        if _is_too_large(error):
            raise GolfcheckError(f"data get: {repo}: the hub sends more than a file's stated size: refused") from None
        raise GolfcheckError(f"data get: {repo}: {_one_line(error)}") from None
    except MemoryError:
        raise GolfcheckError(f"data get: {repo}: the hub's answer is endless, or too large for a listing") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GolfcheckError(
            f"data get: {repo}: the server is not a hub, or a proxy answers for it: {error!r}"
        ) from None
    return out / selection.dataset, out / PurePosixPath(selection.tokenizer[0]).relative_to(ROOT)


@dataclass(frozen=True, slots=True)
class Repository:
    """A dataset repository at one commit, so that all downloaded files belong together."""

    name: str
    commit: str
    files: dict[str, RemoteFile]

    @classmethod
    def at_head(cls, name: str) -> "Repository":
        """List the files of the newest commit."""
        api = HfApi()
        try:
            with held_to(Throughput(_LISTING_BYTES)):
                commit = api.dataset_info(name, timeout=30).sha
        except HFValidationError as error:
            raise UsageError(f"--repo {name}: {error}") from None
        if not commit:
            raise GolfcheckError(f"data get: {name} has no commit")
        with extra_memory_up_to(_LISTING_MEMORY_BYTES), held_to(Throughput(_LISTING_BYTES)):
            tree = islice(api.list_repo_tree(name, recursive=True, revision=commit, repo_type="dataset"), MAX_FILES + 1)
            files = {entry.path: RemoteFile.of(entry) for entry in tree if isinstance(entry, RepoFile)}
        if len(files) > MAX_FILES:
            raise GolfcheckError(f"data get: {name} lists more than {MAX_FILES:,} files")
        return cls(name, commit, files)

    def fetch(self, paths: Sequence[str], staging: Path) -> None:
        """Download `paths` into the staging folder, at their paths in the repository."""
        if not paths:
            return
        most_bytes = max(self.files[path].size_bytes for path in paths)
        all_bytes = _ATTEMPTS * sum(self.files[path].size_bytes + _NOTES_BYTES for path in paths)
        # Bodies may be endless, or unpack to more than their stated size.
        with files_up_to(most_bytes + _NOTES_BYTES), held_to(Throughput(all_bytes)):
            snapshot_download(
                self.name,
                repo_type="dataset",
                revision=self.commit,
                local_dir=staging,
                allow_patterns=[glob.escape(path) for path in paths],
            )

    def stat(self, paths: Sequence[str]) -> list[RemoteFile]:
        """Return size and digest of each path; GolfcheckError if one is missing."""
        if missing := [path for path in paths if path not in self.files]:
            raise GolfcheckError(
                f"data get: {self.name} lacks {missing[0]} ({len(missing)} of the files that its manifest names)"
            )
        return [self.files[path] for path in paths]

    def select(self, variant: str, staging: Path) -> VariantFiles:
        """Find a variant's files in the manifest, or by their names if there is no manifest."""
        dataset = f"fineweb10B_{variant}"
        manifest = self.files.get(MANIFEST)
        if manifest is None:
            return select_by_name(dataset, list(self.files))
        if manifest.size_bytes > MAX_MANIFEST_BYTES:
            raise GolfcheckError(
                f"data get: {MANIFEST} has {manifest.size_bytes:,} bytes; {MAX_MANIFEST_BYTES:,} at most"
            )
        self.fetch([MANIFEST], staging)
        data = (staging / MANIFEST).read_bytes()
        (staging / MANIFEST).unlink()  # it is not part of the data
        return select_by_manifest(dataset, data)


def _is_complete(file: RemoteFile, path: Path) -> bool:
    """Whether `path` already is the remote file; UsageError if it is something else."""
    if not path.exists():
        return False
    if file.matches(path):
        return True
    raise UsageError(
        f"data get: {path} differs from the hub's file of that name: move it away, or choose another --out"
    )


def _check_room(missing: dict[RemoteFile, Path], staging: Path, out: Path) -> None:
    """Refuse to start a download that the disk cannot hold."""
    staged = (staging / file.path for file in missing)
    have_bytes = sum(path.stat().st_size for path in staged if path.is_file())
    need_bytes = sum(file.size_bytes for file in missing) - have_bytes
    free_bytes = shutil.disk_usage(staging).free
    if need_bytes > free_bytes:
        raise UsageError(
            f"data get: disk too small: {len(missing)} files need {need_bytes:,} bytes, {out} has {free_bytes:,} free: "
            "free some, choose another --out, or fewer --train-shards"
        )


def _accept(file: RemoteFile, staged: Path, path: Path) -> None:
    """Give a downloaded file its final name, or remove it and raise an error that says what is wrong."""
    if not file.matches(staged):
        with staged.open("rb") as local:
            digest = file.digest_of(local)
        staged.unlink()
        raise GolfcheckError(
            f"data get: {file.path}: the hub's digest is {file.digest}, but the download has {digest}: "
            "it was removed; run the same command again"
        )
    if path.suffix == ".bin":
        try:
            shard_tokens(staged)
        except ValueError as error:
            staged.unlink()
            raise GolfcheckError(f"data get: the hub's file is bad: {error}") from None
    path.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(path)


@contextlib.contextmanager
def _only_download(out: Path) -> Iterator[Path]:
    """Yield the staging folder inside `out`, unless another process is downloading there.

    The staging folder and the folders that this call created are removed if they stay empty.
    """
    new = [folder for folder in (out, *out.parents) if not folder.exists()]
    staging = out / _STAGING
    staging.mkdir(parents=True, exist_ok=True)
    link = next((path for path in (staging, *staging.rglob("*")) if path.is_symlink()), None)
    if link is not None:
        raise UsageError(f"data get: {link} is a link, and a download would be written to its target; remove it")
    descriptor = os.open(staging, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield staging
        finally:
            hub_cache = staging / ".cache"
            if all(path.is_dir() or hub_cache in path.parents for path in staging.rglob("*")):
                shutil.rmtree(staging)
            for folder in new:
                with contextlib.suppress(OSError):  # it is not empty
                    folder.rmdir()
    except BlockingIOError:
        raise GolfcheckError(f"data get: another process is downloading into {out}: wait for it") from None
    finally:
        os.close(descriptor)


def _is_too_large(error: BaseException | None) -> bool:
    """Whether a write went beyond its file's cap; the hub's library wraps errors in others."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return True
        error = error.__cause__ or error.__context__
    return False


def _one_line(error: Exception) -> str:
    """Return one line that says what went wrong with the hub or the disk, and what to do."""
    cause = error if hasattr(error, "response") else error.__cause__  # snapshot_download wraps what a request raised
    response = getattr(cause, "response", None)
    if response is None:
        error = cause if isinstance(cause, HTTPError) else error
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no answer")
        return f"{type(error).__name__}: {first}; run the same command again to continue"
    advice = "run the same command again to continue"
    if response.status_code in (401, 403, 404):
        advice = "there is no such dataset or file, or it needs a login (hf auth login)"
    return f"HTTP status {response.status_code} from {response.request.url}; {advice}"
