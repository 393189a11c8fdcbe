"""Downloading the contest's data from the Hugging Face hub: what is missing, whole and verified, or nothing.

The dataset repository holds an export under `datasets/`: a manifest, `datasets/fineweb10B_VARIANT/*.bin`, and
`tokenizers/`. It is laid out the same way under the output folder, where the trainer expects it. A file gets its name
when its size and its digest are the hub's; what an interrupted download left is continued by the next one.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huggingface_hub import HfApi, RepoFile, hf_hub_url
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    HFValidationError,
    HTTPError,  # the base of all errors of whichever HTTP library the hub uses
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers, disable_progress_bars, logging  # type: ignore[attr-defined]

from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.reference.data import shard_tokens

ROOT = "datasets"  # of the export inside the repository
MAX_MANIFEST_BYTES = 1 << 20
MAX_SHARDS = 10_000  # of a split: their names have six digits, the largest export has 195
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a commit; `digest` is the sha256 of a large file, or the git object name (sha1) of a small one."""

    path: str
    size_bytes: int
    digest: str

    @classmethod
    def of(cls, entry: RepoFile) -> "RemoteFile":
        """Take over what the hub says of a file."""
        return cls(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else entry.blob_id)

    def digest_of(self, file: io.BufferedReader | io.BufferedRandom) -> str:
        """Return the digest of `file` in the kind that this file's digest has."""
        if len(self.digest) == hashlib.sha256().digest_size * 2:
            return hashlib.file_digest(file, "sha256").hexdigest()
        sha1 = hashlib.sha1(b"blob %d\0" % self.size_bytes, usedforsecurity=False)  # as git names a file's content
        while chunk := file.read(_CHUNK_BYTES):
            sha1.update(chunk)
        return sha1.hexdigest()


@dataclass(frozen=True, slots=True)
class Selection:
    """The paths of one variant in the repository; the tokenizer's model comes first."""

    dataset: str
    tokenizer: tuple[str, ...]
    val: tuple[str, ...]
    train: tuple[str, ...]  # all that are published


def download(repo: str, variant: str, train_shards: int, out: Path, say: Callable[[str], object]) -> tuple[Path, Path]:
    """Download a variant's tokenizer, validation shards and first training shards; return DATA_PATH, TOKENIZER_PATH.

    What is there already is compared, not downloaded. Raises GolfcheckError in one line when the hub cannot be
    reached, lacks something, or sends what does not match its own digest, and when the disk is too small.
    """
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # its warnings are many lines, of which ours is last
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        repository = Repository.at_head(repo)
        selection = repository.select(variant)
        if train_shards > len(selection.train):
            raise UsageError(f"{repo} has {len(selection.train)} training shards of {variant}, not {train_shards}")
        wanted = (*selection.tokenizer, *selection.val, *selection.train[:train_shards])
        targets = {file: out / PurePosixPath(file.path).relative_to(ROOT) for file in repository.stat(wanted)}
        if here := sum(path.exists() for path in targets.values()):
            say(f"comparing what is here already: {here} files")
        missing = {file: path for file, path in targets.items() if not _is_complete(file, path)}
        _check_room(missing, out)
        say(f"{repo} at {repository.commit}: {len(missing)} of {len(targets)} files to download")
        for number, (file, path) in enumerate(missing.items(), 1):
            say(f"{number}/{len(missing)}  {path}  {file.size_bytes:,} bytes")
            _fetch(repository.url(file.path), file, path)
    except (HTTPError, OSError) as error:
        raise GolfcheckError(f"data get: {repo}: {_one_line(error)}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise GolfcheckError(
            f"data get: {repo}: what answers is no hub, or a proxy in front of it: {error!r}"
        ) from None
    return out / selection.dataset, out / PurePosixPath(selection.tokenizer[0]).relative_to(ROOT)


@dataclass(frozen=True, slots=True)
class Repository:
    """A dataset repository at one commit, so that all files of a download belong together."""

    api: HfApi
    name: str
    commit: str

    @classmethod
    def at_head(cls, name: str) -> "Repository":
        """Look up the newest commit."""
        api = HfApi()
        try:
            commit = api.dataset_info(name, timeout=30).sha
        except HFValidationError as error:
            raise UsageError(f"--repo {name}: {error}") from None
        if not commit:
            raise GolfcheckError(f"data get: {name} has no commit")
        return cls(api, name, commit)

    def url(self, path: str) -> str:
        """Return where the file's content is."""
        return hf_hub_url(self.name, path, repo_type="dataset", revision=self.commit, endpoint=self.api.endpoint)

    def stat(self, paths: Sequence[str]) -> list[RemoteFile]:
        """Return size and digest of each path; GolfcheckError where one is missing."""
        found = self.api.get_paths_info(self.name, list(paths), revision=self.commit, repo_type="dataset")
        files = {entry.path: RemoteFile.of(entry) for entry in found if isinstance(entry, RepoFile)}
        if lacking := [path for path in paths if path not in files]:
            raise GolfcheckError(f"data get: {self.name} lacks {lacking[0]} ({len(lacking)} files that it should hold)")
        return [files[path] for path in paths]

    def select(self, variant: str) -> Selection:
        """Find a variant's files: through the manifest, or by their names where the repository has none."""
        manifest, dataset = f"{ROOT}/manifest.json", f"fineweb10B_{variant}"
        found = self.api.get_paths_info(self.name, [manifest], revision=self.commit, repo_type="dataset")
        sizes = [entry.size for entry in found if isinstance(entry, RepoFile)]
        if not sizes:
            tree = self.api.list_repo_tree(self.name, ROOT, recursive=True, revision=self.commit, repo_type="dataset")
            return select_by_name(dataset, [entry.path for entry in tree if isinstance(entry, RepoFile)])
        if sizes[0] > MAX_MANIFEST_BYTES:
            raise GolfcheckError(f"data get: {manifest} has {sizes[0]:,} bytes; {MAX_MANIFEST_BYTES:,} at most")
        data = io.BytesIO()
        http_get(self.url(manifest), data, headers=_headers(), expected_size=sizes[0])
        return select_by_manifest(dataset, data.getvalue())


def select_by_manifest(dataset: str, data: bytes) -> Selection:
    """Read a manifest: `datasets` with name, tokenizer_name and stats, `tokenizers` with name and paths."""
    try:
        manifest = json.loads(data)
        entries = {entry["name"]: entry for entry in manifest["datasets"]}
        if dataset not in entries:
            known = ", ".join(name.partition("_")[2] for name in entries)
            raise UsageError(f"data get: no variant {dataset.partition('_')[2]!r} in the manifest; it has {known}")
        entry = entries[dataset]
        tokenizers = {tokenizer["name"]: tokenizer for tokenizer in manifest["tokenizers"]}
        tokenizer = tokenizers[entry["tokenizer_name"]]
        models = [tokenizer[key] for key in ("model_path", "vocab_path") if tokenizer.get(key)]
        counts = {split: min(int(entry["stats"][f"files_{split}"]), MAX_SHARDS) for split in ("val", "train")}
        shards = {
            split: tuple(f"{ROOT}/datasets/{dataset}/fineweb_{split}_{i:06d}.bin" for i in range(count))
            for split, count in counts.items()
        }
        paths = tuple(f"{ROOT}/{model}" for model in models)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GolfcheckError(f"data get: cannot read {ROOT}/manifest.json: {type(error).__name__}: {error}") from None
    if not models or not shards["val"]:
        raise GolfcheckError(
            f"data get: the manifest names no SentencePiece model, or no validation shard, of {dataset}"
        )
    return _checked(Selection(f"datasets/{dataset}", paths, shards["val"], shards["train"]))


def select_by_name(dataset: str, paths: Sequence[str]) -> Selection:
    """Find a dataset's shards and the tokenizer with its vocabulary size among all paths of the export."""
    folder, size = f"{ROOT}/datasets/{dataset}/", dataset.rpartition("_sp")[2]
    val, train = (
        tuple(sorted(path for path in paths if path.startswith(f"{folder}fineweb_{split}_") and path.endswith(".bin")))
        for split in ("val", "train")
    )
    models = [f"{ROOT}/tokenizers/fineweb_{size}_bpe{suffix}" for suffix in (".model", ".vocab")]
    if not val or models[0] not in paths:
        raise UsageError(f"data get: the repository holds no {folder}fineweb_val_*.bin with a {models[0]}")
    return _checked(Selection(f"datasets/{dataset}", tuple(path for path in models if path in paths), val, train))


def _checked(selection: Selection) -> Selection:
    """Refuse a path that would leave the output folder."""
    for path in (*selection.tokenizer, *selection.val, *selection.train):
        if ".." in PurePosixPath(path).parts or not path.startswith(f"{ROOT}/") or "\\" in path:
            raise GolfcheckError(f"data get: the repository names the path {path!r}, which is refused")
    return selection


def _is_complete(file: RemoteFile, path: Path) -> bool:
    """Whether `path` is the remote file already; UsageError if it is something else."""
    if not path.exists():
        return False
    if path.is_file() and path.stat().st_size == file.size_bytes:
        with path.open("rb") as local:
            if file.digest_of(local) == file.digest:
                return True
    raise UsageError(f"data get: {path} is not what the hub has under that name: move it away, or choose another --out")


def _check_room(missing: dict[RemoteFile, Path], out: Path) -> None:
    """Refuse to begin what the disk cannot hold."""
    need_bytes = sum(file.size_bytes - _size_bytes(_partial(file, path)) for file, path in missing.items())
    existing = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    free_bytes = shutil.disk_usage(existing).free
    if need_bytes > free_bytes:
        raise UsageError(
            f"data get: disk too small: {len(missing)} files need {need_bytes:,} bytes, {out} has {free_bytes:,} free: "
            "free some, choose another --out, or fewer --train-shards"
        )


def _fetch(url: str, file: RemoteFile, path: Path) -> None:
    """Download one file, going on where an earlier attempt ended; it gets its name when its digest is right."""
    partial = _partial(file, path)
    partial.parent.mkdir(parents=True, exist_ok=True)
    with _only_writer(partial) as local:
        have_bytes = local.seek(0, io.SEEK_END)
        if have_bytes > file.size_bytes:
            have_bytes = local.truncate(local.seek(0))
        http_get(url, local, resume_size=have_bytes, headers=_headers(), expected_size=file.size_bytes)
        local.flush()
        local.seek(0)
        found = file.digest_of(local)
        if found != file.digest:
            partial.unlink()
            raise GolfcheckError(
                f"data get: {file.path}: the hub's digest is {file.digest}, what arrived has {found}: it was removed; "
                "run the same command again"
            )
        _check_shard(partial, path)
        partial.replace(path)
    for stale in path.parent.glob(f".{path.name}.*.download"):  # of what the hub had under this name before
        stale.unlink()


def _check_shard(partial: Path, path: Path) -> None:
    """Refuse a shard that is no shard, however faithfully it was downloaded."""
    if path.suffix == ".bin":
        try:
            shard_tokens(partial)
        except ValueError as error:
            partial.unlink()
            raise GolfcheckError(f"data get: the hub's file is bad: {error}") from None


@contextlib.contextmanager
def _only_writer(partial: Path) -> Iterator[io.BufferedRandom]:
    """Open a file to read and append, unless another process is downloading it."""
    with partial.open("a+b") as local:
        try:
            fcntl.flock(local, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GolfcheckError(f"data get: another process is downloading {partial}: wait for it") from None
        yield local


def _partial(file: RemoteFile, path: Path) -> Path:
    """Return where the bytes of one content are gathered: another content has another name."""
    return path.with_name(f".{path.name}.{file.digest[:16]}.download")


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _headers() -> dict[str, str]:
    # Uncompressed, so that sizes and ranges mean the file's bytes.
    return build_hf_headers(library_name="golfcheck") | {"Accept-Encoding": "identity"}


def _one_line(error: Exception) -> str:
    """Return in one line what went wrong with the hub, or the disk, and what to do."""
    response = getattr(error, "response", None)
    if response is None:
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no answer")
        return f"{type(error).__name__}: {first}; run the same command again to go on"
    advice = "run the same command again to go on"
    if response.status_code in (401, 403, 404):
        advice = "there is no such dataset or file, or it needs a login (hf auth login)"
    return f"HTTP status {response.status_code} from {response.request.url}; {advice}"
