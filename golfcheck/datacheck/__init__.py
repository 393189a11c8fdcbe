"""Check untrusted shards and tokenizers in a child process; if it dies, that is a finding.

A SentencePiece model is parsed by C++ code, so a hostile one may crash or hang the process that loads it.
"""

import json
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from golfcheck.core import sandbox
from golfcheck.core.errors import GolfcheckError
from golfcheck.datacheck.find import find_shards, find_tokenizer, vocab_of

__all__ = [
    "BadFile",
    "DataWarning",
    "Report",
    "ShardReport",
    "SplitOverlap",
    "TokenizerReport",
    "check",
    "find_shards",
    "find_tokenizer",
    "vocab_of",
]

# sha256 of a tokenizer's file -> its name and variant in the contest's data.
KNOWN_TOKENIZERS = {"4f5e8adb109c66b4886963bc75a7befd73bda36d27fd7102df8e9e66503b0e2a": "fineweb_1024_bpe (sp1024)"}
MAX_TOKENIZER_BYTES = 2 << 20
MAX_PIECES = 1 << 16  # tokens are uint16


@dataclass(frozen=True, slots=True)
class TokenizerReport:
    """A tokenizer that loads, and whose pieces all decode to the number of bytes that a score counts."""

    path: str
    sha256: str
    pieces: int

    @property
    def known_as(self) -> str | None:
        """Its name in the contest's data, or None."""
        return KNOWN_TOKENIZERS.get(self.sha256)


@dataclass(frozen=True, slots=True)
class ShardReport:
    """A shard without problems; fields that need a tokenizer are None without one."""

    path: str
    tokens: int
    top_token: int
    digest: str  # BLAKE2b of the tokens, 128 bits
    documents: int | None
    text_bytes: int | None  # by the byte table, and equal to the UTF-8 length of the decoded text
    unknown: int | None  # <unk> pieces, whose text no score counts
    shared: int | None  # documents of a training shard that begin like a validation document


@dataclass(frozen=True, slots=True)
class SplitOverlap:
    """How many of a dataset's validation documents are also in its training shards, judging by how they begin."""

    path: str
    validation: int  # distinct documents that are long enough to compare
    training: int  # documents that were compared with them
    shared: int


@dataclass(frozen=True, slots=True)
class BadFile:
    """A file that must not be used; `code` is one of the labels of the hostile corpus."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DataWarning:
    """Something that a person should look at before using the data."""

    path: str
    message: str


Report = TokenizerReport | ShardReport | SplitOverlap | BadFile | DataWarning
_REPORTS: dict[str, type[TokenizerReport | ShardReport | SplitOverlap | BadFile]] = {
    kind.__name__: kind for kind in (TokenizerReport, ShardReport, SplitOverlap, BadFile)
}


def check(
    tokenizer: Path | None,
    shards: Sequence[Path],
    vocab_size: int | None,
    *,
    beginnings: bool = False,
    progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Iterator[TokenizerReport | ShardReport | SplitOverlap | BadFile]:
    """Yield a report on the tokenizer, if there is one, then on each shard, as it is done, and on their overlap.

    With `beginnings`, only the first tokens are read: enough to see whether a shard was made with this tokenizer.
    Validation shards must come before the training shards that are compared with them. `progress` is called with the
    number of bytes read so far and in total.

    Every token must be below the size of the tokenizer, which must be `vocab_size` if that is given. A bad tokenizer
    ends the check, because the shards mean nothing without it.
    """
    paths = [*([tokenizer] if tokenizer else []), *shards]
    request = {
        "tokenizer": tokenizer is not None,
        "beginnings": beginnings,
        "files": [str(path.absolute()) for path in paths],
        "vocab_size": vocab_size,
    }
    names = iter([*paths, *(shard.parent for shard in shards[:1])])
    with tempfile.TemporaryFile() as complaints:
        with sandbox.started("golfcheck.datacheck.checkprocess", request, complaints) as child:
            assert child.stdout is not None
            for line in child.stdout:
                fields = json.loads(line)
                if (kind := fields.pop("kind")) == "progress":
                    progress(fields["done"], fields["total"])
                else:
                    yield _REPORTS[kind](**fields | {"path": str(next(names))})
            status = child.wait()
        if status < 0:
            is_late = status == -signal.SIGALRM or sandbox.is_out_of_time(status)
            why = "it took too long" if is_late else f"the process that read it {sandbox.manner(status)}"
            yield BadFile(str(next(names)), "TOK_CRASH", f"{why}: do not use this file")
        elif status:
            last = sandbox.last_complaint(complaints)
            raise GolfcheckError(f"data check failed on {next(names, 'a file')}: {last}")
