"""Read the losses of other artifacts on the same sequences from the report of a full rescoring (`--control`)."""

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from golfcheck.core import schema
from golfcheck.core.errors import UsageError
from golfcheck.rescore.report import FileDigest
from golfcheck.rescore.target import read_file
from golfcheck.submission import strictjson

MAX_REPORT_BYTES = 64 << 20  # the losses of one score take 30 KB at sequence length 4096, 2.6 MB at 64
MAX_CONTROLS = 4
_EXPECTED = "what rescore --json wrote"


def read(
    path: Path, shards: tuple[FileDigest, ...], seq_len: int, sequences: int
) -> tuple[FileDigest, npt.NDArray[np.float64]]:
    """Return a report's digest, and the losses of its artifacts on these sequences: [sequences, 1 to MAX_CONTROLS].

    Raises UsageError if it is not a report, or if none of its scores is for the same sequences; the message says why.
    """
    data = read_file(path, MAX_REPORT_BYTES, _EXPECTED)
    try:
        document = strictjson.parse(data[: MAX_REPORT_BYTES + 1]).value
    except strictjson.JsonError as error:
        raise UsageError(f"rescore: --control {path}: {error}; expected {_EXPECTED}") from None
    if wrong := schema.violations("rescore", document):
        where = wrong[0].pointer or "the document"
        raise UsageError(f"rescore: --control {path}: {where}: {wrong[0].message}; expected {_EXPECTED}")
    usable, reasons = [], list[str]()
    for rescore in document["rescores"]:
        reason = _other(rescore, shards, seq_len, sequences)
        losses = _losses(rescore["measured"]["sequence_losses"]) if reason is None else None
        if losses is None:
            reasons.append(reason or "its losses are not finite numbers in half precision")
        else:
            usable.append(losses)
    if not usable:
        reason = reasons[0] if reasons else "it was stopped before any score was complete"
        raise UsageError(f"rescore: --control {path} cannot be used: {reason}")
    digest = FileDigest(str(path), len(data), hashlib.sha256(data).hexdigest())
    return digest, np.stack(usable[:MAX_CONTROLS], axis=1)


def _other(rescore: Any, shards: tuple[FileDigest, ...], seq_len: int, sequences: int) -> str | None:
    """Return why a score is not for these sequences, or None if it is."""
    measured = rescore["measured"]
    if measured["estimate"] is not None or measured["stride"] is not None:
        return "it must be the report of a full rescoring, without --estimate and --stride"
    if measured["seq_len"] != seq_len:
        return f"its sequences have {measured['seq_len']} tokens, these {seq_len}"
    if [shard["sha256"] for shard in rescore["shards"]] != [shard.sha256 for shard in shards]:
        return "it was made on other validation shards"
    count = measured["sequence_losses"]["count"]
    return None if count == sequences else f"it has {count:,} sequences, this text {sequences:,}"


def _losses(packed: Any) -> npt.NDArray[np.float64] | None:
    """Return losses [count], or None if the text does not decode to that many finite numbers."""
    try:
        data = base64.b64decode(packed["base64"], validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) != 2 * packed["count"]:
        return None
    losses = np.frombuffer(data, "<f2").astype(np.float64)
    return losses if np.isfinite(losses).all() else None
